#include "flow/load.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/text.h"
#include "flow/graph.h"
#include "flow/loading.h"
#include "flow/params.h"

namespace tidemill::flow {
namespace {

// A file of the largest number of tasks has more values than the YAML room's own limit.
constexpr YamlLimits kFlowYaml{.bytes = kMaxFileBytes, .depth = 32, .nodes = 200'000};

BundleId id_of(const std::map<std::string, std::string>& files) {
  Sha256 hash;
  hash.add("tidemill-bundle-1\n");
  for (const auto& [path, content] : files) {
    hash.add(fmt::format("{} {} {}\n", path.size(), path, content.size()));
    hash.add(content);
  }
  return BundleId(hash.finish_hex());
}

std::vector<FileError> one_error(const std::string& path, Mark mark, std::string message) {
  return {FileError{path, mark, std::move(message)}};
}

}  // namespace

Result<std::string> BundleSource::read(const std::string& path, size_t limit_bytes) const {
  auto const found = bundle_.files.find(path);
  if (found == bundle_.files.end()) {
    return fail(Code::kNotFound, fmt::format("the bundle has no file '{}'", printable(path, 200)));
  }
  if (found->second.size() > limit_bytes) {
    return fail(Code::kExhausted,
                fmt::format("'{}' has {} bytes; at most {} are accepted", printable(path, 200),
                            found->second.size(), limit_bytes));
  }
  return found->second;
}

std::vector<std::string> BundleSource::list(const std::string& folder) const {
  std::string const prefix = folder.empty() ? "" : folder + "/";
  std::vector<std::string> paths;
  for (auto at = bundle_.files.lower_bound(prefix);
       at != bundle_.files.end() && at->first.starts_with(prefix); ++at) {
    paths.push_back(at->first);
  }
  return paths;
}

tl::expected<LoadedFlow, std::vector<FileError>> load_flow(const Source& source,
                                                           const Project& project,
                                                           const std::string& path) {
  auto content = source.read(path, kMaxFileBytes);
  if (!content) return tl::unexpected(one_error(path, {}, content.error().text()));
  auto const root = parse_yaml(*content, kFlowYaml);
  if (!root) return tl::unexpected(one_error(path, root.error().mark, root.error().message));
  Loading loading(source, project, path, *content);
  loading.files.emplace(path, std::move(*content));
  if (auto common = source.read("tidemill.yaml", kMaxFileBytes)) {
    loading.files.emplace("tidemill.yaml", std::move(*common));
  }
  for (const auto& [name, text] : loading.files) loading.bundle_bytes += text.size();
  read_flow(loading, *root);
  if (!loading.problems.empty()) return tl::unexpected(loading.problems.take());
  LoadedFlow loaded;
  loaded.bundle.id = id_of(loading.files);
  loaded.bundle.files = std::move(loading.files);
  loaded.flow = std::make_shared<const Flow>(std::move(loading.flow));
  return loaded;
}

}  // namespace tidemill::flow
