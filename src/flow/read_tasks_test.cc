#include "flow/test_project.h"

namespace tidemill::flow {
namespace {

using ReadTasks = FlowTest;

TEST_F(ReadTasks, ReadsTheKeysThatAllKindsShare) {
  auto const flow = AssertLoads(
      "flow: f\nparams: {p: string}\ntasks:\n  a: {shell: x}\n  b: {shell: y}\n"
      "  t: {shell: z, needs: [b, a], when: \"a.x = p\", rule: all_done,\n"
      "      retry: {attempts: 4, base: 2s, cap: 10s}, timeout: 90s, env: {V: \"{{ a.x }}\"},\n"
      "      args: [007, \"{{ b.y }}\"], writes: [d, e], optional: true, on_unknown: rerun}\n");
  ASSERT_TRUE(flow);
  const Task& task = flow->tasks[2];
  EXPECT_EQ(task.needs, (std::vector<TaskIndex>{TaskIndex(1), TaskIndex(0)}));
  EXPECT_EQ(flow->tasks[0].children, std::vector<TaskIndex>{TaskIndex(2)});
  EXPECT_EQ(task.rule, Rule::kAllDone);
  EXPECT_EQ(task.retry.attempts, 4);
  EXPECT_EQ(task.retry.cap, Duration::seconds(10));
  EXPECT_EQ(task.timeout, Duration::seconds(90));
  EXPECT_EQ(task.args[0].constant_value().dump(), "\"007\"");
  EXPECT_EQ(task.writes.size(), 2u);
  EXPECT_TRUE(task.optional);
  EXPECT_EQ(task.on_unknown, OnUnknown::kRerun);
  EXPECT_EQ(task.mark.line, 6);
}

TEST_F(ReadTasks, OrdersTasksAfterWhatTheyNeed) {
  auto const flow = AssertLoads(
      "flow: f\ntasks:\n  c: {shell: x, needs: b}\n  b: {shell: x, needs: a}\n  a: {shell: x}\n"
      "  d: {shell: x}\n");
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->order,
            (std::vector<TaskIndex>{TaskIndex(2), TaskIndex(1), TaskIndex(0), TaskIndex(3)}));
}

TEST_F(ReadTasks, MakesATaskThatForEachNamesANeed) {
  auto const flow = AssertLoads(
      "flow: f\ntasks:\n  missing: {shell: x}\n"
      "  each: {flow: g, for_each: missing.rows, with: {id: \"{{ item.id }}\"}}\n"
      "  list: {shell: x, for_each: missing.ids, env: {ID: \"{{ item }}\"}}\n");
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->tasks[1].needs, std::vector<TaskIndex>{TaskIndex(0)});
  EXPECT_EQ(flow->tasks[1].for_each_rows, "missing");
  EXPECT_FALSE(flow->tasks[1].for_each);
  EXPECT_EQ(flow->tasks[2].needs, std::vector<TaskIndex>{TaskIndex(0)});
  EXPECT_TRUE(flow->tasks[2].for_each);
}

TEST_F(ReadTasks, ChoosesWhatHappensWhenNobodyKnows) {
  auto const flow = AssertLoads(
      "flow: f\ntasks:\n  shell: {shell: x}\n  calc: {calc: sql/ok.sql}\n  model: {model: fraud}\n"
      "  get: {http: \"https://a.example/\"}\n"
      "  post: {http: {method: POST, url: \"https://a.example/\"}}\n"
      "  keyed: {http: {method: POST, url: \"https://a.example/\", idempotency: key:Key}}\n"
      "  report: {vendor: bureau.report, with: {ssn: x}}\n  pull: {vendor: bureau.pull}\n");
  ASSERT_TRUE(flow);
  std::map<std::string, bool> reruns;
  for (const Task& task : flow->tasks) reruns[task.name] = task.on_unknown == OnUnknown::kRerun;
  EXPECT_EQ(reruns, (std::map<std::string, bool>{{"shell", false},
                                                 {"calc", true},
                                                 {"model", true},
                                                 {"get", true},
                                                 {"post", false},
                                                 {"keyed", true},
                                                 {"report", true},
                                                 {"pull", false}}));
}

TEST_F(ReadTasks, RefusesUnknownKeys) {
  AssertTaskErrors(
      "{shell: x, timout: 3s}",
      "5:17: unknown key 'timout' in task 't'; did you mean 'timeout'? expected one of: "
      "shell, needs, when, rule, retry, timeout, env, for_each, args, writes, "
      "max_items_running, branch, setup, teardown, fails_run, optional, on_unknown");
  AssertTaskErrors(
      "{calc: select 1, env: {A: b}}",
      "5:23: 'env' does not apply to task 't', which is of kind calc; it is for shell, "
      "python");
  AssertTaskErrors("{vendor: bureau.pull, retry: 3}",
                   "5:28: 'retry' in task 't': a vendor's retry stands in its file; move it to the "
                   "product there");
}

