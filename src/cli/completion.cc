// Wraps CLI11, as app.cc does: it is asked for its commands and options.
#include "cli/completion.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "cli/answers.h"

namespace tidemill::cli {
namespace {

constexpr const char* kBash = R"sh(_tidemill() {
  local IFS=$'\n'
  COMPREPLY=($(tidemill complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _tidemill tidemill
)sh";

constexpr const char* kZsh = R"sh(#compdef tidemill
_tidemill() {
  local -a found
  found=("${(@f)$(tidemill complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a found
}
compdef _tidemill tidemill
)sh";

constexpr const char* kFish = R"sh(complete -c tidemill -f -a '(
  set -l words (commandline -opc)
  tidemill complete $words[2..-1] (commandline -ct | string collect --allow-empty) 2>/dev/null
)'
)sh";

// Where the cursor stands: below which command, at which of its positional words.
struct Place {
  CLI::App* command = nullptr;
  std::vector<std::string> given;  // positional words before it
  std::string option;              // whose value it is; "" : none
};

CLI::App* subcommand(CLI::App& app, const std::string& name) {
  for (CLI::App* one : app.get_subcommands([](CLI::App*) { return true; })) {
    if (one->get_name() == name) return one;
  }
  return nullptr;
}

bool takes_value(CLI::App& app, const std::string& name) {
  for (CLI::Option* option : app.get_options()) {
    if (option->check_name(name)) return option->get_items_expected_max() > 0;
  }
  return false;
}

Place find_place(CLI::App& app, const std::vector<std::string>& words, Common& common) {
  Place place{&app, {}, {}};
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (!word.starts_with('-')) {
      CLI::App* below = place.given.empty() ? subcommand(*place.command, word) : nullptr;
      if (below != nullptr) {
        place.command = below;
      } else {
        place.given.push_back(word);
      }
      continue;
    }
    if (word.find('=') != std::string::npos || !takes_value(*place.command, word)) continue;
    if (i + 2 >= words.size()) {
      place.option = word;
      break;
    }
    ++i;
    if (word == "--data") common.data = words[i];
    if (word == "--project") common.project = words[i];
  }
  return place;
}

// The name of the positional word at the cursor, such as RUN; the last one repeats.
std::string positional_at(CLI::App& command, size_t position) {
  std::string name;
  size_t at = 0;
  for (CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) continue;
    name = option->get_name(true);
    if (at++ == position || option->get_items_expected_max() > 1) break;
    name.clear();
  }
  return name;
}

void add_members(const Result<Json>& answer, std::string_view list, std::string_view member,
                 std::vector<std::string>& found) {
  const Json* rows = answer ? answer->find(list) : nullptr;
  if (rows == nullptr || !rows->is_array()) return;
  for (const Json& row : rows->as_array()) found.push_back(row.text_or(member, ""));
}

// Tasks of the run, or of the flow, that stands before.
void add_tasks(Remote& remote, const std::string& owner, std::vector<std::string>& found) {
  auto const run = remote.json("GET", "/api/v1/runs/" + percent_encode(owner));
  std::string const flow = run ? run->text_or("flow", "") : owner;
  add_members(remote.json("GET", "/api/v1/flows/" + percent_encode(flow)), "graph", "task", found);
}

std::vector<std::string> values_for(const std::string& what, const Place& place,
                                    const Common& common) {
  std::vector<std::string> found;
  if (what == "STATE") return {"succeeded", "failed", "skipped"};
  Remote remote = remote_of(common);
  if (what == "FLOW" || what == "--flow" || what == "RUN_OR_FLOW") {
    add_members(remote.json("GET", "/api/v1/flows"), "flows", "flow", found);
  }
  if (what == "RUN" || what == "--after" || what == "RUN_OR_FLOW") {
    add_members(remote.json("GET", "/api/v1/runs?limit=100"), "runs", "run", found);
  }
  if (what == "BACKFILL") {
    add_members(remote.json("GET", "/api/v1/backfills"), "backfills", "backfill", found);
  }
  if (what == "TASK" && !place.given.empty()) add_tasks(remote, place.given[0], found);
  return found;
}

}  // namespace

int completion(const std::string& shell) {
  std::fputs(shell == "bash" ? kBash : shell == "zsh" ? kZsh : kFish, stdout);
  return 0;
}

int complete(CLI::App& app, const std::vector<std::string>& words) {
  if (words.empty()) return 0;
  Common common;
  Place const place = find_place(app, words, common);
  const std::string& typed = words.back();
  std::vector<std::string> found;
  if (!place.option.empty()) {
    found = values_for(place.option, place, common);
  } else if (typed.starts_with('-')) {
    for (CLI::Option* option : place.command->get_options()) {
      for (const std::string& name : option->get_lnames()) found.push_back("--" + name);
    }
  } else {
    if (place.given.empty()) {
      for (CLI::App* below : place.command->get_subcommands([](CLI::App*) { return true; })) {
        found.push_back(below->get_name());
      }
    }
    std::string const what = positional_at(*place.command, place.given.size());
    for (std::string& value : values_for(what, place, common)) found.push_back(std::move(value));
  }
  for (const std::string& one : found) {
    if (one.starts_with(typed)) std::printf("%s\n", one.c_str());
  }
  return 0;
}

}  // namespace tidemill::cli
