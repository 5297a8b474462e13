#include "engine/project_loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace tidemill::engine {
namespace {

constexpr size_t kMaxListed = 10'000;
constexpr size_t kCurrentBytes = 4u << 20;
constexpr const char* kFolders[] = {"flows", "sql", "vendors", "schemas", "models", "python"};

}  // namespace

FolderSource::FolderSource(std::string folder, io::Files& files)
    : folder_(std::move(folder)), files_(files) {}

Result<std::string> FolderSource::read(const std::string& path, size_t limit_bytes) const {
  return files_.read(folder_ + "/" + path, limit_bytes);
}

std::vector<std::string> FolderSource::list(const std::string& folder) const {
  std::vector<std::string> paths;
  list_into(folder, paths);
  std::sort(paths.begin(), paths.end());
  return paths;
}

void FolderSource::list_into(const std::string& folder, std::vector<std::string>& paths) const {
  auto const entries = files_.list(folder_ + "/" + folder);
  if (!entries) return;
  for (const io::FileInfo& entry : *entries) {
    if (entry.name.starts_with(".") || entry.name == "__pycache__") continue;
    std::string path = folder + "/" + entry.name;
    if (entry.is_folder) {
      list_into(path, paths);
    } else if (paths.size() < kMaxListed) {
      paths.push_back(std::move(path));
    }
  }
}

ProjectLoader::ProjectLoader(std::string project_folder, std::string data_folder, LoaderParts parts)
    : data_folder_(std::move(data_folder)),
      parts_(parts),
      source_(project_folder, parts.files),
      project_folder_(std::move(project_folder)) {}

// data/current.json: {flow: bundle}, so that the last good version of a file that is broken now
// runs on after a restart too.
std::map<flow::FlowName, flow::BundleId> ProjectLoader::read_current() const {
  std::map<flow::FlowName, flow::BundleId> current;
  auto const text = parts_.files.read(data_folder_ + "/current.json", kCurrentBytes);
  auto const json = text ? parse_json(*text) : Result<Json>(Json());
  if (!json || !json->is_object()) return current;
  for (const auto& [name, bundle] : json->as_object()) {
    if (bundle.is_string()) current[flow::FlowName(name)] = flow::BundleId(bundle.as_string());
  }
  return current;
}

void ProjectLoader::write_current(const std::map<flow::FlowName, FlowVersion>& current) {
  Json json = Json::object();
  for (const auto& [name, version] : current) json.set(name.value, version.bundle.value);
  auto const written = parts_.files.write(data_folder_ + "/current.json", json.pretty(), 0600);
  if (!written) parts_.log.error("{}", written.error().text());
}

void ProjectLoader::load_file(const std::string& path, const flow::Project& project,
                              LoadResult& result, std::vector<flow::LoadedFlow>& loaded) {
  FlowStatus status;
  status.path = path;
  auto flow = flow::load_flow(source_, project, path);
  if (!flow) {
    status.errors = std::move(flow.error());
    result.statuses.push_back(std::move(status));
    return;
  }
  status.name = flow->flow->name;
  Status ready = parts_.store.put_bundle(flow->bundle);
  if (ready) ready = parts_.models.prepare(flow->bundle);
  if (!ready) {
    status.errors.push_back({path, {1, 1}, ready.error().text()});
  } else {
    loaded.push_back(std::move(*flow));
  }
  result.statuses.push_back(std::move(status));
}

LoadResult ProjectLoader::load_all(std::map<flow::FlowName, flow::BundleId> last_good) {
  LoadResult result;
  flow::Project project;
  auto loaded_project = flow::load_project(source_);
  if (loaded_project) {
    project = std::move(*loaded_project);
  } else {
    result.project_errors = std::move(loaded_project.error());
  }
  std::vector<flow::LoadedFlow> loaded;
  if (result.project_errors.empty()) {
    for (const std::string& path : source_.list("flows")) {
      if (path.ends_with(".yaml") || path.ends_with(".yml")) {
        load_file(path, project, result, loaded);
      }
    }
  }
  std::set<std::string> bad_paths;
  for (const flow::FileError& error : flow::check_together(loaded)) {
    bad_paths.insert(error.path);
    for (FlowStatus& status : result.statuses) {
      if (status.path == error.path) status.errors.push_back(error);
    }
  }
  for (flow::LoadedFlow& flow : loaded) {
    if (bad_paths.contains(flow.flow->path)) continue;
    result.current[flow.flow->name] = {flow.flow, flow.bundle.id};
  }
  // A file that is there but broken keeps its last good version. A file that is gone retires its
  // flow.
  for (const auto& [name, bundle] : last_good) {
    if (result.current.contains(name)) continue;
    auto version = load_bundle(bundle);
    if (!version) continue;
    bool const is_broken =
        !result.project_errors.empty() ||
        std::any_of(result.statuses.begin(), result.statuses.end(), [&](const FlowStatus& status) {
          return status.path == version->flow->path && !status.errors.empty();
        });
    if (is_broken) result.current[name] = std::move(*version);
  }
  return result;
}

