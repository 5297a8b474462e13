// The checks by subject; their table is in checks.cc.
#pragma once

#include "checks.h"

namespace tidemill::sim {

void broken(const Check& self, std::vector<Finding>& findings, std::string evidence);

// checks_effects.cc: what the world saw.
void one_current_attempt(const Evidence&, const Check&, std::vector<Finding>&);
void results_are_of_their_own_attempt(const Evidence&, const Check&, std::vector<Finding>&);
void attempts_end_as_they_were_answered(const Evidence&, const Check&, std::vector<Finding>&);
void dead_before_the_next_starts(const Evidence&, const Check&, std::vector<Finding>&);
void limits_hold(const Evidence&, const Check&, std::vector<Finding>&);
void no_process_is_left(const Evidence&, const Check&, std::vector<Finding>&);
void effects_have_their_rows(const Evidence&, const Check&, std::vector<Finding>&);
void each_line_is_published_once(const Evidence&, const Check&, std::vector<Finding>&);
void queues_have_their_limit(const Evidence&, const Check&, std::vector<Finding>&);

// checks_graph.cc: an evaluator of its own for what may run when.
void tasks_start_when_their_rule_allows(const Evidence&, const Check&, std::vector<Finding>&);
void states_follow_the_rules(const Evidence&, const Check&, std::vector<Finding>&);
void terminal_states_are_final(const Evidence&, const Check&, std::vector<Finding>&);
void what_comes_after_is_there_once(const Evidence&, const Check&, std::vector<Finding>&);

// checks_clock.cc: ticks.
void every_tick_is_accounted_for(const Evidence&, const Check&, std::vector<Finding>&);
void no_tick_runs_twice(const Evidence&, const Check&, std::vector<Finding>&);

}  // namespace tidemill::sim
