// The settings of model tasks.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "flow/settings.h"

namespace tidemill::flow {
namespace {

// Whether a name fits the literal pieces, with at least one character for each expression.
bool fits(std::string_view name, const std::vector<std::string>& literals) {
  if (!name.starts_with(literals.front())) return false;
  std::string_view rest = name.substr(literals.front().size());
  for (size_t i = 1; i + 1 < literals.size(); ++i) {
    size_t const found = rest.find(literals[i], 1);
    if (found == std::string_view::npos) return false;
    rest.remove_prefix(found + literals[i].size());
  }
  if (literals.size() == 1) return rest.empty();
  return rest.size() > literals.back().size() && rest.ends_with(literals.back());
}

std::vector<std::string> models_of(Loading& loading) {
  std::vector<std::string> names;
  for (const std::string& path : loading.list("models")) {
    std::vector<std::string_view> const parts = split(path, '/');
    if (parts.size() == 3 && parts[2] == "model.json") names.emplace_back(parts[1]);
  }
  return names;
}

}  // namespace

void read_model(const SettingsPlace& at) {
  auto name = Values(at.loading, at.readable).text(at.node, at.what);
  if (!name || !at.loading.reader.text(at.node, at.what)) return;
  std::vector<std::string> const literals = name->literals();
  for (const std::string& literal : literals) {
    if (literal.find('@') == std::string::npos) continue;
    at.loading.problems.add(at.node.mark,
                            fmt::format("{}: aliases such as '@champion' need the model registry, "
                                        "which this version does not have; name the model alone",
                                        at.what));
    return;
  }
  std::vector<std::string> const known = models_of(at.loading);
  ModelSettings settings;
  for (const std::string& model : known) {
    if (fits(model, literals)) settings.candidates.push_back(model);
  }
  if (settings.candidates.empty()) {
    std::string const near =
        name->is_constant() ? at.loading.problems.did_you_mean(literals[0], known) : std::string();
    at.loading.problems.add(
        at.node.mark, fmt::format("{}: there is no model {}'{}'{} {}", at.what,
                                  name->is_constant() ? "" : "that fits ",
                                  printable(at.node.scalar, 60), near.empty() ? ";" : near,
                                  known.empty() ? "expected models/NAME/model.json in the project"
                                                : "models/ has: " + some_of(known)));
    return;
  }
  for (const std::string& model : settings.candidates) {
    for (std::string_view file : {"model.json", "golden.jsonl"}) {
      at.loading.add_file(fmt::format("models/{}/{}", model, file), kMaxModelBytes, at.node.mark,
                          at.what);
    }
  }
  settings.name = std::move(*name);
  at.task.settings = std::move(settings);
}

}  // namespace tidemill::flow
