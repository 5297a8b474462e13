#include "flow/test_project.h"

namespace tidemill::flow {
namespace {

using ReadFlow = FlowTest;

TEST_F(ReadFlow, FillsDefaults) {
  project.zone = "Europe/Paris";
  project.team = "risk";
  auto const flow = AssertLoads("flow: f\ntasks: {a: {shell: echo}}\n");
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->name.value, "f");
  EXPECT_EQ(flow->path, "f.yaml");
  EXPECT_EQ(flow->zone, "Europe/Paris");
  EXPECT_EQ(flow->team, "risk");
  EXPECT_EQ(flow->dedupe_for, *parse_duration("400d"));
  EXPECT_FALSE(flow->key);
  EXPECT_FALSE(flow->deadline);
  EXPECT_FALSE(flow->max_running);
}

TEST_F(ReadFlow, ReadsEveryKey) {
  auto const flow = AssertLoads(
      "flow: f\nteam: t-1\ndescription: what it does\nzone: America/New_York\non: call\n"
      "key: \"{{ id }}\"\nparams: {id: string, amount: {type: number, default: 0}}\n"
      "overlap: queue\nmissed: all(3)\nmax_running: 7\ndeadline: 2m\ndedupe_for: 30d\n"
      "env: {REGION: us, ID: \"{{ id }}\"}\npython: {interpreter: /usr/bin/python3, preload: "
      "[json]}\n"
      "tasks: {a: {shell: echo}}\n");
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->max_running, 7);
  EXPECT_EQ(format_duration(*flow->deadline), "2m");
  EXPECT_EQ(flow->params.at(1).otherwise->dump(), "0.0");
  EXPECT_EQ(flow->env.size(), 2u);
  EXPECT_EQ(flow->triggers.at(0).overlap, Overlap::kQueue);
}

TEST_F(ReadFlow, RefusesWhatIsNoFlow) {
  AssertErrors("[]", "1:1: found a list, expected a map with the keys 'flow' and 'tasks'");
  AssertErrors("hello", "1:1: found 'hello', expected a map with the keys 'flow' and 'tasks'");
  AssertErrors("", "1:1: the file is empty");
  AssertErrors("# nothing\n", "1:1: the file is empty");
  AssertErrors("{}",
               "1:1: the flow has no name; expected 'flow: NAME'\n"
               "1:1: the flow has no tasks; expected 'tasks: {NAME: ...}'");
  AssertErrors("flow: f\ntasks: {}\n", "2:8: the flow has no tasks; expected at least one");
  AssertErrors("flow: f\ntasks: [a]\n", "2:8: 'tasks' of the flow: found a list, expected a map");
}

TEST_F(ReadFlow, RefusesUnknownKeysWithTheNearestOne) {
  AssertErrors("flow: f\ntask: {}\ntasks: {a: {shell: x}}\n",
               "2:1: unknown key 'task' in the flow; did you mean 'tasks'? expected one of: flow, "
               "team, description, zone, on, key, params, overlap, missed, max_running, deadline, "
               "dedupe_for, env, python, alerts, tasks, groups");
}

TEST_F(ReadFlow, RefusesAKeyWithoutValue) {
  AssertErrors("flow: f\ndeadline:\ntasks: {a: {shell: x}}\n",
               "2:1: 'deadline' of the flow has no value; expected duration, or leave the key out");
}

TEST_F(ReadFlow, RefusesDuplicateKeysInvalidUtf8AndBrokenYaml) {
  AssertErrors("flow: f\nflow: g\ntasks: {a: {shell: x}}\n",
               "2:1: 'flow' is given twice; it stands first in line 1");
  AssertErrors("flow: f\nteam: \xff\n", "2:7: a byte that is not UTF-8; save the file as UTF-8");
  AssertErrors("flow: f\ntasks: {a: {shell: x}, a: {shell: y}}\n",
               "2:24: 'a' is given twice; it stands first in line 2");
}

