// Models of bundles, parsed and mapped. A model is parsed in a child process into its flat form,
// which stands in models/<sha256>/ of the data directory; golden rows are checked before it is
// used.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "flow/load.h"
#include "io/files.h"
#include "model/feature_map.h"
#include "model/flat.h"

namespace tidemill::task {

// A model ready to score. Immutable, shared by threads.
struct LoadedModel {
  std::string name;
  std::string digest;  // SHA-256 of the trainer's file: the model's version
  std::shared_ptr<io::MappedFile> file;
  model::FlatModel flat;
  model::FeatureNames names;
};
using LoadedModelPtr = std::shared_ptr<const LoadedModel>;

// Parses a model file into its flat form: in a child process, so that a hostile file harms nothing.
class ModelCompiler {
 public:
  virtual ~ModelCompiler() = default;
  // Blocking.
  virtual Status compile(const std::string& json_path, const std::string& flat_path) = 0;
};

// Runs `<program> model compile IN OUT` with limits on memory and time.
std::unique_ptr<ModelCompiler> make_child_compiler(std::string program);

class ModelStore {
 public:
  ModelStore(std::string data_folder, io::Files& files, ModelCompiler& compiler);

  // Makes every model of the bundle ready, or says which one is refused and why. Blocking, off the
  // loop; any thread.
  Status prepare(const flow::Bundle& bundle);
  // After prepare() only. Any thread; the lock guards the map alone.
  Result<LoadedModelPtr> find(const flow::BundleId& bundle, const std::string& name) const;

 private:
  Result<LoadedModelPtr> load(const std::string& name, const std::string& json,
                              const std::string& golden);

  std::string data_folder_;
  io::Files& files_;
  ModelCompiler& compiler_;
  mutable std::mutex mutex_;
  std::map<std::string, LoadedModelPtr> by_digest_;  // of the model file and its golden rows
  std::map<flow::BundleId, std::map<std::string, LoadedModelPtr>> by_bundle_;
};

}  // namespace tidemill::task
