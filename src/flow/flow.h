// A flow as its file describes it, checked: names are resolved, the graph has no cycle.
// Immutable once loaded; shared by reference between threads.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/strong.h"
#include "base/time.h"
#include "base/yaml.h"
#include "clock/schedule.h"
#include "flow/rendered.h"
#include "sql/expression.h"
#include "sql/statement.h"
#include "vendor/spec.h"

namespace tidemill::flow {

using FlowName = StrongText<struct FlowNameTag>;
using BundleId = StrongText<struct BundleIdTag>;  // SHA-256 of the bundle: the flow's version
using TaskIndex = Strong<struct TaskIndexTag, int32_t>;  // position in Flow::tasks

enum class Kind {
  kShell,
  kPython,
  kHttp,
  kVendor,
  kSql,
  kCalc,
  kModel,
  kPublish,
  kFlow,
  kWait,
  kApprove,
};
// Airflow's trigger rules.
enum class Rule {
  kAllSuccess,
  kAllFailed,
  kAllDone,
  kAllDoneMinOneSuccess,
  kAllDoneSetupSuccess,
  kOneSuccess,
  kOneFailed,
  kOneDone,
  kNoneFailed,
  kNoneFailedMinOneSuccess,
  kNoneSkipped,
  kAllSkipped,
  kAlways,
};
enum class OnUnknown { kRerun, kFail };
enum class Overlap { kAllow, kSkip, kQueue, kReplace };
enum class ParamType { kString, kInteger, kNumber, kBoolean, kDate, kTimestamp, kJson };
// What happens to ticks that were due while nobody could run them.
struct Missed {
  enum class Policy { kLost, kLatest, kAll, kWithin } policy = Policy::kLatest;
  int64_t count = 0;  // of kAll: the newest n
  Duration within;    // of kWithin
};

struct Param {
  std::string name;
  ParamType type = ParamType::kString;
  std::optional<Json> otherwise;  // the default; without one the param must be given
};

struct Trigger {
  enum class Kind { kCron, kEvery, kAfterFlow, kAfterDataset, kCall } kind = Kind::kCall;
  std::string id;    // `id:`, or else a hash of the trigger's text; unique within the flow
  std::string text;  // as a person would say it: cron "*/10 * * * *"
  std::optional<clock::Schedule> schedule;  // of kCron and kEvery
  std::string source;                       // flow or dataset that it comes after
  std::vector<std::string> sources;         // of kAfterDataset: all of them, `source` is the first
  enum class Combine { kAny, kAll } combine = Combine::kAny;  // of several sources
  enum class After { kSucceeded, kFailed, kDone } after = After::kSucceeded;
  Missed missed;
  Overlap overlap = Overlap::kSkip;
  std::vector<std::pair<std::string, Rendered>> with;  // params of the run
};

// How an attempt ended: its exit code, or the class of its error.
struct FailureKind {
  std::optional<int> exit_code;
  std::optional<Code> code;
};

struct Retry {
  int attempts = 1;  // in all
  Duration base = Duration::seconds(1);
  Duration cap = Duration::seconds(60);
  std::vector<FailureKind> on = {};      // only these are tried again; empty: all
  std::vector<FailureKind> not_on = {};  // these are not, whatever `on` says
  // The wait after the n-th failed attempt (from 1): min(cap, base * 2^(n-1)), saturated.
  Duration wait_after(int attempt) const;
};

struct ShellSettings {
  std::string command;  // no expressions: they go into env or args
};
struct PythonSettings {
  std::string target;  // module:function
  std::string interpreter;
  std::vector<std::string> preload;
};
struct HttpSettings {
  std::string method = "GET";
  Rendered url;  // expressions are percent-encoded
  std::vector<std::pair<std::string, Rendered>> headers;
  std::optional<Rendered> body;  // JSON
  enum class Effect { kRead, kWrite } effect = Effect::kRead;
  std::string idempotency_header;  // "" : none
  bool private_addresses = false;
};
struct VendorSettings {
  std::shared_ptr<const vendor::Spec> spec;
  std::string product;
};
// A query and where its parameters $1, $2... come from.
struct Query {
  std::string path;  // "" if written in the flow file
  sql::Statement statement;
  std::vector<sql::Expression> params;
};
struct CalcSettings {
  Query query;
  bool many = false;  // always a list of rows, even when there is one
};
struct SqlSettings {
  std::string connection;
  std::string database;         // path of the SQLite file, within the project
  std::string postgres;         // or the settings of a PostgreSQL server, as libpq reads them
  std::string password_secret;  // the secret that holds its password
  std::string text;             // the statement with $1, $2... where expressions stood
  std::vector<sql::Expression> params;
};
struct ModelSettings {
  Rendered name;
  std::vector<std::string> candidates;  // every model that the name can mean; all are in the bundle
};
struct PublishSettings {
  std::string dataset;
};
struct FlowSettings {
  FlowName flow;
};
// What is waited for: looked at once at the start, then every `every`.
struct WaitSettings {
  enum class For { kFile, kUrl, kQuery, kDataset, kUntil, kDuration } what = For::kDuration;
  Rendered text;                   // the file's path, or the time of kUntil
  HttpSettings url;                // of kUrl
  int status = 0;                  // the answer's; 0: any from 200 to 299
  std::optional<Rendered> expect;  // what the answer's JSON must contain
  SqlSettings query;               // of kQuery: its first cell must be neither NULL, 0 nor false
  std::string dataset;             // updated since the interval of the run began
  Duration duration;               // of kDuration, from the start of the attempt
  Duration every = Duration::seconds(30);
  bool soft = false;  // too late is skipped, not failed
};
// A person decides.
struct ApproveSettings {
  std::string team;  // of tidemill.yaml
  std::vector<std::string> members;
  Rendered message;
  std::vector<Param> fields;  // what else the person answers
  enum class Otherwise { kFail, kApprove, kReject } at_timeout = Otherwise::kFail;
  bool skip_rejected = false;  // rejected is skipped, not failed
  bool four_eyes = false;      // not by who asked for the run
};
using Settings = std::variant<ShellSettings, PythonSettings, HttpSettings, VendorSettings,
                              SqlSettings, CalcSettings, ModelSettings, PublishSettings,
                              FlowSettings, WaitSettings, ApproveSettings>;

// A dataset that a task updates, and which partition of it.
struct Write {
  std::string dataset;
  std::optional<Rendered> partition;
};

// The list that a mapped task goes over: SQL that gives it, or the rows of a task.
struct MappedList {
  std::string name;  // of its element in `item`, where there are several lists
  std::optional<sql::Expression> expression;
  std::string rows;  // the task whose rows are meant
};

using GroupIndex = Strong<struct GroupIndexTag, int32_t>;  // position in Flow::groups
inline const GroupIndex kNoGroup{-1};

// How a task shares what is limited across runs.
struct Share {
  std::string pool;  // "" : none
  int slots = 1;
  int priority = 0;  // higher goes first
};

struct Task {
  std::string name;
  Mark mark;
  Kind kind = Kind::kShell;
  Settings settings;
  std::vector<TaskIndex> needs;     // each once, in file order
  std::vector<TaskIndex> children;  // tasks that need this one
  std::optional<sql::Expression> when;
  Rule rule = Rule::kAllSuccess;
  Retry retry;
  std::optional<Duration> timeout;
  std::vector<std::pair<std::string, Rendered>> env;
  std::vector<Rendered> args;
  std::vector<std::pair<std::string, Rendered>> with;
  std::optional<sql::Expression> for_each;
  std::string for_each_rows;  // or the task whose rows are meant: `for_each: missing.rows`
  std::vector<MappedList> for_each_lists;  // or several lists, each element an object of theirs
  bool is_zipped = false;                  // elements side by side; else each with each
  std::optional<int> max_items_running;    // of a mapped task
  GroupIndex group = kNoGroup;             // the innermost group that the task stands in
  std::vector<Write> writes;
  bool optional = false;
  OnUnknown on_unknown = OnUnknown::kFail;
  bool is_branch = false;         // its value names the children that go on
  bool is_setup = false;          // some task tears it down
  std::vector<TaskIndex> setups;  // of a teardown: what it tears down
  bool fails_run = true;          // whether its failure fails the run
  Share share;
  bool depends_on_past = false;      // waits for itself in the run before
  bool wait_for_downstream = false;  // and for its children there
  std::optional<Duration> cache;     // how long a result for the same inputs is good
  std::string fingerprint;           // of a cached task: what it is, without its inputs
  bool is_teardown() const { return !setups.empty(); }
  bool is_mapped() const {
    return for_each.has_value() || !for_each_rows.empty() || !for_each_lists.empty();
  }