TEST_F(ReadFlow, RefusesBadValues) {
  AssertErrors(
      "flow: 9f\nteam: [x]\nzone: Europe/Pariss\ndescription: \"\"\nmax_running: 0\ndeadline: "
      "soon\n"
      "dedupe_for: 1m\noverlap: skp\nmissed: all(0)\ntasks: {a: {shell: x}}\n",
      "1:7: 'flow' of the flow: found '9f', expected a name: letters, digits, _ and -, beginning "
      "with a letter or _, at most 100 long\n"
      "2:7: 'team' of the flow: found a list, expected a name: letters, digits, _ and -, beginning "
      "with a letter or _, at most 100 long\n"
      "3:7: 'zone' of the flow: 'Europe/Pariss' is not a zone, did you mean Europe/Paris?; "
      "expected a name of the IANA database, such as UTC or Europe/Paris\n"
      "4:14: 'description' of the flow: found empty text\n"
      "5:14: 'max_running' of the flow: found '0', expected a whole number, 1 to 100000\n"
      "6:11: 'deadline' of the flow: found 'soon', expected a duration such as 50ms, 3s, 2m, 1h30m "
      "or 30d\n"
      "7:13: 'dedupe_for' of the flow: found '1m', expected 1h to 3660d\n"
      "8:10: 'overlap' of the flow: found 'skp', expected one of: allow, skip, queue; did you mean "
      "'skip'?\n"
      "9:9: 'missed' of the flow: found 'all(0)', expected all(n) with n from 1 to 100000");
}

TEST_F(ReadFlow, RefusesBadParams) {
  AssertErrors(
      "flow: f\nparams:\n  a: text\n  A: string\n  item: string\n  b: {default: 1}\n"
      "  c: {type: integer, default: 1.5}\n  d: {type: date, default: 2026-02-30}\n"
      "  9x: string\n  e: [string]\n  g: {type: string, defalt: x}\ntasks: {a: {shell: x}}\n",
      "3:6: param 'a': found 'text', expected one of: string, integer, number, boolean, date, "
      "timestamp, json\n"
      "4:3: param 'A' differs from 'a' only by case; SQL reads both as one name\n"
      "5:3: param 'item': 'item' has a meaning of its own in expressions; choose another name\n"
      "6:6: param 'b' has no type; expected 'type'\n"
      "7:31: the default of param 'c': found 1.5, expected a whole number of at most 64 bits\n"
      "8:28: the default of param 'd': found \"2026-02-30\", expected a date such as "
      "\"2026-03-01\"\n"
      "9:3: param '9x': expected a name: letters, digits, _ and -\n"
      "10:6: param 'e': found a list, expected one of: string, integer, number, boolean, date, "
      "timestamp, json\n"
      "11:21: unknown key 'defalt' in param 'g'; did you mean 'default'? expected one of: type, "
      "default");
}

TEST_F(ReadFlow, RefusesAKeyThatIsTheSameForEveryRun) {
  AssertErrors("flow: f\nkey: fixed\ntasks: {a: {shell: x}}\n",
               "2:6: 'key' of the flow is the same for every run; expected an expression, such as "
               "\"{{ applicant_id }}\"");
}

TEST_F(ReadFlow, RefusesNamesThatKeyAndEnvCannotRead) {
  AssertErrors(
      "flow: f\nparams: {applicant_id: string}\nkey: \"{{ aplicant_id }}-{{ run.id }}\"\n"
      "env: {A: \"{{ a.x }}\", B-C: x, TIDEMILL_RUN_ID: x, D: \"{{ item }}\"}\n"
      "tasks: {a: {shell: x}}\n",
      "3:10: 'aplicant_id' is not a param of this flow; did you mean 'applicant_id'? expected one "
      "of: applicant_id\n"
      "3:28: 'run' cannot be read here\n"
      "4:14: 'a' is no task in needs; no task can be read here\n"
      "4:23: 'env' of the flow: 'B-C' is no name for a variable\n"
      "4:31: 'env' of the flow: 'TIDEMILL_RUN_ID': names that begin with TIDEMILL_ are set by the "
      "server; choose another\n"
      "4:58: 'item' cannot be read here");
}

TEST_F(ReadFlow, ShowsFiftyErrorsInFileOrderAndCountsTheRest) {
  std::string yaml = "flow: f\ntasks:\n";
  for (int i = 0; i < 70; ++i) yaml += "  t" + std::to_string(i) + ": {shel: x}\n";
  auto const loaded = load(yaml);
  ASSERT_FALSE(loaded);
  ASSERT_EQ(loaded.error().size(), 51u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(loaded.error()[static_cast<size_t>(i)].mark.line, i + 3);
  EXPECT_EQ(loaded.error().back().text(), "f.yaml: and 20 more");
}

TEST_F(ReadFlow, RefusesAFileThatCannotBeRead) {
  auto const loaded = load_flow(source, project, "flows/none.yaml");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(text_of(loaded.error()), "flows/none.yaml: no such file\n");
}

}  // namespace
}  // namespace tidemill::flow
