#include <filesystem>
#include <fstream>
#include <sstream>

#include "flow/graph_text.h"
#include "flow/test_project.h"

namespace tidemill::flow {
namespace {

MemorySource stored_project() {
  std::filesystem::path const root =
      std::filesystem::path(TIDEMILL_SOURCE_DIR) / "tests/vectors/flows";
  MemorySource source;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    source.files[std::filesystem::relative(entry.path(), root).generic_string()] = content.str();
  }
  return source;
}

TEST(Vectors, StoredProjectLoadsAndItsBundlesLoadToTheSame) {
  MemorySource const source = stored_project();
  auto const project = load_project(source);
  ASSERT_TRUE(project) << text_of(project.error());
  std::vector<LoadedFlow> flows;
  for (const std::string& path : source.list("flows")) {
    auto loaded = load_flow(source, *project, path);
    ASSERT_TRUE(loaded) << text_of(loaded.error());
    BundleSource const bundle(loaded->bundle);
    auto const again = load_flow(bundle, *load_project(bundle), path);
    ASSERT_TRUE(again) << text_of(again.error());
    EXPECT_EQ(again->bundle.id, loaded->bundle.id) << path;
    EXPECT_EQ(graph_text(*again->flow), graph_text(*loaded->flow));
    flows.push_back(std::move(*loaded));
  }
  EXPECT_EQ(flows.size(), 3u);
  EXPECT_EQ(text_of(check_together(flows)), "");
}

}  // namespace
}  // namespace tidemill::flow
