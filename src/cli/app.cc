// Wraps CLI11: every command with its words, in one file.
#include "cli/app.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <optional>

#include "cli/approval_commands.h"
#include "cli/completion.h"
#include "cli/control_words.h"
#include "cli/cron_commands.h"
#include "cli/cron_lint.h"
#include "cli/cron_vectors.h"
#include "cli/doctor_command.h"
#include "cli/model_commands.h"
#include "cli/probe_vectors.h"
#include "cli/rule_commands.h"
#include "cli/run_commands.h"
#include "cli/serve.h"
#include "cli/sql_command.h"
#include "cli/test_command.h"
#include "cli/version.h"
#include "flow/load.h"
#include "io/real/clock.h"
#include "io/real/files.h"
#include "io/real/loop.h"
#include "spawn/spawner.h"

namespace tidemill::cli {
namespace {

// What the parsed words ask for; run once parsing is done.
using Action = std::function<int()>;

std::string program_path() {
  char buffer[4096];
  ssize_t const length = ::readlink("/proc/self/exe", buffer, sizeof buffer - 1);
  return length > 0 ? std::string(buffer, static_cast<size_t>(length)) : "tidemill";
}

struct Words {
  Common common;
  ServeOptions serve;
  spawn::SpawnerOptions spawner;
  CronTicksOptions ticks;
  CronExplainOptions explain;
  CronLintOptions cron_lint;
  RunListOptions run_list;
  RunLogOptions run_log;
  FlowRunOptions flow_run;
  ApprovalOptions approval;
  ModelCompileOptions model_compile;
  ModelCheckOptions model_check;
  ModelScoreOptions model_score;
  SqlOptions sql;
  ControlWords control;
  TestOptions test;
  std::string name;
  bool rules_jsonl = false;
  std::string vectors_kind;
  std::string vectors_file;
};

void add_serve(CLI::App& app, Words& words, Action& action) {
  auto* serve_command = app.add_subcommand("serve", "Run the server");
  serve_command->add_option("--project", words.serve.project, "The project's folder")
      ->capture_default_str();
  serve_command->add_option("--data", words.serve.data,
                            "The data directory; by default PROJECT/.tidemill");
  serve_command
      ->add_option("--listen", words.serve.listen,
                   "HOST:PORT of the HTTP API; port 0 "
                   "takes a free one")
      ->capture_default_str();
  serve_command->add_flag("--allow-root", words.serve.allow_root,
                          "Run although the user is root: every task is root then");
  serve_command->callback([&] {
    action = [&] {
      words.serve.program = program_path();
      return serve(words.serve);
    };
  });
  auto* spawner =
      app.add_subcommand("spawner", "Run the process that holds tasks; serve starts it");
  spawner->add_option("--data", words.spawner.data_folder, "The data directory")->required();
  spawner->callback([&] { action = [&] { return spawn::run_spawner(words.spawner); }; });
}

void add_flows(CLI::App& app, Words& words, Action& action) {
  auto* check_command = app.add_subcommand("check", "Load the project and tell every mistake");
  add_common(check_command, words.common);
  check_command->callback([&] { action = [&] { return check(words.common); }; });

  auto* flow = app.add_subcommand("flow", "Flows of a running server");
  flow->require_subcommand(1);
  auto* list = flow->add_subcommand("list", "Every flow, what starts it, and when next");
  add_common(list, words.common);
  list->callback([&] { action = [&] { return flow_list(words.common); }; });
  auto* show = flow->add_subcommand("show", "The graph of one flow");
  add_common(show, words.common);
  show->add_option("FLOW", words.name)->required();
  show->callback([&] { action = [&] { return flow_show(words.common, words.name); }; });
  auto* run_command = flow->add_subcommand("run", "Start a run by hand");
  add_common(run_command, words.common);
  run_command->add_option("FLOW", words.flow_run.flow)->required();
  run_command->add_option("--param", words.flow_run.params, "NAME=VALUE; may be repeated");
  run_command->add_flag("--wait", words.flow_run.wait, "Wait for its end, and show it");
  run_command->callback([&] { action = [&] { return flow_run(words.common, words.flow_run); }; });
  add_flow_control(*flow, words.common, words.control, action);
  auto* rules = flow->add_subcommand("rules", "The trigger rules; needs no server");
  rules->add_flag("--jsonl", words.rules_jsonl,
                  "Answer one question a line from standard input (rule, upstreams, counts...)");
  rules->callback([&] {
    action = [&] {
      return words.rules_jsonl ? answer_rule_questions(stdin, stdout) : list_rules(stdout);
    };
  });
}

void add_runs(CLI::App& app, Words& words, Action& action) {
  auto* run_command =
      app.add_subcommand("run", "Runs: list, show, log, cancel, clear, mark, pause");
  run_command->require_subcommand(1);
  auto* list = run_command->add_subcommand("list", "Runs, newest first");
  add_common(list, words.common);
  list->add_option("--flow", words.run_list.flow, "Of this flow");
  list->add_option("--state", words.run_list.state,
                   "queued, running, succeeded, failed, cancelled");
  list->add_option("--key-prefix", words.run_list.key_prefix, "Keys that begin so");
  list->add_option("--after", words.run_list.after, "Older than this run: the next page");
  list->add_option("--limit", words.run_list.limit, "At most so many")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  list->callback([&] { action = [&] { return run_list(words.common, words.run_list); }; });
  auto* show = run_command->add_subcommand("show", "One run with its tasks");
  add_common(show, words.common);
  show->add_option("RUN", words.name)->required();
  show->callback([&] { action = [&] { return run_show(words.common, words.name); }; });
  auto* cancel = run_command->add_subcommand("cancel", "Stop an open run");
  add_common(cancel, words.common);
  cancel->add_option("RUN", words.name)->required();
  cancel->callback([&] { action = [&] { return run_cancel(words.common, words.name); }; });
  add_run_control(*run_command, words.common, words.control, action);
  auto* log = run_command->add_subcommand("log", "The output of a task's attempt");
  add_common(log, words.common);
  log->add_option("RUN", words.run_log.run)->required();
  log->add_option("TASK", words.run_log.task)->required();
  log->add_option("--item", words.run_log.item, "Item of a mapped task");
  log->add_option("--attempt", words.run_log.attempt, "By default the last one");
  log->callback([&] { action = [&] { return run_log(words.common, words.run_log); }; });
}

void add_approvals(CLI::App& app, Words& words, Action& action) {
  auto* approval = app.add_subcommand("approval", "What waits for somebody's yes or no");
  approval->require_subcommand(1);
  auto* list = approval->add_subcommand("list", "Open approvals, oldest first");
  add_common(list, words.common);
  list->callback([&] { action = [&] { return approval_list(words.common); }; });
  for (const char* verdict : {"approve", "reject"}) {
    auto* decide = approval->add_subcommand(verdict, "Decide one");
    add_common(decide, words.common);
    decide->add_option("RUN", words.approval.run)->required();
    decide->add_option("TASK", words.approval.task)->required();
    decide->add_option("--item", words.approval.item, "Item of a mapped task");
    decide->add_option("--comment", words.approval.comment, "Why");
    decide->add_option("--field", words.approval.fields, "NAME=VALUE; may be repeated");
    decide->callback([&, verdict] {
      action = [&, verdict] { return approval_decide(words.common, verdict, words.approval); };
    });
  }
}

void add_tokens(CLI::App& app, Words& words, Action& action) {
  auto* token = app.add_subcommand("token", "Tokens of the HTTP API");
  token->require_subcommand(1);
  auto* add = token->add_subcommand("add", "Make a token and print it, once");
  add_common(add, words.common);
  add->add_option("NAME", words.name)->required();
  add->callback([&] { action = [&] { return token_add(words.common, words.name); }; });
  auto* list = token->add_subcommand("list", "Names of tokens");
  add_common(list, words.common);
  list->callback([&] { action = [&] { return token_list(words.common); }; });
  auto* remove = token->add_subcommand("remove", "Make a token void");
  add_common(remove, words.common);
  remove->add_option("NAME", words.name)->required();
  remove->callback([&] { action = [&] { return token_remove(words.common, words.name); }; });
}

void add_cron_request(CLI::App* command, CronRequest& request) {
  command
      ->add_option("--dialect", request.dialect,
                   "tidemill, debian, cronie, vixie4, busybox, robfig, quartz, aws, jenkins, "
                   "systemd or croniter")
      ->capture_default_str();
  command->add_option("--zone", request.zone, "IANA zone")->capture_default_str();
  command->add_option("--id", request.id, "The job's stable id, for H and ~");
  command->add_option("--days", request.days, "any or all: both day fields together");
  command->add_option("--dst", request.dst, "two_phase, skip, twice or once");
}

void add_cron(CLI::App& app, Words& words, Action& action) {
  auto* cron = app.add_subcommand("cron", "Cron expressions");
  cron->require_subcommand(1);
  auto* ticks = cron->add_subcommand("ticks", "Every tick of an expression in a window");
  add_cron_request(ticks, words.ticks.request);
  ticks->add_option("--from", words.ticks.from, "RFC 3339 or Unix seconds; included");
  ticks->add_option("--to", words.ticks.to, "RFC 3339 or Unix seconds; not included");
  ticks->add_flag("--json", words.ticks.json, "Answer in JSON");
  ticks->add_flag("--jsonl", words.ticks.jsonl, "One JSON request a line on standard input");
  ticks->add_option("EXPR", words.ticks.request.expr);
  ticks->callback([&] { action = [&] { return cron_ticks(words.ticks, stdin, stdout, stderr); }; });
  auto* explain = cron->add_subcommand("explain", "An expression in words, and its next ticks");
  add_cron_request(explain, words.explain.request);
  explain->add_option("--count", words.explain.count, "How many next ticks")->capture_default_str();
  explain->add_flag("--json", words.explain.json, "Answer in JSON");
  explain->add_option("EXPR", words.explain.request.expr)->required();
  auto* lint = cron->add_subcommand("lint", "What a crontab holds that will surprise");
  lint->add_option("FILE", words.cron_lint.file, "A crontab")->required();
  lint->add_option("--dialect", words.cron_lint.dialect, "debian, cronie, vixie4 or busybox")
      ->capture_default_str();
  lint->add_option("--zone", words.cron_lint.zone, "The daemon's zone")->capture_default_str();
  lint->add_option("--form", words.cron_lint.form,
                   "user, system (entries name a user), or auto: by the file's place")
      ->capture_default_str();
  lint->add_flag("--json", words.cron_lint.json, "Answer in JSON");
  lint->callback([&] {
    action = [&] {
      words.cron_lint.now = io::RealClock().wall();
      return cron_lint(words.cron_lint, stdout, stderr);
    };
  });
  explain->callback([&] {
    action = [&] {
      words.explain.now = io::RealClock().wall();
      return cron_explain(words.explain, stdout, stderr);
    };
  });
}

int with_files(const std::function<int(io::Files&)>& command) {
  io::RealLoop loop;
  io::RealFiles files(loop);
  return command(files);
}

void add_models(CLI::App& app, Words& words, Action& action) {
  auto* model = app.add_subcommand("model", "Model files: check, score, compile");
  model->require_subcommand(1);
  auto* check_command = model->add_subcommand("check", "Read a model file; say why it is refused");
  check_command->add_option("FILE", words.model_check.file)->required();
  check_command->add_option("--golden", words.model_check.golden, "Rows that it must reproduce");
  check_command->callback([&] {
    action = [&] {
      return with_files(
          [&](io::Files& files) { return model_check(words.model_check, files, stdout, stderr); });
    };
  });
  auto* score = model->add_subcommand("score", "Score rows by feature name");
  score->add_option("FILE", words.model_score.file)->required();
  score->add_option("--rows", words.model_score.rows, "Rows as .csv or .jsonl");
  score->add_option("--cases", words.model_score.cases, "Cases as .jsonl, in the model's order");
  score->callback([&] {
    action = [&] {
      return with_files(
          [&](io::Files& files) { return model_score(words.model_score, files, stdout, stderr); });
    };
  });
  auto* compile = model->add_subcommand("compile", "A trainer's file into the flat form");
  compile->add_option("IN", words.model_compile.in)->required();
  compile->add_option("OUT", words.model_compile.out)->required();
  compile->callback([&] {
    action = [&] {
      return with_files(
          [&](io::Files& files) { return model_compile(words.model_compile, files, stderr); });
    };
  });
}

void add_project_tools(CLI::App& app, Words& words, Action& action) {
  auto* test = app.add_subcommand("test", "Run the project's tests of flows");
  test->add_option("--project", words.test.project, "The project's folder")->capture_default_str();
  test->add_flag("--json", words.test.json, "Answer in JSON, for programs");
  test->add_option("FILE", words.test.files, "Within the project; by default tests/*.yaml");
  test->callback([&] {
    action = [&] {
      words.test.program = program_path();
      return test_flows(words.test, stdout, stderr);
    };
  });
  auto* doctor_words =
      app.add_subcommand("doctor", "What of the machine is missing or unsafe, and what to do");
  add_common(doctor_words, words.common);
  doctor_words->callback([&] { action = [&] { return doctor(words.common, stdout); }; });
}

void add_sql(CLI::App& app, Words& words, Action& action) {
  auto* sql = app.add_subcommand("sql", "A SELECT over CSV files");
  sql->add_option("SELECT", words.sql.text, "The statement")->required();
  sql->add_option("--table", words.sql.tables, "NAME=FILE.csv; may be repeated");
  sql->add_flag("--json", words.sql.json, "Answer in JSON");
  sql->callback([&] {
    action = [&] {
      return with_files(
          [&](io::Files& files) { return sql_command(words.sql, files, stdout, stderr); });
    };
  });
}

// For ./dev: conformance vectors and generated documents.
void add_hidden(CLI::App& app, Words& words, Action& action) {
  auto* vectors = app.add_subcommand("vectors", "Compare with recorded answers of other systems");
  vectors->add_option("KIND", words.vectors_kind, "cron-syntax, cron-year, cron-dst, probes")
      ->required();
  vectors->add_option("FILE", words.vectors_file)->required();
  vectors->callback([&] {
    action = [&] {
      if (words.vectors_kind == "probes") return check_probes(words.vectors_file);
      return check_cron_vectors(words.vectors_kind, words.vectors_file, stdout, stderr);
    };
  });
  auto* reference =
      app.add_subcommand("flow-reference", "The reference of flow files, in Markdown");
  reference->callback([&] {
    action = [] {
      std::string const text = flow::flow_reference_markdown();
      std::fwrite(text.data(), 1, text.size(), stdout);
      return 0;
    };
  });
}

}  // namespace

void add_common(CLI::App* command, Common& common) {
  command->add_option("--project", common.project, "The project's folder")->capture_default_str();
  command->add_option("--data", common.data, "The data directory; by default PROJECT/.tidemill");
  command->add_flag("--json", common.json, "Answer in JSON, for programs");
}

int run(int argc, char** argv) {
  // The spawner must be small: it does not build the whole command line.
  if (argc == 4 && std::string_view(argv[1]) == "spawner" &&
      std::string_view(argv[2]) == "--data") {
    spawn::SpawnerOptions options;
    options.data_folder = argv[3];
    return spawn::run_spawner(options);
  }
  CLI::App app(
      "Tidemill runs machine-learning models in production: by the clock, by dependency, by "
      "call.");
  app.name("tidemill");
  app.require_subcommand(1);
  Words words;
  Action action;
  add_serve(app, words, action);
  add_flows(app, words, action);
  add_runs(app, words, action);
  add_approvals(app, words, action);
  add_backfill(app, words.common, words.control, action);
  add_why(app, words.common, words.control, action);
  add_tokens(app, words, action);
  add_cron(app, words, action);
  add_models(app, words, action);
  add_sql(app, words, action);
  add_project_tools(app, words, action);
  add_hidden(app, words, action);
  auto* version = app.add_subcommand("version", "The version of this program");
  version->callback([&] {
    action = [] {
      std::printf("tidemill %s\n", std::string(kVersion).c_str());
      return 0;
    };
  });
  auto* script = app.add_subcommand("completion", "The script that completes words in a shell");
  script->add_option("SHELL", words.name, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  script->callback([&] { action = [&] { return completion(words.name); }; });
  // Half of a command line is not parsed.
  if (argc > 1 && std::string_view(argv[1]) == "complete") {
    return complete(app, std::vector<std::string>(argv + 2, argv + argc));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : 2;
  }
  return action ? action() : 2;
}

}  // namespace tidemill::cli
