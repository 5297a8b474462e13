// The flows that the engine knows: the current version of each, and older versions that open runs
// use.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "flow/load.h"

namespace tidemill::engine {

struct FlowVersion {
  std::shared_ptr<const flow::Flow> flow;
  flow::BundleId bundle;
};

// How the last load of a flow's file went.
struct FlowStatus {
  flow::FlowName name;
  std::string path;
  std::vector<flow::FileError> errors;  // the last good version runs on
};

// Loop thread only.
class Flows {
 public:
  // A new current version. Flows that are not in `current` any more are retired.
  void replace(std::map<flow::FlowName, FlowVersion> current);
  void remember(FlowVersion version);  // an older one, of a run that is open

  // Takes out versions that are not current and that nothing else holds: no open run, no
  // evaluation.
  std::vector<FlowVersion> take_unused();

  const FlowVersion* current(const flow::FlowName& name) const;
  const FlowVersion* version(const flow::BundleId& bundle) const;
  const std::map<flow::FlowName, FlowVersion>& all() const { return current_; }
  // Names of flows, for "did you mean".
  std::vector<std::string> names() const;
  // Flows with a trigger of that kind on that flow or dataset.
  std::vector<std::pair<FlowVersion, const flow::Trigger*>> triggered_by(
      flow::Trigger::Kind kind, const std::string& source) const;

 private:
  std::map<flow::FlowName, FlowVersion> current_;
  std::map<flow::BundleId, FlowVersion> versions_;
};

}  // namespace tidemill::engine
