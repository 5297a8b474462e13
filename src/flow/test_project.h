// A project in memory, for tests.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/text.h"
#include "flow/load.h"

namespace tidemill::flow {

class MemorySource final : public Source {
 public:
  std::map<std::string, std::string> files;

  Result<std::string> read(const std::string& path, size_t limit_bytes) const override {
    auto const found = files.find(path);
    if (found == files.end()) return fail(Code::kNotFound, "no such file");
    if (found->second.size() > limit_bytes) return fail(Code::kExhausted, "the file is too large");
    return found->second;
  }
  std::vector<std::string> list(const std::string& folder) const override {
    std::vector<std::string> paths;
    for (const auto& [path, content] : files) {
      if (folder.empty() || path.starts_with(folder + "/")) paths.push_back(path);
    }
    return paths;
  }
};

inline std::string text_of(const std::vector<FileError>& errors) {
  std::string text;
  for (const FileError& error : errors) text += error.text() + "\n";
  return text;
}

// A project with a vendor, models, SQL and Python; tests write f.yaml.
class FlowTest : public ::testing::Test {
 protected:
  FlowTest() {
    source.files["vendors/bureau.yaml"] =
        "vendor: bureau\n"
        "base_url: https://bureau.example\n"
        "products:\n"
        "  report:\n"
        "    request: {method: POST, path: /report, body: {ssn: \"{{ ssn }}\"}}\n"
        "    response: {schema: schemas/report.json}\n"
        "    effect: read\n"
        "    idempotency: key:Idempotency-Key\n"
        "  pull:\n"
        "    request: {method: POST, path: /pull}\n"
        "    effect: pull\n";
    source.files["schemas/report.json"] = R"({"type": "object"})";
    for (const char* model : {"default-risk-0", "default-risk-1", "fraud"}) {
      source.files[std::string("models/") + model + "/model.json"] = "{}";
      source.files[std::string("models/") + model + "/golden.jsonl"] = "{}\n";
    }
    source.files["sql/ok.sql"] = "select 1 as one";
    source.files["python/score.py"] = "import helper\n\ndef main(x):\n    return helper.twice(x)\n";
    source.files["python/helper.py"] = "def twice(x):\n    return 2 * x\n";
    source.files["python/unused.py"] = "x = 1\n";
    source.files["python/pack/__init__.py"] = "";
    source.files["python/pack/inner.py"] = "async def go():\n    pass\n";
    project.connections["app"] = {"app", "data/app.db"};
  }

  tl::expected<LoadedFlow, std::vector<FileError>> load(const std::string& yaml) {
    source.files["f.yaml"] = yaml;
    return load_flow(source, project, "f.yaml");
  }

  // The flow must have exactly these mistakes, one a line, without the path of the flow file.
  void AssertErrors(const std::string& yaml, const std::string& expected) {
    auto const loaded = load(yaml);
    ASSERT_FALSE(loaded) << "no mistake was found in:\n" << yaml;
    std::string found;
    for (const FileError& error : loaded.error()) {
      std::string text = error.text();
      if (text.starts_with("f.yaml:")) text.erase(0, 7);
      found += text + "\n";
    }
    EXPECT_EQ(found, expected.ends_with('\n') ? expected : expected + "\n") << yaml;
  }

  // Mistakes of one task; columns count from the task's map.
  void AssertTaskErrors(const std::string& task, const std::string& expected) {
    AssertErrors(
        "flow: f\nparams: {p: string, n: number}\ntasks:\n  a: {shell: x}\n  t: " + task + "\n",
        expected);
  }

  std::shared_ptr<const Flow> AssertLoads(const std::string& yaml) {
    auto const loaded = load(yaml);
    EXPECT_TRUE(loaded) << text_of(loaded ? std::vector<FileError>() : loaded.error()) << yaml;
    return loaded ? loaded->flow : nullptr;
  }

  const Task& only_task(const std::shared_ptr<const Flow>& flow) { return flow->tasks.at(0); }

  MemorySource source;
  Project project;
};

}  // namespace tidemill::flow
