#include "task/http.h"

#include <fmt/format.h>

#include "base/text.h"

namespace tidemill::task {
namespace {

constexpr size_t kRequestBytes = 1u << 20;

// The host of a URL that is well-formed enough to have one.
std::string_view host_of(std::string_view url) {
  size_t const scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  std::string_view rest = url.substr(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  if (rest.starts_with('[')) return rest.substr(1, rest.find(']') - 1);
  return rest.substr(0, rest.find(':'));
}

// {"status": 200, "body": <the JSON, or the text>}
Json value_of(const io::HttpResponse& response) {
  Json value = Json::object();
  value.set("status", response.status);
  bool const is_json = response.header("content-type").find("json") != std::string::npos;
  auto body = is_json || !response.body.empty() ? parse_json(response.body) : Result<Json>(Json());
  if (body) {
    value.set("body", std::move(*body));
  } else if (is_utf8(response.body)) {
    value.set("body", response.body);
  } else {
    value.set("body", Json());
  }
  return value;
}

run::Outcome outcome_of(const io::HttpOutcome& outcome, bool is_repeatable) {
  if (!outcome) {
    using Kind = io::HttpFailure::Kind;
    Kind const kind = outcome.error().kind;
    bool const was_sent = kind == Kind::kTimeout || kind == Kind::kReset ||
                          kind == Kind::kTruncated || kind == Kind::kTooLarge ||
                          kind == Kind::kCancelled;
    if (was_sent && !is_repeatable) return run::Outcome::unknown(outcome.error().message);
    Code const code = kind == Kind::kDenied     ? Code::kDenied
                      : kind == Kind::kInvalid  ? Code::kInvalid
                      : kind == Kind::kTooLarge ? Code::kExhausted
                                                : Code::kUnavailable;
    return run::Outcome::failure({code, outcome.error().message, {}});
  }
  Json detail = Json::object();
  detail.set("status", outcome->status).set("took_ms", outcome->took.to_ms());
  if (outcome->status < 200 || outcome->status > 299) {
    Code const code =
        outcome->status >= 500 || outcome->status == 429 ? Code::kUnavailable : Code::kInvalid;
    return run::Outcome::failure(
        {code, fmt::format("answered {}: {}", outcome->status, printable(outcome->body, 200)), {}},
        std::move(detail));
  }
  return run::Outcome::success(flow::TaskValue::of_json(value_of(*outcome)), std::move(detail));
}

}  // namespace

HttpRunner::HttpRunner(io::HttpClient& http, std::vector<std::string> allow_private)
    : http_(http), allow_private_(std::move(allow_private)) {}

Result<io::HttpRequest> http_request(const flow::HttpSettings& settings, const flow::Scope& scope,
                                     const std::string& call_id,
                                     const std::vector<std::string>& allow_private) {
  io::HttpRequest request;
  request.method = settings.method;
  TIDEMILL_TRY_LET(url, settings.url.text(scope, flow::Rendered::Encoding::kPercent));
  request.url = std::move(url);
  for (const auto& [name, rendered] : settings.headers) {
    TIDEMILL_TRY_LET(text, rendered.text(scope));
    if (text.find_first_of("\r\n") != std::string::npos) {
      return fail(Code::kInvalid, fmt::format("the header {} would hold a line break", name));
    }
    request.headers.emplace_back(name, std::move(text));
  }
  if (settings.body) {
    TIDEMILL_TRY_LET(body, settings.body->json(scope));
    request.body = body.dump();
    request.headers.emplace_back("Content-Type", "application/json");
    if (request.body.size() > kRequestBytes) {
      return fail(Code::kExhausted, fmt::format("a body of {} bytes; at most {} are sent",
                                                request.body.size(), kRequestBytes));
    }
  }
  if (!settings.idempotency_header.empty()) {
    request.headers.emplace_back(settings.idempotency_header, call_id);
  }
  bool const is_listed = std::find(allow_private.begin(), allow_private.end(),
                                   host_of(request.url)) != allow_private.end();
  if (settings.private_addresses || is_listed) {
    request.private_addresses = io::HttpRequest::Private::kAllowed;
  }
  return request;
}

void HttpRunner::start(const Work& work, const flow::Scope& scope, Done done) {
  auto request = http_request(std::get<flow::HttpSettings>(work.task().settings), scope,
                              work.call_id(), allow_private_);
  if (!request) {
    done(run::Outcome::failure(request.error()));
    return;
  }
  if (work.task().timeout) request->timeout = *work.task().timeout;
  const auto& settings = std::get<flow::HttpSettings>(work.task().settings);
  bool const is_repeatable =
      settings.effect == flow::HttpSettings::Effect::kRead || !settings.idempotency_header.empty();
  std::string const id = work.attempt_id();
  open_[id] = http_.send(std::move(*request),
                         [this, id, is_repeatable, done](const io::HttpOutcome& outcome) {
                           open_.erase(id);
                           done(outcome_of(outcome, is_repeatable));
                         });
}

void HttpRunner::stop(const Work& work) {
  auto const found = open_.find(work.attempt_id());
  if (found != open_.end()) http_.cancel(found->second);
}

}  // namespace tidemill::task
