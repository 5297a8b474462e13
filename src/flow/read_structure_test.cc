#include "flow/test_project.h"

namespace tidemill::flow {
namespace {

using ReadStructure = FlowTest;

std::vector<TaskIndex> indexes(std::initializer_list<int32_t> values) {
  std::vector<TaskIndex> all;
  for (int32_t value : values) all.emplace_back(value);
  return all;
}

TEST_F(ReadStructure, NamesTheTasksOfGroupsWithTheirGroup) {
  auto const flow = AssertLoads(
      "flow: f\ntasks:\n  a: {shell: x}\n  z: {shell: x, needs: [g, g.h.c]}\n"
      "groups:\n  g:\n    needs: a\n    tasks:\n      b: {shell: x}\n      d: {shell: x, needs: "
      "h}\n"
      "    groups:\n      h: {tasks: {c: {calc: select v from b, needs: b}}}\n");
  ASSERT_TRUE(flow);
  std::vector<std::string> names;
  for (const Task& task : flow->tasks) names.push_back(task.name);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "z", "g.b", "g.d", "g.h.c"}));
  EXPECT_EQ(flow->tasks[1].needs, indexes({2, 3, 4}));
  EXPECT_EQ(flow->tasks[3].needs, indexes({0, 4}));
  EXPECT_EQ(flow->tasks[4].needs, indexes({0, 2}));
  EXPECT_EQ(flow->groups[0].tasks, indexes({2, 3, 4}));
  EXPECT_EQ(flow->groups[1].name, "g.h");
  EXPECT_EQ(flow->tasks[4].group, GroupIndex(1));
}

TEST_F(ReadStructure, GivesEveryTaskOfAMappedGroupItsList) {
  auto const flow = AssertLoads(
      "flow: f\ntasks: {plan: {shell: x}}\ngroups:\n  g:\n    for_each: plan.rows\n    tasks:\n"
      "      a: {shell: x, env: {V: \"{{ item.v }}\"}, when: item.v > 1}\n"
      "      b: {shell: x, needs: a, max_items_running: 3}\n");
  ASSERT_TRUE(flow);
  EXPECT_TRUE(flow->groups[0].is_mapped);
  EXPECT_EQ(flow->groups[0].needs, indexes({0}));
  EXPECT_EQ(flow->tasks[2].for_each_rows, "plan");
  EXPECT_EQ(flow->tasks[2].needs, indexes({0, 1}));
  EXPECT_EQ(flow->tasks[2].max_items_running, 3);
}

TEST_F(ReadStructure, RefusesGroupsThatMeanNothing) {
  AssertErrors("flow: f\ngroups: {g: {tasks: {}}}\n",
               "2:10: group 'g' has no tasks");
  AssertErrors(
      "flow: f\ntasks: {g: {shell: x}, a: {shell: x}}\ngroups:\n  g: {tasks: {b: {shell: x}}}\n"
      "  h: {tasks: {a: {shell: x}}}\n",
      "4:3: group 'g' has the name of a task; give one of them another name\n"
      "5:15: task 'h.a': within its group it is called 'a', as the task 'a' is; give one of them "
      "another name");
  AssertErrors(
      "flow: f\ngroups:\n  g:\n    for_each: \"[1]\"\n    groups: {h: {tasks: {a: {shell: x}}}}\n"
      "  i: {needs: q, tasks: {b: {shell: x, needs: i}}}\n",
      "3:3: group 'g' has for_each and a group within; expected only tasks in it\n"
      "6:14: 'needs' of group 'i': found 'q', expected a task or group of this flow\n"
      "6:46: task 'i.b' needs the group that it stands in");
}

TEST_F(ReadStructure, PairsTeardownsWithTheirSetups) {
  auto const flow = AssertLoads(
      "flow: f\ntasks:\n  make: {shell: x}\n  use: {shell: x, needs: make}\n"
      "  drop: {shell: x, teardown: make, env: {ID: \"{{ make.id }}\"}}\n"
      "  other: {shell: x, teardown: make, needs: use, fails_run: true}\n");
  ASSERT_TRUE(flow);
  EXPECT_TRUE(flow->tasks[0].is_setup);
  const Task& drop = flow->tasks[2];
  EXPECT_EQ(drop.setups, indexes({0}));
  EXPECT_EQ(drop.needs, indexes({0, 1}));
  EXPECT_EQ(drop.rule, Rule::kAllDoneSetupSuccess);
  EXPECT_FALSE(drop.fails_run);
  EXPECT_TRUE(flow->tasks[3].fails_run);
}

TEST_F(ReadStructure, RefusesASetupWithoutATeardownAndTheReverse) {
  AssertErrors(
      "flow: f\ntasks:\n  a: {shell: x, setup: true}\n  b: {shell: x, teardown: c}\n"
      "  d: {shell: x, fails_run: true}\n  e: {shell: x, teardown: d, rule: always}\n"
      "  g: {shell: x, teardown: e}\n",
      "3:3: setup task 'a' has no teardown; add a task with 'teardown: a', or take setup away\n"
      "4:27: 'teardown' of task 'b': found 'c', expected the name of the task that sets up; "
      "did you mean 'a'?\n"
      "5:28: 'fails_run' of task 'd' is for teardowns; use 'optional: true' for a task that may "
      "fail\n"
      "6:36: 'rule' of task 'e': a teardown runs whenever its setup has succeeded; take rule away\n"
      "7:3: task 'g' tears down 'e', which is a teardown itself");
}

TEST_F(ReadStructure, RefusesABranchWithoutChildrenOrWithItems) {
  AssertErrors(
      "flow: f\ntasks:\n  a: {shell: x, branch: true}\n"
      "  b: {shell: x, branch: true, for_each: \"[1]\"}\n  c: {shell: x, needs: b}\n"
      "  d: {shell: x, max_items_running: 2}\n",
      "3:3: task 'a' is a branch that no task needs; its value names the tasks that go on\n"
      "4:3: task 'b' is a branch and has for_each; expected one of them\n"
      "6:36: 'max_items_running' of task 'd' is for tasks with for_each");
}

TEST_F(ReadStructure, ReadsSeveralLists) {
  auto const flow = AssertLoads(
      "flow: f\nparams: {days: json}\ntasks:\n  p: {shell: x}\n"
      "  t: {shell: x, for_each: {zip: {day: days, row: p.rows}}, env: {D: \"{{ item.day }}\"}}\n");
  ASSERT_TRUE(flow);
  EXPECT_TRUE(flow->tasks[1].is_zipped);
  EXPECT_EQ(flow->tasks[1].for_each_lists.size(), 2u);
  EXPECT_EQ(flow->tasks[1].needs, indexes({0}));
  AssertErrors(
      "flow: f\ntasks:\n  t: {shell: x, for_each: {}}\n  u: {shell: x, for_each: {zip: {}}}\n",
      "3:27: 'for_each' of task 't': expected one of product and zip, with lists by name\n"
      "4:33: 'for_each' of task 'u': found 0 lists, expected 1 to 10");
}

}  // namespace
}  // namespace tidemill::flow
