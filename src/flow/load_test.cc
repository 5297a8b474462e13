#include "flow/load.h"

#include "flow/loading.h"
#include "flow/test_project.h"

namespace tidemill::flow {
namespace {

constexpr const char* kFlow =
    "flow: f\nparams: {p: string, n: integer}\ntasks:\n"
    "  bureau: {vendor: bureau.report, with: {ssn: \"{{ p }}\"}}\n"
    "  features: {calc: sql/features.sql, needs: bureau}\n"
    "  risk: {model: \"default-risk-{{ n }}\", needs: features}\n"
    "  score: {python: score:main, needs: risk}\n";

class LoadTest : public FlowTest {
 protected:
  LoadTest() {
    source.files["sql/features.sql"] = "select {{ p }} as x from bureau";
    source.files["tidemill.yaml"] = "team: risk\n";
  }
};

TEST_F(LoadTest, PutsEverythingThatTheFlowNamesIntoTheBundle) {
  auto const loaded = load(kFlow);
  ASSERT_TRUE(loaded) << text_of(loaded.error());
  std::vector<std::string> paths;
  for (const auto& [path, content] : loaded->bundle.files) paths.push_back(path);
  EXPECT_EQ(paths,
            (std::vector<std::string>{
                "f.yaml", "models/default-risk-0/golden.jsonl", "models/default-risk-0/model.json",
                "models/default-risk-1/golden.jsonl", "models/default-risk-1/model.json",
                "python/helper.py", "python/score.py", "schemas/report.json", "sql/features.sql",
                "tidemill.yaml", "vendors/bureau.yaml"}));
  EXPECT_EQ(loaded->bundle.id.value.size(), 64u);
}

TEST_F(LoadTest, ABundleLoadsToTheSameFlowAndId) {
  auto const loaded = load(kFlow);
  ASSERT_TRUE(loaded);
  BundleSource const bundle(loaded->bundle);
  auto const stored = load_project(bundle);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->team, "risk");
  auto const again = load_flow(bundle, *stored, "f.yaml");
  ASSERT_TRUE(again) << text_of(again.error());
  EXPECT_EQ(again->bundle.id, loaded->bundle.id);
  EXPECT_EQ(again->bundle.files, loaded->bundle.files);
  EXPECT_EQ(again->flow->order, loaded->flow->order);
  EXPECT_FALSE(bundle.read("nothing", 100));
  EXPECT_EQ(bundle.read("sql/features.sql", 3).error().code, Code::kExhausted);
}

TEST_F(LoadTest, TheIdChangesWithEveryFile) {
  auto const first = load(kFlow);
  ASSERT_TRUE(first);
  for (const auto& [path, content] : first->bundle.files) {
    if (path == "f.yaml" || path == "tidemill.yaml" || path == "schemas/report.json") continue;
    std::string const before = source.files[path];
    source.files[path] += path.ends_with(".sql") ? " -- x" : "\n#";
    auto const second = load(kFlow);
    ASSERT_TRUE(second) << path << text_of(second.error());
    EXPECT_NE(second->bundle.id, first->bundle.id) << path;
    source.files[path] = before;
  }
  EXPECT_EQ(load(kFlow)->bundle.id, first->bundle.id);
}

TEST_F(LoadTest, RefusesFilesOverTheirLimits) {
  source.files["sql/features.sql"] = "select 1 --" + std::string(kMaxFileBytes, 'x');
  auto const sql = load(kFlow);
  ASSERT_FALSE(sql);
  EXPECT_EQ(
      text_of(sql.error()),
      "f.yaml:5:20: 'calc' of task 'features': 'sql/features.sql' cannot be read: the file is "
      "too large\n");
  auto const yaml = load("flow: f\n#" + std::string(kMaxFileBytes, 'x'));
  ASSERT_FALSE(yaml);
  EXPECT_EQ(text_of(yaml.error()), "f.yaml: the file is too large\n");
}

TEST_F(LoadTest, RefusesABundleOverItsLimit) {
  class Huge final : public Source {
   public:
    explicit Huge(const MemorySource& inner) : inner_(inner) {}
    Result<std::string> read(const std::string& path, size_t limit_bytes) const override {
      if (path.ends_with("model.json")) return std::string(kMaxModelBytes, ' ');
      return inner_.read(path, limit_bytes);
    }
    std::vector<std::string> list(const std::string& folder) const override {
      return inner_.list(folder);
    }

   private:
    const MemorySource& inner_;
  };
  source.files["f.yaml"] =
      "flow: f\nparams: {n: string}\ntasks: {t: {model: \"default-risk-{{ n }}\"}}\n";
  source.files["models/default-risk-2/model.json"] =
      source.files["models/default-risk-2/golden.jsonl"] = "";
  auto const loaded = load_flow(Huge(source), project, "f.yaml");
  ASSERT_FALSE(loaded);
  EXPECT_NE(text_of(loaded.error()).find("have more than 536870912 bytes"), std::string::npos);
}

TEST_F(LoadTest, TakesTenThousandTasksAndNoMore) {
  std::string yaml = "flow: f\ntasks:\n";
  for (size_t i = 0; i < kMaxTasks; ++i) {
    yaml += "  t" + std::to_string(i) + ": {shell: x" +
            (i == 0 ? "" : ", needs: t" + std::to_string(i - 1)) + "}\n";
  }
  auto const loaded = load(yaml);
  ASSERT_TRUE(loaded) << text_of(loaded.error());
  EXPECT_EQ(loaded->flow->order.size(), kMaxTasks);
  AssertErrors(yaml + "  last: {shell: x}\n",
               "3:3: the flow has 10001 tasks; at most 10000 are accepted");
}

TEST_F(LoadTest, RefusesMoreThanAThousandNeeds) {
  std::string yaml = "flow: f\ntasks:\n";
  std::string needs;
  for (size_t i = 0; i <= kMaxNeeds; ++i) {
    yaml += "  t" + std::to_string(i) + ": {shell: x}\n";
    needs += (i == 0 ? "t" : ", t") + std::to_string(i);
  }
  AssertErrors(yaml + "  last: {shell: x, needs: [" + needs + "]}\n",
               "1004:27: task 'last' has 1001 needs; at most 1000 are accepted");
}

TEST_F(LoadTest, RefusesAbsurdTextsAndMaps) {
  std::string const long_text(kMaxTextBytes + 1, 'x');
  AssertErrors("flow: f\ntasks: {t: {shell: " + long_text + "}}\n",
               "2:20: 'shell' of task 't': a text of 65537 bytes; at most 65536 are accepted");
  AssertErrors("flow: f\ntasks: {t: {shell: x, env: {A: " + long_text + "}}}\n",
               "2:32: 'A' in 'env' of task 't': a text of 65537 bytes; at most 65536 are accepted");
  std::string map, list, params;
  for (size_t i = 0; i <= kMaxEntries; ++i) {
    map += "v" + std::to_string(i) + ": x, ";
    list += "x, ";
    params += "p" + std::to_string(i) + ": string, ";
  }
  AssertErrors("flow: f\nparams: {" + params + "}\ntasks: {t: {shell: x, env: {" + map +
                   "}, args: [" + list + "]}}\n",
               "2:9: 1001 params; at most 1000 are accepted\n"
               "3:28: 'env' of task 't': 1001 entries; at most 1000 are accepted\n"
               "3:" +
                   std::to_string(28 + 2 + map.size() + 8) +
                   ": 'args' of task 't': 1001 entries; at most 1000 are accepted");
}

TEST_F(LoadTest, RefusesThousandsOfExpressionsInOneText) {
  std::string text;
  for (size_t i = 0; i <= kMaxExpressions; ++i) text += "{{p}}";
  AssertErrors(
      "flow: f\nparams: {p: string}\ntasks: {t: {shell: x, env: {A: \"" + text + "\"}}}\n",
      "3:33: 'A' in 'env' of task 't': more than 1000 expressions in one text; make it shorter");
}

TEST_F(LoadTest, RefusesDeepAndManifoldYaml) {
  AssertErrors("flow: f\ntasks: " + std::string(40, '[') + std::string(40, ']'),
               "2:39: nested more than 32 levels deep");
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c < 'i'; ++c) {
    std::string const before(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + std::string(1, c) + " [";
    for (int i = 0; i < 10; ++i) bomb += (i > 0 ? ", *" : "*") + before;
    bomb += "]\n";
  }
  auto const loaded = load(bomb);
  ASSERT_FALSE(loaded);
  EXPECT_NE(text_of(loaded.error()).find("more than 200000 values, aliases written out"),
            std::string::npos);
}

// Mistakes by the thousand must not make a load slow: looking for near words has an end.
TEST_F(LoadTest, StaysQuickWithTenThousandMistakes) {
  std::string const tail(60, 'x');
  std::string yaml = "flow: f\ntasks:\n";
  for (int i = 0; i < 5000; ++i) {
    yaml += "  t" + std::to_string(i) + tail + ": {shell: x, needs: y" + std::to_string(i) + tail +
            "}\n";
  }
  auto const loaded = load(yaml);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().size(), 51u);
  EXPECT_EQ(loaded.error().back().message, "and 4950 more");
}

}  // namespace
}  // namespace tidemill::flow
