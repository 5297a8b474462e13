#include "cli/rule_commands.h"

#include <cstdlib>
#include <string>

#include "flow/words.h"
#include "run/rule_question.h"

namespace tidemill::cli {

int answer_rule_questions(std::FILE* in, std::FILE* out) {
  char* buffer = nullptr;
  size_t capacity = 0;
  bool all_good = true;
  for (ssize_t length = 0; (length = ::getline(&buffer, &capacity, in)) >= 0;) {
    std::string_view line(buffer, static_cast<size_t>(length));
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    Json const answer = run::answer_rule_line(line);
    all_good = all_good && answer.find("error") == nullptr;
    std::string const text = answer.dump() + "\n";
    std::fwrite(text.data(), 1, text.size(), out);
  }
  std::free(buffer);
  return all_good ? 0 : 1;
}

int list_rules(std::FILE* out) {
  for (const auto& rule : flow::rule_words()) {
    std::fprintf(out, "%.*s\n", static_cast<int>(rule.text.size()), rule.text.data());
  }
  return 0;
}

}  // namespace tidemill::cli
