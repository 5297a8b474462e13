// Flow files to checked flows and their bundles.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/yaml.h"
#include "flow/flow.h"
#include "flow/project.h"

namespace tidemill::flow {

// A mistake in a file of the project: "flows/sweep.yaml:12:5: found ..., expected ...".
struct FileError {
  std::string path;  // within the project
  Mark mark;
  std::string message;
  std::string text() const;
};

// A copy of everything that a flow names, by path within the project. A version of a flow *is*
// this.
struct Bundle {
  BundleId id;  // SHA-256 over the sorted paths and contents
  std::map<std::string, std::string> files;
};

struct LoadedFlow {
  std::shared_ptr<const Flow> flow;
  Bundle bundle;
};

// Where the loader reads files: the project's folder, or a stored bundle. Blocking.
class Source {
 public:
  virtual ~Source() = default;
  virtual Result<std::string> read(const std::string& path, size_t limit_bytes) const = 0;
  // Files below a folder, as paths within the source, sorted; empty if there is none.
  virtual std::vector<std::string> list(const std::string& folder) const = 0;
};

// A stored bundle as a source.
class BundleSource final : public Source {
 public:
  explicit BundleSource(const Bundle& bundle) : bundle_(bundle) {}
  Result<std::string> read(const std::string& path, size_t limit_bytes) const override;
  std::vector<std::string> list(const std::string& folder) const override;

 private:
  const Bundle& bundle_;
};

// Loads one flow file with all that it names. Every mistake that can be found is in the answer, in
// file order. Pure but for reading through `source`.
tl::expected<LoadedFlow, std::vector<FileError>> load_flow(const Source& source,
                                                           const Project& project,
                                                           const std::string& path);

// Checks that concern several flows together: two files with one name, `after` and `flow` that name
// no flow, a circle of `flow` tasks.
std::vector<FileError> check_together(const std::vector<LoadedFlow>& flows);

// The reference of the flow file in Markdown, from the tables that the parser uses.
std::string flow_reference_markdown();

}  // namespace tidemill::flow
