#include "flow/test_project.h"

namespace tidemill::flow {
namespace {

class CheckTogether : public FlowTest {
 protected:
  void add(const std::string& path, const std::string& yaml) {
    source.files[path] = yaml;
    auto loaded = load_flow(source, project, path);
    ASSERT_TRUE(loaded) << text_of(loaded.error());
    flows_.push_back(std::move(*loaded));
  }
  std::string errors() { return text_of(check_together(flows_)); }
  std::vector<LoadedFlow> flows_;
};

TEST_F(CheckTogether, AcceptsFlowsThatFit) {
  add("a.yaml",
      "flow: a\nparams: {id: string, n: {type: number, default: 1}}\ntasks: {t: {shell: x}}\n");
  add("b.yaml", "flow: b\non: {after: a}\ntasks: {t: {flow: a, with: {id: x}}}\n");
  EXPECT_EQ(errors(), "");
}

TEST_F(CheckTogether, RefusesTwoOfOneName) {
  add("a.yaml", "flow: a\ntasks: {t: {shell: x}}\n");
  add("b.yaml", "flow: a\ntasks: {t: {shell: x}}\n");
  EXPECT_EQ(errors(),
            "b.yaml:1:1: the flow 'a' stands in 'a.yaml' too; give one of them another name\n");
}

TEST_F(CheckTogether, RefusesFlowsThatAreNotThere) {
  add("a.yaml", "flow: sweep\ntasks: {t: {flow: swep2}}\n");
  add("b.yaml", "flow: b\non: {after: swep}\ntasks: {t: {shell: x}}\n");
  EXPECT_EQ(
      errors(),
      "a.yaml:2:9: task 't': there is no flow 'swep2'; the project has: sweep, b\n"
      "b.yaml:1:1: the trigger 'after swep': there is no flow 'swep'; did you mean 'sweep'? the "
      "project has: sweep, b\n");
}

TEST_F(CheckTogether, ChecksTheParamsOfFlowTasks) {
  add("a.yaml",
      "flow: a\nparams: {id: string, n: {type: number, default: 1}}\ntasks: {t: {shell: x}}\n");
  add("b.yaml", "flow: b\ntasks:\n  t: {flow: a}\n  u: {flow: a, with: {id: 5, m: 1}}\n");
  EXPECT_EQ(
      errors(),
      "b.yaml:3:3: task 't': the flow 'a' needs the param 'id'; add it to with\n"
      "b.yaml:4:3: task 'u': param 'id': found 5, expected text in quotes\n"
      "b.yaml:4:3: task 'u': the flow 'a' has no param 'm'; did you mean 'n'? it has: id, n\n");
}

TEST_F(CheckTogether, RefusesACircleOfFlowTasks) {
  add("a.yaml", "flow: a\ntasks: {t: {flow: b}}\n");
  add("b.yaml", "flow: b\ntasks: {t: {flow: c}}\n");
  add("c.yaml", "flow: c\ntasks: {t: {flow: a}}\n");
  EXPECT_EQ(
      errors(),
      "a.yaml:1:1: flows run each other in a circle: a -> b -> c -> a; take one of these tasks "
      "away\n");
}

}  // namespace
}  // namespace tidemill::flow
