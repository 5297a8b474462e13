// The project's files to current flow versions: at the start, and whenever a file changes. A broken
// file changes nothing but its own status.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "io/executor.h"
#include "io/files.h"
#include "task/model_store.h"

namespace tidemill::engine {

// The project's folder as a source of files. Thread-safe.
class FolderSource final : public flow::Source {
 public:
  FolderSource(std::string folder, io::Files& files);
  Result<std::string> read(const std::string& path, size_t limit_bytes) const override;
  std::vector<std::string> list(const std::string& folder) const override;

 private:
  void list_into(const std::string& folder, std::vector<std::string>& paths) const;
  std::string folder_;
  io::Files& files_;
};

// What one load found. Made off the loop.
struct LoadResult {
  std::map<flow::FlowName, FlowVersion> current;
  std::vector<FlowStatus> statuses;  // of every flow file, by path
  std::vector<flow::FileError> project_errors;
};

struct LoaderParts {
  io::Loop& loop;
  io::Executor& executor;
  io::Files& files;
  store::Store& store;
  task::ModelStore& models;
  Engine& engine;
  Log& log;
};

class ProjectLoader {
 public:
  ProjectLoader(std::string project_folder, std::string data_folder, LoaderParts parts);

  // Loads everything and deploys it; `done` on the loop's thread. Reads off the loop.
  void load(std::function<void()> done);
  // Loads again after each change of a file of the project.
  Status watch();
  // The flow of a stored bundle, with its models ready. Blocking.
  Result<FlowVersion> load_bundle(const flow::BundleId& id);
  // How the last load went. Loop thread.
  const std::vector<FlowStatus>& statuses() const { return statuses_; }
  const std::vector<flow::FileError>& project_errors() const { return project_errors_; }

 private:
  // Tells whether a file that counts has changed: names, sizes and times of all of them.
  std::string fingerprint() const;
  void file_changed();
  LoadResult load_all(std::map<flow::FlowName, flow::BundleId> last_good);
  void load_file(const std::string& path, const flow::Project& project, LoadResult& result,
                 std::vector<flow::LoadedFlow>& loaded);
  std::map<flow::FlowName, flow::BundleId> read_current() const;
  void write_current(const std::map<flow::FlowName, FlowVersion>& current);

  std::string data_folder_;
  LoaderParts parts_;
  FolderSource source_;
  std::string project_folder_;
  std::vector<FlowStatus> statuses_;
  std::vector<flow::FileError> project_errors_;
  std::unique_ptr<io::FolderWatch> watch_;
  std::string loaded_fingerprint_;
  bool is_loading_ = false;
  bool is_changed_ = false;                     // a file changed while a load was under way
  std::vector<std::function<void()>> waiting_;  // for the load that comes after it
};

}  // namespace tidemill::engine
