#include "task/vendor.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/text.h"
#include "flow/expressions.h"
#include "value/json.h"

namespace tidemill::task {
namespace {

constexpr size_t kSecretBytes = 64u << 10;

Result<flow::Rendered> compile(const vendor::RequestValue& value) {
  using Shape = vendor::RequestValue::Shape;
  switch (value.shape) {
    case Shape::kConstant:
      return flow::Rendered::constant(value.constant);
    case Shape::kText:
      return flow::Rendered::parse(value.source);
    case Shape::kList: {
      std::vector<flow::Rendered> items;
      for (const auto& [name, part] : value.parts) {
        TIDEMILL_TRY_LET(item, compile(part));
        items.push_back(std::move(item));
      }
      return flow::Rendered::list(std::move(items));
    }
    case Shape::kMap: {
      std::vector<std::pair<std::string, flow::Rendered>> entries;
      for (const auto& [name, part] : value.parts) {
        TIDEMILL_TRY_LET(entry, compile(part));
        entries.emplace_back(name, std::move(entry));
      }
      return flow::Rendered::map(std::move(entries));
    }
  }
  return fail(Code::kInternal, "a request value of no shape");
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

Result<Pairs> render_pairs(const std::vector<std::pair<std::string, vendor::RequestValue>>& values,
                           const flow::Scope& scope) {
  Pairs pairs;
  for (const auto& [name, value] : values) {
    TIDEMILL_TRY_LET(compiled, compile(value));
    TIDEMILL_TRY_LET(text, compiled.text(scope));
    pairs.emplace_back(name, std::move(text));
  }
  return pairs;
}

// `no_hit` and `classify` read `status` and the members of `body`.
Result<bool> evaluate(const vendor::Condition& condition, int status, const Json& body) {
  TIDEMILL_TRY_LET(compiled, flow::compile_expression(condition.text));
  flow::Scope scope;
  scope.add_params(Json::object().set("status", status));
  TIDEMILL_TRY_LET(table, value::infer_table(body));
  scope.add_table("body", std::move(table));
  return scope.evaluate_bool(compiled.expression);
}

Json detail_of(const vendor::CallResult& result) {
  Json tries = Json::array();
  for (const vendor::Try& one : result.tries) {
    Json entry = Json::object();
    entry.set("started", format_rfc3339(one.started));
    entry.set("took_ms", one.took.to_ms());
    entry.set("status", one.status);
    entry.set("class", vendor::class_name(one.id));
    if (!one.message.empty()) entry.set("message", one.message);
    tries.push(std::move(entry));
  }
  Json detail = Json::object();
  detail.set("class", vendor::class_name(result.id));
  detail.set("tries", std::move(tries));
  if (result.retry_suppressed) detail.set("retry_suppressed", true);
  if (result.retry_at) detail.set("retry_at", format_rfc3339(*result.retry_at));
  // The bytes as they came; base64 where they are not text.
  if (is_utf8(result.raw)) {
    detail.set("raw", result.raw);
  } else {
    detail.set("raw_base64url", to_base64url(result.raw));
  }
  return detail;
}

run::Outcome outcome_of(const vendor::CallResult& result) {
  Json detail = detail_of(result);
  if (result.succeeded()) {
    return run::Outcome::success(flow::TaskValue::of_json(result.body), std::move(detail));
  }
  Error error = result.error();
  run::Outcome outcome = error.code == Code::kUnknown ? run::Outcome::unknown(error.message)
                                                      : run::Outcome::failure(error);
  outcome.detail = std::move(detail);
  return outcome;
}

}  // namespace

VendorRunner::VendorRunner(std::shared_ptr<Secrets> secrets, vendor::Client& client)
    : secrets_(std::move(secrets)), client_(client) {}

VendorRunner::VendorRunner(std::vector<std::string> secret_folders, vendor::Client& client,
                           io::Files& files)
    : secret_folders_(std::move(secret_folders)), client_(client), files_(&files) {}

Result<std::string> VendorRunner::file_secret(const std::string& name) const {
  for (const std::string& folder : secret_folders_) {
    auto const text = files_->read(folder + "/" + name, kSecretBytes);
    if (text) return std::string(trim(*text));
  }
  return fail(Code::kNotFound,
              fmt::format("there is no secret '{}'; write it into {}/{} with mode 0600", name,
                          secret_folders_.empty() ? "secrets" : secret_folders_[0], name));
}

void VendorRunner::find_secret(const std::string& name, Secrets::Found found) const {
  if (secrets_) {
    secrets_->find(name, std::move(found));
  } else {
    found(file_secret(name));
  }
}

Result<vendor::CallRequest> VendorRunner::request_of(const Work& work,
                                                     const flow::Scope& scope) const {
  const auto& settings = std::get<flow::VendorSettings>(work.task().settings);
  vendor::CallRequest request;
  request.spec = settings.spec;
  request.product = settings.product;
  request.idempotency_key = work.call_id();
  request.evaluate = evaluate;
  const vendor::Product* product = settings.spec->product(settings.product);
  if (product == nullptr) return fail(Code::kInternal, "the bundle lacks its vendor's product");
  // The vendor file reads what the task gives it by `with`, by bare names.
  Json given = Json::object();
  for (const auto& [name, rendered] : work.task().with) {
    TIDEMILL_TRY_LET(value, rendered.json(scope));
    given.set(name, std::move(value));
  }
  flow::Scope inner;
  inner.add_params(given);
  TIDEMILL_TRY_LET(path, compile(product->path));
  TIDEMILL_TRY_LET(path_text, path.text(inner, flow::Rendered::Encoding::kPercent));
  request.rendered.path = std::move(path_text);
  TIDEMILL_TRY_LET(query, render_pairs(product->query, inner));
  request.rendered.query = std::move(query);
  TIDEMILL_TRY_LET(headers, render_pairs(product->headers, inner));
  request.rendered.headers = std::move(headers);
  if (product->body) {
    TIDEMILL_TRY_LET(body, compile(*product->body));
    TIDEMILL_TRY_LET(json, body.json(inner));
    request.rendered.body = json.dump();
  }
  return request;
}

void VendorRunner::start(const Work& work, const flow::Scope& scope, Done done) {
  auto request = request_of(work, scope);
  if (!request) {
    done(run::Outcome::failure(request.error()));
    return;
  }
  request->deadline = work.elapsed_deadline;
  std::string const id = work.attempt_id();
  std::string const secret = request->spec->auth.secret;
  if (secret.empty()) {
    send(id, std::move(*request), std::move(done));
    return;
  }
  waiting_.insert(id);
  auto shared = std::make_shared<vendor::CallRequest>(std::move(*request));
  find_secret(secret, [this, id, shared, done](Result<std::string> value) {
    bool const is_wanted = waiting_.erase(id) > 0;
    if (!value) {
      done(run::Outcome::failure(value.error()));
    } else if (!is_wanted) {
      done(run::Outcome::failure({Code::kTooLate, "stopped before the vendor was asked", {}}));
    } else {
      shared->secret = std::move(*value);
      send(id, std::move(*shared), done);
    }
  });
}

void VendorRunner::send(const std::string& id, vendor::CallRequest request, Done done) {
  open_[id] = client_.call(std::move(request), [this, id, done](vendor::CallResult result) {
    open_.erase(id);
    done(outcome_of(result));
  });
}

void VendorRunner::stop(const Work& work) {
  waiting_.erase(work.attempt_id());
  auto const found = open_.find(work.attempt_id());
  if (found != open_.end()) client_.cancel(found->second);
}

}  // namespace tidemill::task
