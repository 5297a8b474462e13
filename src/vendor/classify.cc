#include "vendor/classify.h"

#include <fmt/format.h>

#include <array>

#include "base/check.h"
#include "base/text.h"
#include "vendor/schema.h"

namespace tidemill::vendor {
namespace {

constexpr size_t kClasses = static_cast<size_t>(Class::kCancelled) + 1;
constexpr bool kPauses = true, kByRule = true;
using enum Again;
using enum Code;

// clang-format off
constexpr std::array<ClassRow, kClasses> kTable = {{
    {Class::kOk,            "ok",              kNever,            false,   kByRule, kInternal},
    {Class::kNoHit,         "no_hit",          kNever,            false,   kByRule, kInternal},
    {Class::kSchema,        "schema",          kNever,            false,   kByRule, kInvalid},
    {Class::kMalformed,     "malformed",       kOnceIfRepeatable, false,   kByRule, kInvalid},
    {Class::kTruncated,     "truncated",       kIfRepeatable,     false,   false,   kUnknown},
    {Class::kTooLarge,      "too_large",       kNever,            false,   false,   kExhausted},
    {Class::kRedirect,      "redirect",        kNever,            false,   false,   kInvalid},
    {Class::kRejected,      "rejected",        kNever,            false,   kByRule, kInvalid},
    {Class::kAuth,          "auth",            kOnce,             false,   kByRule, kDenied},
    {Class::kTimeoutVendor, "timeout_vendor",  kIfRepeatable,     false,   kByRule, kUnavailable},
    {Class::kRateLimited,   "rate_limited",    kAlways,           kPauses, kByRule, kUnavailable},
    {Class::kServerError,   "server_error",    kIfRepeatable,     false,   kByRule, kUnavailable},
    {Class::kUnavailable,   "unavailable",     kIfRepeatable,     kPauses, kByRule, kUnavailable},
    {Class::kMismatch,      "mismatch",        kNever,            false,   kByRule, kInvalid},
    {Class::kUnreachable,   "unreachable",     kAlways,           false,   false,   kUnavailable},
    {Class::kTls,           "tls",             kNever,            false,   false,   kDenied},
    {Class::kUnknown,       "unknown",         kIfRepeatable,     false,   false,   kUnknown},
    {Class::kInvalidRequest,"invalid_request", kNever,            false,   false,   kInvalid},
    {Class::kDenied,        "denied",          kNever,            false,   false,   kDenied},
    {Class::kDeadline,      "deadline",        kNever,            false,   false,   kTooLate},
    {Class::kOverloaded,    "overloaded",      kNever,            false,   false,   kExhausted},
    {Class::kOverRate,      "rate_limited",    kNever,            false,   false,   kExhausted},
    {Class::kCancelled,     "cancelled",       kNever,            false,   false,   kTooLate},
}};
// clang-format on

struct StatusRow {
  int from, to;
  Class id;
};
// The first row that holds a status is meant.
constexpr std::array<StatusRow, 17> kStatuses = {{{200, 299, Class::kOk},
                                                  {300, 399, Class::kRedirect},
                                                  {401, 401, Class::kAuth},
                                                  {403, 403, Class::kAuth},
                                                  {408, 408, Class::kTimeoutVendor},
                                                  {425, 425, Class::kTimeoutVendor},
                                                  {429, 429, Class::kRateLimited},
                                                  {400, 499, Class::kRejected},
                                                  {500, 500, Class::kServerError},
                                                  {501, 501, Class::kRejected},
                                                  {502, 502, Class::kServerError},
                                                  {503, 503, Class::kUnavailable},
                                                  {504, 504, Class::kServerError},
                                                  {505, 505, Class::kRejected},
                                                  {506, 599, Class::kServerError},
                                                  {100, 199, Class::kMalformed},
                                                  {0, 99999, Class::kMalformed}}};

Class of_status(int status) {
  for (const StatusRow& entry : kStatuses) {
    if (status >= entry.from && status <= entry.to) return entry.id;
  }
  return Class::kMalformed;
}

Class of_failure(io::HttpFailure::Kind kind) {
  using Kind = io::HttpFailure::Kind;
  switch (kind) {
    case Kind::kInvalid:
      return Class::kInvalidRequest;
    case Kind::kDenied:
      return Class::kDenied;
    case Kind::kUnreachable:
      return Class::kUnreachable;
    case Kind::kTls:
      return Class::kTls;
    case Kind::kTimeout:
    case Kind::kReset:
      return Class::kUnknown;
    case Kind::kTruncated:
      return Class::kTruncated;
    case Kind::kTooLarge:
      return Class::kTooLarge;
    case Kind::kCancelled:
      return Class::kCancelled;
  }
  return Class::kUnknown;
}

// A page for people where data was expected: a gateway's error page with status 200.
bool is_page(const io::HttpResponse& response) {
  std::string const type = to_lower_ascii(response.header("content-type"));
  return type.find("html") != std::string::npos || type.find("xml") != std::string::npos;
}

Result<Json> parse_body(const io::HttpResponse& response) {
  if (is_page(response)) {
    return fail(Code::kInvalid, fmt::format("content type \"{}\", expected application/json",
                                            printable(response.header("content-type"), 60)));
  }
  if (response.status == 204 && response.body.empty()) return Json();
  return parse_json(response.body);
}

// What an answer with a good status and a JSON body is.
Classified judge_answer(int status, Json body, const Product& product, const Evaluate& evaluate) {
  if (product.no_hit) {
    TIDEMILL_CHECK(evaluate);
    auto const nothing = evaluate(*product.no_hit, status, body);
    if (!nothing) {
      return {Class::kSchema, std::move(body),
              fmt::format("no_hit ({}) cannot be evaluated: {}", product.no_hit->text,
                          nothing.error().text())};
    }
    if (*nothing) return {Class::kNoHit, std::move(body), ""};
  }
  if (product.schema) {
    if (auto const mistake = product.schema->check(body)) {
      return {Class::kSchema, std::move(body), *mistake};
    }
  }
  return {Class::kOk, std::move(body), ""};
}

}  // namespace

const ClassRow& row(Class id) {
  const ClassRow& found = kTable[static_cast<size_t>(id)];
  TIDEMILL_CHECK(found.id == id);
  return found;
}

const ClassRow* class_by_rule(std::string_view name) {
  for (const ClassRow& entry : kTable) {
    if (entry.by_rule && entry.name == name) return &entry;
  }
  return nullptr;
}

const std::vector<std::string_view>& names_by_rule() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> names;
    for (const ClassRow& entry : kTable) {
      if (entry.by_rule) names.push_back(entry.name);
    }
    return names;
  }();
  return kNames;
}

