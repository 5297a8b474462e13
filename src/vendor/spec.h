// A vendor as its file describes it: vendors/<name>.yaml, checked. Plain values, immutable once
// parsed. Expressions stay texts here: this room does not know SQL, whoever renders a request
// compiles them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/template.h"
#include "base/time.h"
#include "base/yaml.h"

namespace tidemill::vendor {

class Schema;  // vendor/schema.h

// A mistake in a vendor file, with its place in it.
struct VendorError {
  Mark mark;
  std::string message;
};

// What asking does. There is no default: the file must say it.
enum class Effect {
  kRead,   // looking has no effect (soft pull, sanctions list)
  kPull,   // looking counts: a hard pull, or one event of a contract
  kWrite,  // changes something at the vendor
};

enum class Idempotency {
  kNone,
  kNatural,  // the same request twice is harmless, and billed once or free
  kKey,      // one key per call, not per attempt, in Product::key_header; the vendor drops repeats
};

enum class Per { kAttempt, kAnswer, kHit };

// An exact decimal with its currency. "0.85 USD per hit".
struct Price {
  std::string amount;
  std::string currency;
  Per per = Per::kAttempt;
  bool is_zero = false;
};

// `count` calls in `per`, evenly: 20/s, 600/m, 1000/h.
struct Rate {
  int64_t count = 0;
  Duration per;
};

// Limits of a vendor or of one of its products; a call must pass both. Absent: no such limit.
struct Limits {
  std::optional<Rate> rate;
  int64_t burst = 1;                   // calls that may leave at once
  std::optional<int64_t> concurrency;  // calls in flight; of a vendor 32 by default
  int64_t queue = 256;                 // calls that may wait for a slot
  Duration queue_wait = Duration::seconds(5);
};

struct RetryPolicy {
  int64_t attempts = 3;  // in all
  Duration base = Duration::millis(500);
  Duration cap = Duration::seconds(10);
};

// How the secret of a vendor goes along. Its value is read from secrets/<secret> by the caller.
struct Auth {
  enum class Kind {
    kNone,
    kBearer,  // Authorization: Bearer <value>
    kHeader,  // <header>: <value>
    kBasic,   // Authorization: Basic <base64 of the value, which is user:password>
  } kind = Kind::kNone;
  std::string secret;
  std::string header;
};

// A value of a request: a text that may hold expressions, a constant, a list or a map of such. A
// text that is one expression (Template::is_one_expression) keeps the type of what it evaluates to.
struct RequestValue {
  struct Part;
  enum class Shape { kConstant, kText, kList, kMap } shape = Shape::kConstant;
  Json constant;
  Template text;
  std::string source;  // of kText: the text as the file has it
  std::vector<Part> parts;
  Mark mark;
};

struct RequestValue::Part {
  std::string name;  // "" in a list
  RequestValue value;
};

// An expression of the file, over `status` (integer) and `body` (the answer as JSON).
struct Condition {
  std::string text;
  Mark mark;
};

// Classes that a file may give to an answer; the names are those of classify.h.
struct ClassifyRule {
  Condition when;
  std::string as;
};

struct Product {
  std::string name;
  Mark mark;
  std::string method = "GET";
  RequestValue path;  // kText; expressions are percent-encoded
  std::vector<std::pair<std::string, RequestValue>> query;
  std::vector<std::pair<std::string, RequestValue>> headers;
  std::optional<RequestValue> body;  // sent as JSON

  std::string schema_path;  // within the project; "" : none
  Mark schema_mark;
  std::shared_ptr<const Schema> schema;
  size_t max_bytes = 2u << 20;
  std::optional<Condition> no_hit;

  Effect effect = Effect::kRead;
  Idempotency idempotency = Idempotency::kNone;
  std::string key_header;
  Duration timeout = Duration::seconds(10);
  Duration connect_timeout = Duration::seconds(1);
  Duration stall_timeout = Duration::seconds(5);
  RetryPolicy retry;
  std::vector<ClassifyRule> classify;
  std::optional<Price> price;
  Limits limits;

  // Whether a question whose outcome is unknown may be asked again: `read` with `natural`, anything
  // with a key, `read` with `none` only when it is free.
  bool repeatable() const;
};

struct Spec {
  std::string name;
  std::string team;      // "" : the project's
  std::string base_url;  // without a slash at its end
  Auth auth;
  Limits limits;
  bool allow_private = false;  // loopback and private addresses may be reached
  std::vector<Product> products;

  const Product* product(std::string_view name) const;
};

// Gives the text of a schema file by its path within the project.
using ReadSchema = std::function<Result<std::string>(const std::string& path)>;

// Parses one vendor file. Every mistake that can be found is in the answer, in file order. Unknown
// keys are refused with the nearest word, and so is every policy that this version does not have: a
// policy that is written but not kept would be worse than none. `read_schema` is asked once for
// each schema file; without it schemas stay unread.
tl::expected<Spec, std::vector<VendorError>> parse_spec(std::string_view text,
                                                        const ReadSchema& read_schema = {});

}  // namespace tidemill::vendor
