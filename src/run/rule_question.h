// A question about a trigger rule as JSON, in the form of tests/vectors/trigger_rules, and its
// answer: for comparing the rules with other engines.
//
//   {"id": "tr1", "rule": "all_done", "upstreams": 2, "counts": {"success": 1, "unfinished": 1}}
//   -> {"id": "tr1", "result": "wait", "dep_met": false}
#pragma once

#include "base/json.h"
#include "base/result.h"

namespace tidemill::run {

// Counts: success, failed, upstream_failed, skipped, removed, unfinished; they add up to upstreams.
// Optional: setup_counts, map_index, flag_upstream_failed (default true),
// wait_for_past_depends_before_skipping (default false; the past is not met), id.
// result: run, wait, or set:<state>.
Result<Json> answer_rule_question(const Json& question);

// A line of text and its answer; of a bad line {"error": ...}.
Json answer_rule_line(std::string_view line);

}  // namespace tidemill::run