TEST_F(ReadTasks, RefusesATaskWithoutAKind) {
  AssertTaskErrors("x",
                   "5:6: task 't': found 'x', expected a map with a kind, such as {shell: \"echo "
                   "hello\"}");
  AssertTaskErrors("{needs: a}",
                   "5:3: task 't' has no kind; expected one of: shell, python, http, vendor, sql, "
                   "calc, model, publish, flow, wait, approve");
  AssertTaskErrors("{modl: fraud}",
                   "5:7: unknown key 'modl' in task 't'; did you mean 'model'? expected one of: "
                   "shell, python, http, vendor, sql, calc, model, publish, flow, wait, approve, "
                   "needs, when, rule, "
                   "retry, timeout, env, for_each, with, args, writes, max_items_running, "
                   "branch, setup, teardown, fails_run, optional, on_unknown, rows");
  AssertTaskErrors(
      "{shell: x, calc: select 1}",
      "5:3: task 't' has two kinds, 'shell' and 'calc'; expected one: make two tasks of "
      "it");
}

TEST_F(ReadTasks, RefusesBadNeeds) {
  AssertErrors(
      "flow: f\ntasks:\n  bureau: {shell: x}\n  t: {shell: x, needs: [bureua, t, bureau, bureau, "
      "[x]]}\n",
      "4:25: task 't' needs 'bureua', which is no task of this flow; did you mean 'bureau'? "
      "expected "
      "one of: bureau, t\n"
      "4:33: task 't' needs itself; take it out of needs\n"
      "4:44: task 't' needs 'bureau' twice\n"
      "4:52: 'needs' of task 't': found a list, expected the name of a task");
}

TEST_F(ReadTasks, ShowsTheCircle) {
  AssertErrors(
      "flow: f\ntasks:\n  free: {shell: x}\n  a: {shell: x, needs: c}\n  b: {shell: x, needs: a}\n"
      "  c: {shell: x, needs: [free, b]}\n  after: {shell: x, needs: c}\n",
      "4:3: tasks need each other in a circle: a -> c -> b -> a; take one of these needs away");
}

TEST_F(ReadTasks, RefusesBadNames) {
  AssertErrors(
      "flow: f\ntasks:\n  9a: {shell: x}\n  Run: {shell: x}\n  a b: {shell: x}\n  x: {shell: x}\n"
      "  X: {shell: x}\n",
      "3:3: '9a' is no name for a task; expected letters, digits, _ and -, beginning with a letter "
      "or "
      "_, at most 100 long\n"
      "4:3: a task cannot be named 'Run', which has a meaning of its own in expressions; choose "
      "another name\n"
      "5:3: 'a b' is no name for a task; expected letters, digits, _ and -, beginning with a "
      "letter or "
      "_, at most 100 long\n"
      "7:3: task 'X' differs from 'x' only by case; SQL reads both as one name");
}

TEST_F(ReadTasks, RefusesBadPolicies) {
  AssertTaskErrors(
      "{shell: x, rule: all_sucess, retry: 0, timeout: 31d, optional: maybe, writes: [a b], "
      "on_unknown: retry}",
      "5:23: 'rule' of task 't': found 'all_sucess', expected one of: all_success, "
      "all_failed, all_done, all_done_min_one_success, all_done_setup_success, one_success, "
      "one_failed, one_done, none_failed, none_failed_min_one_success, none_skipped, all_skipped, "
      "always; did you mean 'all_success'?\n"
      "5:42: 'retry' of task 't': found '0', expected a whole number, 1 to 100\n"
      "5:54: 'timeout' of task 't': found '31d', expected 1ms to 30d\n"
      "5:69: 'optional' of task 't': found 'maybe', expected one of: true, false\n"
      "5:85: 'writes' of task 't': found 'a b', expected a name: letters, digits, _ and "
      "-, beginning with a letter or _, at most 100 long\n"
      "5:103: 'on_unknown' of task 't': found 'retry', expected one of: rerun, "
      "fail");
  AssertTaskErrors(
      "{shell: x, retry: {attempts: 200, base: 10s, cap: 1s, wait: 3s}}",
      "5:35: 'attempts' of 'retry' of task 't': found '200', expected a whole number, 1 "
      "to 100\n"
      "5:56: 'cap' of 'retry' of task 't': 1s is shorter than the base of 10s\n"
      "5:60: unknown key 'wait' in 'retry' of task 't'; expected one of: attempts, base, "
      "cap, on, not_on");
}

