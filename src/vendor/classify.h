// What an answer, or its absence, means: one table, from which retries, errors and metrics follow.
// Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "io/http_client.h"
#include "vendor/spec.h"

namespace tidemill::vendor {

enum class Class {
  // Answers.
  kOk,
  kNoHit,          // answered: there is nothing about the one asked for
  kSchema,         // parses, but a field is missing or has another type
  kMalformed,      // not JSON
  kTruncated,      // closed before all bytes of the body
  kTooLarge,       // over a cap
  kRedirect,       // redirects are not followed
  kRejected,       // the vendor says that the request is wrong
  kAuth,           // the vendor does not accept the secret
  kTimeoutVendor,  // the vendor says that it ran out of time
  kRateLimited,    // 429
  kServerError,
  kUnavailable,  // 503
  kMismatch,     // about somebody else; only by a rule of the file
  // No answer.
  kUnreachable,  // nothing was asked
  kTls,          // the certificate is not acceptable; nothing was asked
  kUnknown,      // sent, and no complete answer
  // Refused here: nothing was sent.
  kInvalidRequest,
  kDenied,  // a private address
  kDeadline,
  kOverloaded,  // no slot, and the queue is full or the wait too long
  kOverRate,    // the wait for a permit would pass the deadline
  kCancelled,
};

enum class Again {
  kNever,
  kAlways,  // nothing was asked, or the question was not answered: safe for every effect
  kOnce,
  kIfRepeatable,  // Product::repeatable
  kOnceIfRepeatable,
};

struct ClassRow {
  Class id;
  std::string_view name;  // in files, results and metrics
  Again again;
  bool pauses;   // a Retry-After holds back every caller of the vendor
  bool by_rule;  // a file's `classify` may give it
  Code code;     // of the error that the caller sees; unused for kOk and kNoHit
};

const ClassRow& row(Class id);
inline std::string_view class_name(Class id) { return row(id).name; }
// Null if there is no such class, or a file may not give it.
const ClassRow* class_by_rule(std::string_view name);
// The names that a file may give.
const std::vector<std::string_view>& names_by_rule();

// Whether a try that ended so may be followed by another; `tries` counts those made.
bool may_repeat(Class id, const Product& product, int64_t tries);

// Evaluates an expression of the file over an answer.
using Evaluate = std::function<Result<bool>(const Condition&, int status, const Json& body)>;

struct Classified {
  Class id = Class::kOk;
  Json body;            // the answer as JSON; null if it is none
  std::string message;  // what is wrong: "$.score is string, expected number"; "" if nothing
};

// `evaluate` may be empty when the product has no expressions.
Classified classify(const io::HttpOutcome& outcome, const Product& product,
                    const Evaluate& evaluate);

}  // namespace tidemill::vendor
