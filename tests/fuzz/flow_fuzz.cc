// Any bytes as a flow file, with a project around it: no crash, and errors that have a place.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "flow/graph_text.h"
#include "flow/load.h"

namespace {

using namespace tidemill;

class FuzzSource final : public flow::Source {
 public:
  explicit FuzzSource(std::string content) : content_(std::move(content)) {}
  Result<std::string> read(const std::string& path, size_t limit_bytes) const override {
    if (path == "tidemill.yaml") return fail(Code::kNotFound, "no such file");
    if (content_.size() > limit_bytes) return fail(Code::kExhausted, "too large");
    return content_;
  }
  std::vector<std::string> list(const std::string& folder) const override {
    if (folder == "models") return {"models/m-1/golden.jsonl", "models/m-1/model.json"};
    if (folder == "python") return {"python/a.py", "python/p/__init__.py"};
    return {};
  }

 private:
  std::string content_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzSource const source(std::string(reinterpret_cast<const char*>(data), size));
  flow::Project project;
  project.connections["app"] = {"app", "app.db"};
  auto const loaded = flow::load_flow(source, project, "f.yaml");
  if (loaded) {
    flow::graph_text(*loaded->flow);
    flow::BundleSource const bundle(loaded->bundle);
    auto const again = flow::load_flow(bundle, project, "f.yaml");
    if (!again || again->bundle.id != loaded->bundle.id) std::abort();
    return 0;
  }
  if (loaded.error().empty()) std::abort();
  for (const flow::FileError& error : loaded.error()) {
    if (error.message.empty() || error.text().empty()) std::abort();
  }
  return 0;
}
