#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "flow/fields.h"
#include "flow/test_project.h"

namespace tidemill::flow {
namespace {

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

TEST(Reference, StoredPageIsCurrent) {
  std::string const path = std::string(TIDEMILL_SOURCE_DIR) + "/docs/flow-file.md";
  std::string const page = flow_reference_markdown();
  if (std::getenv("TIDEMILL_BLESS") != nullptr) std::ofstream(path, std::ios::binary) << page;
  EXPECT_EQ(file_text(path), page) << "run this test with TIDEMILL_BLESS=1 and read the difference";
}

TEST(Reference, HasARowForEveryKey) {
  std::string const page = flow_reference_markdown();
  for (const Field& field : fields()) {
    EXPECT_NE(page.find("| `" + std::string(field.name) + "` |"), std::string::npos) << field.name;
    EXPECT_FALSE(field.form.empty()) << field.name;
    EXPECT_TRUE(field.meaning.ends_with(".")) << field.name;
  }
}

TEST(Reference, NamesAKeyOncePerPlace) {
  std::set<std::pair<Places, std::string_view>> seen;
  for (const Field& field : fields()) {
    for (Places bit = 1; bit != 0; bit <<= 1) {
      if ((field.places & bit) == 0) continue;
      EXPECT_TRUE(seen.emplace(bit, field.name).second) << field.name;
    }
  }
}

}  // namespace
}  // namespace tidemill::flow