bool may_repeat(Class id, const Product& product, int64_t tries) {
  if (tries >= product.retry.attempts) return false;
  switch (row(id).again) {
    case Again::kNever:
      return false;
    case Again::kAlways:
      return true;
    case Again::kOnce:
      return tries < 2;
    case Again::kIfRepeatable:
      return product.repeatable();
    case Again::kOnceIfRepeatable:
      return tries < 2 && product.repeatable();
  }
  return false;
}

Classified classify(const io::HttpOutcome& outcome, const Product& product,
                    const Evaluate& evaluate) {
  if (!outcome) return {of_failure(outcome.error().kind), {}, outcome.error().message};
  const io::HttpResponse& response = *outcome;
  Class const by_status = of_status(response.status);
  auto parsed = parse_body(response);
  Json body = parsed ? std::move(*parsed) : Json();
  std::string trouble;
  for (const ClassifyRule& rule : product.classify) {
    TIDEMILL_CHECK(evaluate);
    auto const holds = evaluate(rule.when, response.status, body);
    if (!holds) {
      // An error page lacks the fields that a rule reads: then the status says what it is.
      trouble = fmt::format("classify ({}) cannot be evaluated: {}", rule.when.text,
                            holds.error().text());
    } else if (*holds) {
      return {
          class_by_rule(rule.as)->id, std::move(body),
          fmt::format("status {}, taken for {} by: {}", response.status, rule.as, rule.when.text)};
    }
  }
  if (by_status != Class::kOk) {
    return {by_status, std::move(body), fmt::format("status {}", response.status)};
  }
  if (!parsed) {
    return {Class::kMalformed,
            {},
            fmt::format("status {}, {}", response.status, parsed.error().message)};
  }
  if (!trouble.empty()) return {Class::kSchema, std::move(body), trouble};
  return judge_answer(response.status, std::move(body), product, evaluate);
}

}  // namespace tidemill::vendor