void ProjectLoader::load(std::function<void()> done) {
  if (is_loading_) {
    is_changed_ = true;
    if (done) waiting_.push_back(std::move(done));
    return;
  }
  is_loading_ = true;
  auto work = [this, done] {
    std::string const print = fingerprint();
    auto result = std::make_shared<LoadResult>(load_all(read_current()));
    write_current(result->current);
    parts_.loop.post([this, result, print, done] {
      is_loading_ = false;
      loaded_fingerprint_ = print;
      statuses_ = std::move(result->statuses);
      project_errors_ = std::move(result->project_errors);
      for (const auto& error : project_errors_) parts_.log.error("{}", error.text());
      for (const FlowStatus& status : statuses_) {
        for (const auto& error : status.errors) parts_.log.error("{}", error.text());
      }
      parts_.log.info("{} flows are loaded", result->current.size());
      parts_.engine.deploy(std::move(result->current));
      if (done) done();
      if (is_changed_) {
        is_changed_ = false;
        load([waiting = std::exchange(waiting_, {})] {
          for (const auto& tell : waiting) tell();
        });
      }
    });
  };
  if (auto const queued = parts_.executor.run(io::Lane::kRead, work); !queued) {
    is_loading_ = false;
    parts_.log.error("the project could not be loaded: {}", queued.error().text());
    if (done) parts_.loop.post(done);
  }
}

std::string ProjectLoader::fingerprint() const {
  std::string print;
  auto add = [&](const std::string& path) {
    auto const info = parts_.files.info(project_folder_ + "/" + path);
    if (info) print += fmt::format("{} {} {}\n", path, info->size, info->modified.us);
  };
  add("tidemill.yaml");
  for (const char* folder : kFolders) {
    for (const std::string& path : source_.list(folder)) add(path);
  }
  return print;
}

// Other files may stand in the watched folders: a log that the server's own lines are written to
// must not make it load without end.
void ProjectLoader::file_changed() {
  (void)parts_.executor.run(io::Lane::kRead, [this] {
    std::string const print = fingerprint();
    parts_.loop.post([this, print] {
      if (print == loaded_fingerprint_) return;
      load([this] {
        if (auto const watching = watch(); !watching) {
          parts_.log.warn("files are not watched: {}", watching.error().text());
        }
      });
    });
  });
}

Status ProjectLoader::watch() {
  std::vector<std::string> folders = {project_folder_};
  std::set<std::string> seen = {project_folder_};
  for (const char* part : kFolders) {
    std::string const top = project_folder_ + "/" + part;
    if (seen.insert(top).second) folders.push_back(top);
    for (const std::string& path : source_.list(part)) {
      std::string const folder = project_folder_ + "/" + path.substr(0, path.rfind('/'));
      if (seen.insert(folder).second) folders.push_back(folder);
    }
  }
  TIDEMILL_TRY_LET(watching, parts_.files.watch(std::move(folders), [this] { file_changed(); }));
  watch_ = std::move(watching);
  return {};
}

Result<FlowVersion> ProjectLoader::load_bundle(const flow::BundleId& id) {
  TIDEMILL_TRY_LET(bundle, parts_.store.get_bundle(id));
  bundle.id = id;
  std::string path;
  for (const auto& [name, bytes] : bundle.files) {
    if (name.starts_with("flows/")) path = name;
  }
  flow::BundleSource const source(bundle);
  auto project = flow::load_project(source);
  auto loaded = flow::load_flow(source, project ? *project : flow::Project(), path);
  if (!loaded) {
    return fail(Code::kInternal,
                fmt::format("bundle {} does not load: {}", id.value,
                            loaded.error().empty() ? "no error" : loaded.error()[0].text()));
  }
  TIDEMILL_TRY(parts_.models.prepare(bundle));
  return FlowVersion{loaded->flow, id};
}

}  // namespace tidemill::engine
