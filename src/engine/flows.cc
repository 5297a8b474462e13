#include "engine/flows.h"

namespace tidemill::engine {

void Flows::replace(std::map<flow::FlowName, FlowVersion> current) {
  current_ = std::move(current);
  for (const auto& [name, version] : current_) versions_[version.bundle] = version;
}

void Flows::remember(FlowVersion version) { versions_.emplace(version.bundle, version); }

// Others only ever let go of a flow: who sees one holder is that holder. A current version has two.
std::vector<FlowVersion> Flows::take_unused() {
  std::vector<FlowVersion> unused;
  for (auto entry = versions_.begin(); entry != versions_.end();) {
    if (entry->second.flow.use_count() == 1) {
      unused.push_back(std::move(entry->second));
      entry = versions_.erase(entry);
    } else {
      ++entry;
    }
  }
  return unused;
}

const FlowVersion* Flows::current(const flow::FlowName& name) const {
  auto const found = current_.find(name);
  return found == current_.end() ? nullptr : &found->second;
}

const FlowVersion* Flows::version(const flow::BundleId& bundle) const {
  auto const found = versions_.find(bundle);
  return found == versions_.end() ? nullptr : &found->second;
}

std::vector<std::string> Flows::names() const {
  std::vector<std::string> names;
  for (const auto& [name, version] : current_) names.push_back(name.value);
  return names;
}

std::vector<std::pair<FlowVersion, const flow::Trigger*>> Flows::triggered_by(
    flow::Trigger::Kind kind, const std::string& source) const {
  std::vector<std::pair<FlowVersion, const flow::Trigger*>> found;
  for (const auto& [name, version] : current_) {
    for (const flow::Trigger& trigger : version.flow->triggers) {
      if (trigger.kind == kind && trigger.source == source) found.emplace_back(version, &trigger);
    }
  }
  return found;
}

}  // namespace tidemill::engine