  // calc, model and sql have no effect outside; a chain of them is evaluated in one step.
  bool is_pure() const { return kind == Kind::kCalc || kind == Kind::kModel; }
};

// Tasks that stand together: `group.task` is the name of each. A mapped group runs once for each
// element: item i of a task in it comes after item i of the tasks that it needs there.
struct Group {
  std::string name;
  Mark mark;
  std::vector<TaskIndex> tasks;  // also those of groups within
  std::vector<TaskIndex> needs;  // what every task of it comes after
  bool is_mapped = false;
};

// By when a run must have ended.
struct Expectation {
  std::optional<Duration> within;    // after the time that the run was scheduled for
  std::optional<int> minute_of_day;  // or the next such time of day in the flow's zone
  Duration grace;                    // how much later people are told
};

struct Flow {
  FlowName name;
  std::string path;  // of the file, within the project
  std::string team;
  std::string zone;
  std::string description;
  std::vector<Trigger> triggers;
  std::vector<Param> params;
  std::optional<Rendered> key;
  std::optional<int64_t> max_running;
  std::optional<Duration> deadline;
  Duration dedupe_for;
  std::vector<std::pair<std::string, Rendered>> env;
  std::vector<Task> tasks;       // in file order
  std::vector<TaskIndex> order;  // every task after what it needs
  std::map<std::string, TaskIndex> names;
  std::vector<Group> groups;
  int priority = 0;  // of tasks that state none
  std::optional<Expectation> expect;
  std::vector<FlowName> on_failure;  // flows that are started when a run has failed
  bool depends_on_past = false;      // a run waits until the run before it has succeeded

  const Task& task(TaskIndex index) const { return tasks[static_cast<size_t>(index.value)]; }
  const Trigger* trigger(Trigger::Kind kind) const;  // the first of that kind
};

// The words of the file for each value, as tables: parser, messages and documents use the same.
std::string_view word(Kind kind);
std::string_view word(Rule rule);
std::string_view word(Overlap overlap);
std::string_view word(ParamType type);
std::string_view word(Trigger::Kind kind);

}  // namespace tidemill::flow
