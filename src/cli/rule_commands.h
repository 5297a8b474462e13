// The command `flow rules --jsonl`.
#pragma once

#include <cstdio>

namespace tidemill::cli {

// Answers one question about a trigger rule a line (run/rule_question.h), in order. Answers 0 if
// every line could be answered, else 1.
int answer_rule_questions(std::FILE* in, std::FILE* out);
// Prints the names of the rules, one a line.
int list_rules(std::FILE* out);

}  // namespace tidemill::cli
