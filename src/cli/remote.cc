#include "cli/remote.h"

#include <fmt/format.h>

#include <optional>

#include "io/real/files.h"
#include "io/real/http_client.h"
#include "io/real/loop.h"
#include "store/sqlite_store.h"

namespace tidemill::cli {
namespace {

Error error_of(const io::HttpResponse& response) {
  auto const json = parse_json(response.body);
  const Json* error = json ? json->find("error") : nullptr;
  if (error == nullptr) {
    return {Code::kInternal, fmt::format("the server answered {}", response.status), {}};
  }
  Error answer{Code::kInternal, error->text_or("message", "no message"), {}};
  std::string const name = error->text_or("code", "");
  for (int code = 0; code <= static_cast<int>(Code::kInternal); ++code) {
    if (code_name(static_cast<Code>(code)) == name) answer.code = static_cast<Code>(code);
  }
  return answer;
}

}  // namespace

class Remote::Parts {
 public:
  Parts() : files(loop), http(loop) {}
  io::RealLoop loop;
  io::RealFiles files;
  io::RealHttpClient http;
  std::unique_ptr<store::Store> store;
};

Remote::Remote(std::string data_folder)
    : data_folder_(std::move(data_folder)), parts_(std::make_unique<Parts>()) {}

Remote::~Remote() = default;

bool Remote::has_server() {
  if (!parts_->files.info(data_folder_ + "/tidemill.sock")) return false;
  return text("GET", "/healthz").has_value();
}

Result<std::string> Remote::text(const std::string& method, const std::string& path,
                                 const Json& body) {
  if (!parts_->files.info(data_folder_ + "/tidemill.sock")) {
    return fail(Code::kUnavailable,
                fmt::format("no server runs on {}; start one with 'tidemill serve', or name its "
                            "data directory with --data or --project",
                            data_folder_));
  }
  io::HttpRequest request;
  request.method = method;
  request.url = "http://localhost" + path;
  request.unix_socket = data_folder_ + "/tidemill.sock";
  request.timeout = Duration::seconds(620);
  request.stall_timeout = Duration::seconds(620);
  request.max_response_bytes = 256u << 20;
  request.private_addresses = io::HttpRequest::Private::kAllowed;
  if (!body.is_null()) {
    request.body = body.dump();
    request.headers.emplace_back("Content-Type", "application/json");
  }
  std::optional<io::HttpOutcome> outcome;
  parts_->http.send(std::move(request), [&](io::HttpOutcome answer) {
    outcome = std::move(answer);
    parts_->loop.stop();
  });
  parts_->loop.run();
  if (!*outcome) {
    return fail(Code::kUnavailable,
                fmt::format("the server of {} does not answer ({}); see its log, or start one with "
                            "'tidemill serve'",
                            data_folder_, outcome->error().message));
  }
  if ((*outcome)->status >= 400) return fail(error_of(**outcome));
  return (*outcome)->body;
}

Result<Json> Remote::json(const std::string& method, const std::string& path, const Json& body) {
  TIDEMILL_TRY_LET(answer, text(method, path, body));
  return parse_json(answer, {.bytes = 256u << 20, .depth = 400});
}

Result<store::Store*> Remote::store() {
  if (!parts_->store) {
    if (!parts_->files.info(data_folder_ + "/meta.db")) {
      return fail(Code::kNotFound,
                  fmt::format("{} is not a data directory (it has no meta.db); give "
                              "the right one with --data or --project",
                              data_folder_));
    }
    TIDEMILL_TRY_LET(opened, store::open_sqlite_reader(data_folder_, parts_->files));
    parts_->store = std::move(opened);
  }
  return parts_->store.get();
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool const plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace tidemill::cli
