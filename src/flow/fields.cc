#include "flow/fields.h"

#include <array>
#include <utility>

#include "base/text.h"

namespace tidemill::flow {
namespace {

constexpr Places kWithTasks = kPythonTask | kVendorTask | kModelTask | kPublishTask | kFlowTask;
constexpr Places kProcessTasks = kShellTask | kPythonTask;
constexpr Places kClockTriggers = kInCron | kInEvery | kInAt;

constexpr Field kFields[] = {
    {kInFlow, "flow", "name", "required", "The flow's name, unique in the project."},
    {kInFlow, "team", "name", "the project's team", "Who owns the flow."},
    {kInFlow, "description", "text", "", "A sentence for people."},
    {kInFlow, "zone", "IANA zone", "the project's zone",
     "The zone in which cron expressions are read."},
    {kInFlow, "on", "trigger or list of triggers", "",
     "What starts a run. Without it a run starts by hand or from a `flow` task."},
    {kInFlow, "key", "text with expressions", "the trigger and its instance",
     "The identity of a run, from its params: at most one run has it, whatever starts it."},
    {kInFlow, "params", "map of name to type", "none",
     "The inputs of a run: string, integer, number, boolean, date, timestamp or json."},
    {kInFlow, "overlap", "allow, skip or queue", "skip for cron and every, else queue",
     "The overlap of triggers that state none. `skip` is for cron and every only."},
    {kInFlow, "missed", "lost, latest, all(n) or within(duration)", "latest",
     "The missed of cron and every triggers that state none."},
    {kInFlow, "max_running", "number, 1 to 100000", "no limit", "Runs that are open at once."},
    {kInFlow, "deadline", "duration", "none", "How long a run may take before it is failed."},
    {kInFlow, "dedupe_for", "duration, 1h to 3660d", "400d",
     "How long the key of a finished run is remembered."},
    {kInFlow, "env", "map of name to text", "none",
     "Environment of every shell and python task. Expressions read params and run."},
    {kInFlow, "python", "map", "the project's", "The interpreter of python tasks."},
    {kInFlow, "alerts", "rule or list of rules", "the project's",
     "Who is told of what, beside the project's rules."},
    {kInFlow, "tasks", "map of name to task", "required", "The tasks, 1 to 10000."},
    {kInFlow, "groups", "map of name to group", "none",
     "Tasks that stand together; a flow may have groups only."},

    {kInGroup, "needs", "task or group name, or list of them", "none",
     "What every task of the group comes after."},
    {kInGroup, "for_each", "as of a task", "",
     "Runs the whole group once for each element, each on its own: item i of a task needs only "
     "item i of the tasks before it in the group."},
    {kInGroup, "tasks", "map of name to task", "none", "Its tasks; each is called group.task."},
    {kInGroup, "groups", "map of name to group", "none", "Groups within; not with for_each."},

    {kInPython, "interpreter", "path or command", "python3", "The Python that runs python tasks."},
    {kInPython, "preload", "list of module names", "none",
     "Modules that are imported once, before tasks are forked."},

    {kInParam, "type", "type", "required", "The type of the param."},
    {kInParam, "default", "value", "the param must be given", "The value if none is given."},

    {kInCron, "cron", "cron expression", "required",
     "Starts a run at each tick of the expression."},
    {kInEvery, "every", "duration, 50ms and up", "required",
     "Starts a run at each multiple of the duration since 1970 in UTC."},
    {kInAt, "at", "instant, or local time", "required",
     "Starts one run, at 2026-03-01T02:00:00Z or at \"2026-03-01 02:00\" of the zone."},
    {kInAfter, "after", "flow name, or map", "required",
     "Starts a run when a run of another flow ends, or when a dataset is written."},
    {kInCall, "call", "nothing or {}", "required",
     "Lets the API start a run and wait for its result."},
    {kInCron | kInEvery | kInAt | kInAfter, "id", "name", "a hash of the trigger's text",
     "The name of the trigger in the keys of runs. With it the trigger's text can be changed "
     "without running past ticks again."},
    {kInCron, "dialect", "debian or tidemill", "tidemill", "How the cron expression is read."},
    {kInCron | kInAt, "zone", "IANA zone", "the flow's zone",
     "The zone in which the expression is read."},
    {kInCron, "days", "any or all", "",
     "Whether one or both day fields must match. Required where both are restricted."},
    {kInCron, "dst", "two_phase, skip, twice or once", "two_phase",
     "What a change of the clock does to ticks."},
    {kInCron, "calendar", "name", "",
     "A file calendars/NAME.yaml (weekend: [sat, sun], holidays: [2026-01-01, 12-25]); the trigger "
     "runs only on its days."},
    {kInCron, "on", "business_days or holidays", "business_days", "Which days of the calendar."},
    {kClockTriggers, "jitter", "duration, up to 1d", "0",
     "How much later than its tick a run may start. By how much is a hash of the tick: the same "
     "after a restart; the key and scheduled_at do not change."},
    {kClockTriggers, "missed", "lost, latest, all(n) or within(duration)", "the flow's",
     "Which of the ticks that were due while nobody could run them are run later."},
    {kAnyTrigger, "overlap", "allow, skip or queue", "the flow's",
     "What a tick does while a run is open: run beside it, be skipped, or wait. `after` knows "
     "allow "
     "and queue."},
    {kInCron | kInEvery | kInAt | kInAfter, "with", "map of param to value", "none",
     "The params of the run. Expressions read run."},

    {kInAfterSource, "flow", "flow name", "", "The flow whose runs start a run."},
    {kInAfterSource, "dataset", "dataset name", "", "The dataset whose updates start a run."},
    {kInAfterSource, "state", "succeeded, failed or done", "succeeded",
     "How the other flow's run must have ended."},

    {kShellTask, "shell", "command", "required",
     "A command for /bin/sh. Its text holds no expressions: they go into env or args ($1, $2...)."},
    {kPythonTask, "python", "module:function", "required",
     "Calls a function of a module below python/ with args and with."},
    {kHttpTask, "http", "URL, or map", "required",
     "Sends one HTTP request; its answer is the value."},
    {kVendorTask, "vendor", "vendor.product", "required",
     "Asks a product of vendors/<vendor>.yaml, under the vendor's limits and retries."},
    {kSqlTask, "sql", "map", "required", "Runs a statement on a database of the project."},
    {kCalcTask, "calc", "path of a .sql file, or SQL", "required",
     "A SELECT over the tasks in needs, and over params, run and item."},
    {kModelTask, "model", "name", "required",
     "Scores models/<name>/model.json. A name with expressions can mean every model that matches."},
    {kPublishTask, "publish", "map", "required", "Appends a line to a dataset."},
    {kFlowTask, "flow", "flow name", "required",
     "Runs another flow and waits; its output is the value."},
    {kWaitTask, "wait", "duration, or map", "required",
     "Waits for a file, an answer, a row, a dataset or a time, without holding a slot."},
    {kApproveTask, "approve", "team, or map", "required",
     "Waits until a member of the team approves or rejects; the answer is the value."},

    {kAnyTask, "needs", "task name or list of them", "none",
     "The tasks that come first, and whose values expressions can read; at most 1000."},
    {kAnyTask, "when", "SQL condition", "true",
     "The task is skipped where it is not true. It is decided once, before for_each."},
    {kAnyTask, "rule", "trigger rule", "all_success",
     "How the needed tasks must have ended: a name of the table of trigger rules."},
    {kAnyTask & ~(kVendorTask | kWaitTask | kApproveTask), "retry", "number of attempts, or map",
     "1", "Attempts in all, 1 to 100. A vendor's retry stands in its file."},
    {kAnyTask, "timeout", "duration, up to 30d", "none", "How long one attempt may take."},
    {kProcessTasks, "env", "map of name to text", "none", "Environment, beside the flow's."},
    {kAnyTask, "for_each", "task.rows, SQL that gives a list, or map", "",
     "Runs the task once for each row or element; expressions read it as item. A task that it "
     "names is needed without being listed. A mapped task that is named gives the list of its "
     "values."},
    {kWithTasks, "with", "map of name to value", "none",
     "Named inputs: of a python function, a vendor's request, a model's features, a published "
     "line, another flow's params."},
    {kProcessTasks, "args", "list of values", "none",
     "Positional inputs: $1, $2... of a command, arguments of a function."},
    {kAnyTask, "writes", "dataset name or list of them", "none",
     "Datasets that the task updates when it succeeds."},
    {kAnyTask, "max_items_running", "number, 1 to 10000", "no limit",
     "With for_each: how many of its items run at once. The others begin as these end, in order."},
    {kAnyTask, "branch", "true or false", "false",
     "Its value names the tasks that go on: a name, a list of names or a column `follow`. Other "
     "tasks that need it are skipped, but for those that also come after one that goes on."},
    {kAnyTask, "setup", "true or false", "whether a teardown names it",
     "Makes something that a teardown takes away again."},
    {kAnyTask, "teardown", "task name or list of them", "",
     "Takes away what these tasks set up: runs whenever one of them succeeded, whatever came "
     "after, also in a run that is cancelled or late. Without needs it comes after all that comes "
     "after them. Its rule is all_done_setup_success."},
    {kAnyTask, "fails_run", "true or false", "false",
     "Of a teardown: whether its failure fails the run."},
    {kAnyTask, "optional", "true or false", "false",
     "A failure counts as success, and the task's values read as NULL."},
    {kAnyTask, "on_unknown", "rerun or fail",
     "rerun for calc, model, wait, approve, and http or vendor that may be repeated; else fail",
     "What happens when nobody knows how an attempt ended."},
    {kCalcTask, "rows", "many", "a row if there is one, else a list",
     "The value is always a list of rows."},

    {kInForEach, "product", "map of name to list", "",
     "Once for each combination; item has an element of each list by its name."},
    {kInForEach, "zip", "map of name to list", "",
     "Once for each position, as far as the shortest list goes."},

    {kInRetry, "attempts", "number, 1 to 100", "3", "Attempts in all."},
    {kInRetry, "base", "duration", "1s", "The wait after the first failure; doubles with each."},
    {kInRetry, "cap", "duration", "60s", "The longest wait."},
    {kInRetry, "on", "failure or list of them", "all but exit:99",
     "Only these failures are tried again: exit:<code>, timeout, or a class of error: invalid, "
     "not_found, conflict, denied, unavailable, exhausted, unknown, internal."},
    {kInRetry, "not_on", "failure or list of them", "exit:99",
     "These failures are not tried again, whatever `on` says. A process that exits with 99 is "
     "never tried again: so it says that another try is of no use."},

    {kInHttp, "method", "GET, HEAD, POST, PUT, PATCH or DELETE", "GET", "The method."},
    {kInHttp, "url", "URL", "required",
     "http or https. Expressions stand after the host and are percent-encoded."},
    {kInHttp, "headers", "map of name to text", "none", "Headers of the request."},
    {kInHttp, "body", "value", "none",
     "Sent as JSON; a text that is one expression keeps its type."},
    {kInHttp, "effect", "read or write", "read for GET and HEAD, else write",
     "Whether the request changes something."},
    {kInHttp, "idempotency", "none or key:<header>", "none",
     "The header that carries one key for all attempts, so that the receiver drops repeats."},
    {kInHttp, "private", "true or false", "false",
     "Whether loopback and private addresses may be reached."},

    {kInSql, "connection", "name", "required", "A connection of tidemill.yaml."},
    {kInSql, "query", "path of a .sql file, or SQL", "required",
     "The statement. Expressions become bound parameters."},

    {kInPublish, "dataset", "name", "required", "The dataset that gets a line."},

    {kInWait, "file", "path", "",
     "Until the file is there. Relative to the project, or absolute; expressions may stand in it."},
    {kInWait, "url", "URL, or map as for http", "",
     "Until the address answers as `status` and `expect` say. The request must be a reading one."},
    {kInWait, "query", "map as for sql", "",
     "Until the first cell of the first row is neither NULL, 0 nor false."},
    {kInWait, "dataset", "dataset name", "",
     "Until the dataset was updated at or after the beginning of the run's interval."},
    {kInWait, "until", "time", "",
     "Until an instant (2026-03-01T02:00:00Z, or an expression that gives one), or a time of day "
     "such as 18:00 in the flow's zone, on the day for which the run is scheduled."},
    {kInWait, "for", "duration", "", "For that long, from the start of the task."},
    {kInWait, "every", "duration, 100ms and up", "30s, of a dataset 1s",
     "How often is looked. The first look is at once."},
    {kInWait, "timeout", "duration, up to 30d", "7d",
     "How long is waited; then the task fails with too_late. Also after a restart of the server."},
    {kInWait, "soft", "true or false", "false",
     "A task that waited in vain is skipped in place of failed."},
    {kInWait, "status", "number, 100 to 599", "any from 200 to 299",
     "The status that the address must answer."},
    {kInWait, "expect", "value", "any answer",
     "What the answer's JSON must contain: of a map each key with its value, of a list each item."},

    {kInApprove, "team", "team of tidemill.yaml", "required", "Whose members may decide."},
    {kInApprove, "message", "text with expressions", "",
     "What the person is asked. It is shown with the open approval."},
    {kInApprove, "fields", "map of name to type", "none",
     "What else the person answers when approving; written as params are."},
    {kInApprove, "at_timeout", "fail, approve or reject", "fail",
     "What holds when nobody decided within the task's timeout."},
    {kInApprove, "rejected", "fail or skip", "fail", "What becomes of a task that was rejected."},
    {kInApprove, "four_eyes", "true or false", "false",
     "Whoever asked for the run may not approve it."},

    {kInProject, "zone", "IANA zone", "UTC", "The zone of flows that state none."},
    {kInProject, "team", "name", "default", "The team of flows that state none."},
    {kInProject, "python", "map", "", "The interpreter of python tasks of all flows."},
    {kInProject, "connections", "map of name to connection", "none",
     "Databases that sql tasks can name."},
    {kInProject, "datasets", "map of name to dataset", "none", "Where datasets are kept."},
    {kInProject, "mail", "map", "mail cannot leave", "The relay that takes mail."},
    {kInProject, "channels", "map of name to channel", "none", "Where alerts can go."},
    {kInProject, "alerts", "rule or list of rules", "none", "Who is told of what, of all flows."},
    {kInMail, "relay", "smtp://HOST:PORT", "required",
     "Or smtps://HOST:PORT. With a password TLS is required."},
    {kInMail, "from", "address", "required", "The sender."},
    {kInMail, "user", "text", "none", "For relays that want a login."},
    {kInMail, "password", "map", "none", "The user's password, as a secret."},
    {kInChannel, "mail", "list of addresses", "", "A mail to each."},
    {kInChannel, "webhook", "URL", "",
     "A POST of JSON, with the headers of Standard Webhooks; signed where there is a `secret`."},
    {kInChannel, "slack", "URL, or secret", "",
     "A message as Slack and others like it read it; `slack: secret` takes the address from the "
     "`secret`."},
    {kInChannel, "secret", "name", "none", "The secret that signs, or that holds the address."},
    {kInAlert | kInProjectAlert, "on", "list of reasons", "failed and recovered",
     "Of what: failed, late, too_long, did_not_run, recovered."},
    {kInAlert | kInProjectAlert, "to", "list of channels", "required", "Whom."},
    {kInProjectAlert, "team", "name", "all teams", "Only flows of this team."},
    {kInProject, "secrets", "map", "files alone",
     "Where secrets come from that are in no file of secrets/."},
    {kInProject, "teams", "map of name to team", "none", "Who belongs to which team."},
    {kInProject, "allow_private", "list of hosts", "none",
     "Hosts and addresses that may be reached although they are private."},
    {kInProject, "history", "map", "", "How long finished runs are kept."},
    {kInHistory, "keep", "duration, 1d to 3660d", "400d",
     "Finished runs, their values and the output of their tasks go when they are older."},
    {kInTeam, "members", "list of names", "required",
     "Names of tokens; `local` is whoever commands the server on its own machine."},
    {kInConnection, "sqlite", "path", "", "The SQLite file, within the project."},
    {kInConnection, "postgres", "settings", "",
     "Or a PostgreSQL server: host=db.example dbname=app user=tidemill, as libpq reads them."},
    {kInConnection, "password", "map", "none", "The password of the PostgreSQL user, as a secret."},
    {kInSecret, "secret", "name", "required", "The name of the secret."},
    {kInSecrets, "command", "list of texts", "none",
     "A program that prints the secret; {name} in a word stands for its name."},
    {kInSecrets, "vault", "map", "none", "Vault's HTTP interface, key-value engine version 2."},
    {kInVault, "address", "URL", "required", "Such as https://vault.example:8200."},
    {kInVault, "mount", "text", "secret", "Where the engine is mounted."},
    {kInVault, "path", "text", "tidemill",
     "The path whose fields are the secrets. With {name} in it each secret has a path of its own, "
     "and its field `value` counts."},
    {kInVault, "token_file", "path", "required",
     "The file that holds the token; absolute, or within the project."},
    {kInVault, "private", "true or false", "false", "Whether its address may be private."},
    {kInDataset, "path", "path", "in the data directory",
     "The file of JSON lines, within the project."},
};

constexpr NotBuilt kNotBuilt[] = {
    {kAnyTrigger, "topic", "use after: {dataset: ...} or call"},
    {kInPublish, "topic", "use dataset"},
};

constexpr std::pair<Places, std::string_view> kPlaceWords[] = {
    {kInFlow, "a flow"},       {kInPython, "python"},
    {kInGroup, "a group"},     {kInForEach, "for_each"},
    {kInParam, "a param"},     {kInCron, "cron"},
    {kInEvery, "every"},       {kInAfter, "after"},
    {kInAfterSource, "after"}, {kInCall, "call"},
    {kInRetry, "retry"},       {kInHttp, "http"},
    {kInSql, "sql"},           {kInPublish, "publish"},
    {kInProject, "a project"}, {kInConnection, "a connection"},
    {kInDataset, "a dataset"}, {kShellTask, "shell"},
    {kPythonTask, "python"},   {kHttpTask, "http"},
    {kVendorTask, "vendor"},   {kSqlTask, "sql"},
    {kCalcTask, "calc"},       {kModelTask, "model"},
    {kPublishTask, "publish"}, {kFlowTask, "flow"},
    {kWaitTask, "wait"},       {kApproveTask, "approve"},
    {kInWait, "wait"},         {kInApprove, "approve"},
    {kInTeam, "a team"},       {kInHistory, "history"},
    {kInChannel, "a channel"}, {kInMail, "mail"},
    {kInAlert, "alerts"},      {kInProjectAlert, "the project's alerts"},
    {kInSecret, "a password"}, {kInSecrets, "secrets"},
    {kInVault, "vault"},       {kInAt, "at"},
};

}  // namespace

std::span<const Field> fields() { return kFields; }

const Field* find_field(Places places, std::string_view name) {
  for (const Field& field : kFields) {
    if ((field.places & places) != 0 && field.name == name) return &field;
  }
  return nullptr;
}

std::vector<std::string> field_names(Places places) {
  std::vector<std::string> names;
  for (const Field& field : kFields) {
    if ((field.places & places) != 0) names.emplace_back(field.name);
  }
  return names;
}

std::string places_text(Places places) {
  std::vector<std::string> words;
  for (const auto& [place, word] : kPlaceWords) {
    if ((places & place) != 0) words.emplace_back(word);
  }
  return join(words, ", ");
}

const NotBuilt* find_not_built(Places places, std::string_view name) {
  for (const NotBuilt& row : kNotBuilt) {
    if ((row.places & places) != 0 && row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace tidemill::flow
