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

enum class Kind { kShell, kPython, kHttp, kVendor, kSql, kCalc, kModel, kPublish, kFlow };
enum class Rule { kAllSuccess, kAllDone, kOneFailed, kNoneFailed };
enum class OnUnknown { kRerun, kFail };
enum class Overlap { kAllow, kSkip, kQueue };
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
  enum class After { kSucceeded, kFailed, kDone } after = After::kSucceeded;
  Missed missed;
  Overlap overlap = Overlap::kSkip;
  std::vector<std::pair<std::string, Rendered>> with;  // params of the run
};

struct Retry {
  int attempts = 1;  // in all
  Duration base = Duration::seconds(1);
  Duration cap = Duration::seconds(60);
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
  std::string database;  // path of the SQLite file, within the project
  std::string text;      // the statement with $1, $2... where expressions stood
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
using Settings =
    std::variant<ShellSettings, PythonSettings, HttpSettings, VendorSettings, SqlSettings,
                 CalcSettings, ModelSettings, PublishSettings, FlowSettings>;

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
  std::vector<std::string> writes;
  bool optional = false;
  OnUnknown on_unknown = OnUnknown::kFail;

  // calc, model and sql have no effect outside; a chain of them is evaluated in one step.
  bool is_pure() const { return kind == Kind::kCalc || kind == Kind::kModel; }
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