TEST_F(ReadTasks, RefusesNamesThatATaskCannotRead) {
  AssertTaskErrors("{shell: x, when: \"a.x > 1\"}",
                   "5:24: 'a' is a task that is not in needs; add it to needs");
  AssertTaskErrors(
      "{shell: x, needs: a, when: \"item.x = q\"}",
      "5:34: 'when' is decided once for the task, before its items; 'item' cannot be read "
      "here\n"
      "5:43: 'q' is not a param of this flow; did you mean 'p'? expected one of: p, n");
  AssertTaskErrors(
      "{shell: x, needs: a, env: {A: \"{{ item.x }}\", B: \"{{ aa.x }}\", C: \"{{ a }}\"}}",
      "5:40: 'item' is known only in a task with for_each\n"
      "5:59: 'aa' is no task in needs; did you mean 'a'? expected one of: a\n"
      "5:76: 'a' is a task; name a column of its value: a.column");
  AssertTaskErrors(
      "{shell: x, args: [\"{{ run.schedule_at }}\", \"{{ p.x }}\", \"{{ params.q }}\"]}",
      "5:28: 'run' has no 'schedule_at'; did you mean 'scheduled_at'? expected one of: "
      "id, flow, key, created, scheduled_at, interval_start, interval_end\n"
      "5:53: 'p' is a param, it has no columns; read a member of a json param with "
      "params.p->>'x'\n"
      "5:66: 'q' is not a param of this flow; did you mean 'p'? expected one of: p, n");
}

TEST_F(ReadTasks, RefusesBadForEach) {
  AssertTaskErrors("{shell: x, for_each: aa.rows}",
                   "5:27: 'for_each' of task 't': 'aa' is no task of this flow; did you mean 'a'? "
                   "expected one of: a, t");
  AssertTaskErrors("{shell: x, for_each: t.rows}",
                   "5:27: 'for_each' of task 't': a task cannot go over its own rows");
  AssertTaskErrors("{shell: x, for_each: \"{{ a.rows }}\"}",
                   "5:27: 'for_each' of task 't': it is SQL already; write it without {{ }}");
  AssertTaskErrors("{shell: x, for_each: [a, b]}",
                   "5:27: 'for_each' of task 't': found a list, expected text");
  AssertTaskErrors("{shell: x, for_each: item.x}",
                   "5:27: 'item' is what for_each makes; for_each itself cannot read it");
}

TEST_F(ReadTasks, RefusesBrokenExpressions) {
  AssertTaskErrors(
      "{shell: x, env: {A: \"{{ }}\", B: \"{{ p\", C: {x: y}}, args: x}",
      "5:27: 'A' in 'env' of task 't': '{{ }}' holds no expression; write a name in it\n"
      "5:39: 'B' in 'env' of task 't': '{{ p' opens an expression that is not closed; "
      "expected }} after it\n"
      "5:49: 'C' in 'env' of task 't': found a map, expected text\n"
      "5:64: 'args' of task 't': found 'x', expected a list");
  AssertTaskErrors("{shell: x, when: \"p = = 'x'\"}",
                   "5:28: 'when' of task 't': found '=', expected an expression");
  AssertTaskErrors(
      "{shell: x, env: {A: \"id={{ p + }}\"}}",
      "5:36: 'A' in 'env' of task 't': in '{{ p + }}': found the end of the text, expected an "
      "expression");
}

TEST_F(ReadTasks, ReadsWhichFailuresAreTriedAgain) {
  auto const flow = AssertLoads(
      "flow: f\ntasks:\n  t: {shell: x, retry: {on: [exit:75, timeout], not_on: denied}}\n");
  ASSERT_TRUE(flow);
  const Retry& retry = flow->tasks[0].retry;
  ASSERT_EQ(retry.on.size(), 2u);
  EXPECT_EQ(retry.on[0].exit_code, 75);
  EXPECT_EQ(retry.on[1].code, Code::kTooLate);
  EXPECT_EQ(retry.not_on[0].code, Code::kDenied);
  AssertTaskErrors("{shell: x, retry: {on: exit:0}}",
                   "5:29: 'on' of 'retry' of task 't': found 'exit:0', expected exit:<code> from 1 "
                   "to 255, timeout, invalid, not_found, conflict, denied, unavailable, exhausted, "
                   "unknown or internal");
}

}  // namespace
}  // namespace tidemill::flow
