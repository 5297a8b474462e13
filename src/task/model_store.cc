#include "task/model_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/hash.h"
#include "base/text.h"
#include "model/golden.h"

namespace tidemill::task {
namespace {

constexpr size_t kMessageBytes = 4096;

// Reads what the child says on its standard error, at most kMessageBytes.
std::string read_all(int descriptor) {
  std::string text;
  char buffer[1024];
  while (true) {
    ssize_t const got = ::read(descriptor, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    if (text.size() < kMessageBytes) text.append(buffer, static_cast<size_t>(got));
  }
}

class ChildCompiler final : public ModelCompiler {
 public:
  explicit ChildCompiler(std::string program) : program_(std::move(program)) {}

  Status compile(const std::string& json_path, const std::string& flat_path) override {
    int pipe_ends[2];
    if (::pipe2(pipe_ends, O_CLOEXEC) != 0) {
      return fail(Code::kUnavailable, fmt::format("no pipe: {}", std::strerror(errno)));
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], 2);
    std::string const words[] = {program_, "model", "compile", json_path, flat_path};
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    char* const env[] = {const_cast<char*>("PATH=/usr/bin:/bin"), nullptr};
    pid_t pid = 0;
    int const failed = ::posix_spawn(&pid, program_.c_str(), &actions, nullptr, argv.data(), env);
    posix_spawn_file_actions_destroy(&actions);
    ::close(pipe_ends[1]);
    if (failed != 0) {
      ::close(pipe_ends[0]);
      return fail(Code::kUnavailable,
                  fmt::format("cannot start {}: {}", program_, std::strerror(failed)));
    }
    std::string const said = read_all(pipe_ends[0]);
    ::close(pipe_ends[0]);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    if (WIFSIGNALED(status)) {
      return fail(Code::kInvalid, fmt::format("the parser was ended by signal {}: the file needs "
                                              "too much memory or time",
                                              WTERMSIG(status)));
    }
    return fail(Code::kInvalid, std::string(trim(said)));
  }

 private:
  std::string program_;
};

// "models/NAME/model.json" -> NAME
std::string model_name(const std::string& path) {
  constexpr std::string_view kFolder = "models/";
  constexpr std::string_view kFile = "/model.json";
  if (!path.starts_with(kFolder) || !path.ends_with(kFile)) return {};
  return path.substr(kFolder.size(), path.size() - kFolder.size() - kFile.size());
}

}  // namespace

std::unique_ptr<ModelCompiler> make_child_compiler(std::string program) {
  return std::make_unique<ChildCompiler>(std::move(program));
}

ModelStore::ModelStore(std::string data_folder, io::Files& files, ModelCompiler& compiler)
    : data_folder_(std::move(data_folder)), files_(files), compiler_(compiler) {}

Status ModelStore::prepare(const flow::Bundle& bundle) {
  std::map<std::string, LoadedModelPtr> models;
  for (const auto& [path, json] : bundle.files) {
    std::string const name = model_name(path);
    if (name.empty()) continue;
    auto const golden = bundle.files.find("models/" + name + "/golden.jsonl");
    if (golden == bundle.files.end()) {
      return fail(Code::kInvalid, fmt::format("model {} has no golden.jsonl; a model is accepted "
                                              "only with golden rows beside it",
                                              name));
    }
    auto loaded = load(name, json, golden->second);
    if (!loaded) return fail(loaded.error().in("model " + name));
    models[name] = std::move(*loaded);
  }
  std::lock_guard lock(mutex_);
  by_bundle_[bundle.id] = std::move(models);
  return {};
}

Result<LoadedModelPtr> ModelStore::load(const std::string& name, const std::string& json,
                                        const std::string& golden) {
  std::string const digest = sha256_hex(json);
  std::string const identity = digest + sha256_hex(golden);
  {
    std::lock_guard lock(mutex_);
    auto const known = by_digest_.find(identity);
    if (known != by_digest_.end()) return known->second;
  }
  std::string const folder = fmt::format("{}/models/{}", data_folder_, digest);
  std::string const flat_path = folder + "/flat";
  auto mapped = files_.map(flat_path);
  auto flat = mapped ? model::FlatModel::open((*mapped)->bytes())
                     : Result<model::FlatModel>(fail(mapped.error()));
  if (!flat) {
    // Not there, of another version, or damaged: made (again) from the trainer's file.
    TIDEMILL_TRY(files_.make_folders(folder, 0700));
    TIDEMILL_TRY(files_.write(folder + "/model.json", json));
    TIDEMILL_TRY(compiler_.compile(folder + "/model.json", flat_path));
    mapped = files_.map(flat_path);
    if (!mapped) return fail(mapped.error());
    flat = model::FlatModel::open((*mapped)->bytes());
    if (!flat) return fail(flat.error());
  }
  TIDEMILL_TRY_LET(rows, model::check_golden(*flat, golden));
  (void)rows;
  auto loaded = std::make_shared<const LoadedModel>(
      LoadedModel{name, digest, std::move(*mapped), *flat, model::FeatureNames(*flat)});
  std::lock_guard lock(mutex_);
  return by_digest_[identity] = std::move(loaded);
}

Result<LoadedModelPtr> ModelStore::find(const flow::BundleId& bundle,
                                        const std::string& name) const {
  std::lock_guard lock(mutex_);
  auto const models = by_bundle_.find(bundle);
  if (models == by_bundle_.end()) return fail(Code::kInternal, "the bundle is not prepared");
  auto const found = models->second.find(name);
  if (found == models->second.end()) {
    std::vector<std::string> names;
    for (const auto& [known, loaded] : models->second) names.push_back(known);
    return fail(Code::kNotFound, fmt::format("there is no model '{}' in this version of the flow; "
                                             "it has: {}",
                                             printable(name, 80), join(names, ", ")));
  }
  return found->second;
}

}  // namespace tidemill::task
