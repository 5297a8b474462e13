#include "io/real/http_transfer.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "io/real/http_client.h"
#include "io/real/socket_address.h"

namespace tidemill::io {
namespace {

using Kind = HttpFailure::Kind;

constexpr long kRestSeconds = 60;
constexpr long kAgeSeconds = 600;

long to_ms(Duration duration) {
  return static_cast<long>(std::clamp<int64_t>((duration.us + 999) / 1000, 1, INT32_MAX));
}

// What an error of libcurl means before and after the first byte of the request was sent.
struct Meaning {
  CURLcode code;
  Kind before;
  Kind after;
};

constexpr Meaning kMeanings[] = {
    {CURLE_URL_MALFORMAT, Kind::kInvalid, Kind::kInvalid},
    {CURLE_UNSUPPORTED_PROTOCOL, Kind::kInvalid, Kind::kReset},  // after: the answer is not HTTP
    {CURLE_OPERATION_TIMEDOUT, Kind::kUnreachable, Kind::kTimeout},
    {CURLE_PARTIAL_FILE, Kind::kUnreachable, Kind::kTruncated},
    {CURLE_FILESIZE_EXCEEDED, Kind::kUnreachable, Kind::kTooLarge},
    {CURLE_OUT_OF_MEMORY, Kind::kUnreachable, Kind::kTooLarge},  // after: a header without an end
    {CURLE_PEER_FAILED_VERIFICATION, Kind::kTls, Kind::kTls},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, Kind::kTls, Kind::kTls},
    {CURLE_SSL_ISSUER_ERROR, Kind::kTls, Kind::kTls},
    {CURLE_SSL_INVALIDCERTSTATUS, Kind::kTls, Kind::kTls},
    {CURLE_SSL_CACERT_BADFILE, Kind::kTls, Kind::kTls},
};

template <class T>
void set(void* easy, CURLoption option, T value) {
  // Refused only for options that this libcurl does not know, which the build would tell.
  TIDEMILL_CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

}  // namespace

// The functions that libcurl calls, with a transfer as their last argument.
struct HttpTransfer::Callbacks {
  static size_t header(char* bytes, size_t size, size_t count, void* self) {
    const size_t length = size * count;
    return static_cast<HttpTransfer*>(self)->take_header({bytes, length}) ? length : 0;
  }

  static size_t body(char* bytes, size_t size, size_t count, void* self) {
    const size_t length = size * count;
    // Zero means an error only if there were bytes.
    return static_cast<HttpTransfer*>(self)->take_body({bytes, length}) ? length : 0;
  }

  // Every address that libcurl tries passes here, so none is connected to without the check.
  static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* to) {
    auto* transfer = static_cast<HttpTransfer*>(self);
    if (transfer->request_.unix_socket.empty() != (to->family != AF_UNIX)) return CURL_SOCKET_BAD;
    if (to->family != AF_UNIX && !transfer->allows(to_address(&to->addr))) return CURL_SOCKET_BAD;
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
  }

  // Called when a connection stands, new or kept, before the request is sent on it.
  static int before_request(void* self, char* primary_ip, char*, int, int) {
    auto* transfer = static_cast<HttpTransfer*>(self);
    // libcurl would repeat a request whose kept connection broke; nobody asked it to.
    long sent_bytes = 0;
    curl_easy_getinfo(transfer->easy_, CURLINFO_REQUEST_SIZE, &sent_bytes);
    if (sent_bytes > 0) {
      transfer->repeat_refused_ = true;
      return CURL_PREREQFUNC_ABORT;
    }
    // A kept connection may have been opened by a request that was allowed more than this one.
    const bool by_path = !transfer->request_.unix_socket.empty();
    if (!by_path && !transfer->allows(parse_address(primary_ip))) return CURL_PREREQFUNC_ABORT;
    return CURL_PREREQFUNC_OK;
  }
};

HttpTransfer::HttpTransfer(HttpHandle handle, HttpRequest request,
                           std::function<void(HttpOutcome)> done,
                           std::vector<HttpHandle>& answering)
    : handle_(handle),
      request_(std::move(request)),
      done_(std::move(done)),
      answering_(answering),
      url_(*parse_url(request_.url)),
      error_text_(CURL_ERROR_SIZE, '\0') {}

HttpTransfer::~HttpTransfer() { curl_slist_free_all(static_cast<curl_slist*>(header_list_)); }

bool HttpTransfer::allows(const std::optional<Address>& address) {
  if (request_.private_addresses == HttpRequest::Private::kAllowed) return true;
  if (address && is_public(*address)) return true;
  refused_ = address.value_or(Address{});
  return false;
}

void HttpTransfer::prepare(void* easy) {
  easy_ = easy;
  set(easy, CURLOPT_PRIVATE, this);
  set(easy, CURLOPT_ERRORBUFFER, error_text_.data());
  set(easy, CURLOPT_URL, request_.url.c_str());
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  set(easy, CURLOPT_PATH_AS_IS, 1L);
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_PROXY, "");
  set(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(easy, CURLOPT_NOSIGNAL, 1L);
  // A look-up that hangs ends in its own thread; without this, giving up on it would block the
  // loop.
  set(easy, CURLOPT_QUICK_EXIT, 1L);
  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(easy, CURLOPT_MAXAGE_CONN, kRestSeconds);
  set(easy, CURLOPT_MAXLIFETIME_CONN, kAgeSeconds);
  set(easy, CURLOPT_TIMEOUT_MS, to_ms(request_.timeout));
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, to_ms(std::min(request_.connect_timeout, request_.timeout)));
  if (!request_.unix_socket.empty()) {
    set(easy, CURLOPT_UNIX_SOCKET_PATH, request_.unix_socket.c_str());
  }
  set(easy, CURLOPT_OPENSOCKETFUNCTION, &Callbacks::open_socket);
  set(easy, CURLOPT_OPENSOCKETDATA, this);
  set(easy, CURLOPT_PREREQFUNCTION, &Callbacks::before_request);
  set(easy, CURLOPT_PREREQDATA, this);
  set(easy, CURLOPT_HEADERFUNCTION, &Callbacks::header);
  set(easy, CURLOPT_HEADERDATA, this);
  set(easy, CURLOPT_WRITEFUNCTION, &Callbacks::body);
  set(easy, CURLOPT_WRITEDATA, this);
  // An announced body over the cap is not even begun.
  if (request_.max_response_bytes > 0) {
    set(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request_.max_response_bytes));
  }
  prepare_method();
  prepare_headers();
}

void HttpTransfer::prepare_method() {
  const std::string& method = request_.method;
  if (method == "HEAD") return set(easy_, CURLOPT_NOBODY, 1L);
  const bool carries_length =
      !request_.body.empty() || method == "POST" || method == "PUT" || method == "PATCH";
  if (carries_length) {
    set(easy_, CURLOPT_POST, 1L);
    set(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(easy_, CURLOPT_POSTFIELDS, request_.body.data());
  } else {
    set(easy_, CURLOPT_HTTPGET, 1L);
  }
  set(easy_, CURLOPT_CUSTOMREQUEST, method.c_str());
}

void HttpTransfer::prepare_headers() {
  curl_slist* list = nullptr;
  const auto add = [&list](const std::string& line) {
    list = curl_slist_append(list, line.c_str());
    TIDEMILL_CHECK(list != nullptr);
  };
  bool has_type = false;
  for (const auto& [name, value] : request_.headers) {
    has_type = has_type || to_lower_ascii(name) == "content-type";
    // libcurl's way to write a header with nothing after its colon.
    add(trim(value).empty() ? name + ";" : name + ": " + value);
  }
  // No header that the caller has not asked for.
  if (!has_type) add("Content-Type:");
  add("Expect:");
  header_list_ = list;
  set(easy_, CURLOPT_HTTPHEADER, list);
}

bool HttpTransfer::take_header(std::string_view line) {
  ++pieces_;
  header_bytes_ += line.size();
  if (header_bytes_ > RealHttpClient::kMaxHeaderBytes) {
    too_large_ = true;
    return false;
  }
  // What comes after the body (trailers) is not kept.
  if (headers_complete_) return true;
  const std::string_view text = trim(line);
  if (text.empty()) {
    // After an interim answer (100, 103) the real one begins.
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    headers_complete_ = status >= 200;
    if (headers_complete_) answering_.push_back(handle_);
    return true;
  }
  if (text.starts_with("HTTP/")) {
    response_.headers.clear();
    return true;
  }
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return true;
  response_.headers.emplace_back(to_lower_ascii(trim(text.substr(0, colon))),
                                 std::string(trim(text.substr(colon + 1))));
  return true;
}

bool HttpTransfer::take_body(std::string_view bytes) {
  ++pieces_;
  if (bytes.size() > request_.max_response_bytes - response_.body.size()) {
    too_large_ = true;
    return false;
  }
  response_.body.append(bytes);
  return true;
}

HttpOutcome HttpTransfer::outcome(int curl_code) {
  if (curl_code != CURLE_OK) return tl::unexpected(failure_of(curl_code));
  if (!headers_complete_) {
    return tl::unexpected(
        failure(Kind::kReset, "the connection was closed before the headers were complete"));
  }
  long status = 0;
  curl_off_t took_us = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy_, CURLINFO_TOTAL_TIME_T, &took_us);
  response_.status = static_cast<int>(status);
  response_.took = Duration::micros(took_us);
  return std::move(response_);
}

HttpFailure HttpTransfer::failure(Kind kind, std::string_view what) const {
  // Neither path nor query: they may carry secrets.
  const char* scheme = url_.scheme == Url::Scheme::kHttp ? "http" : "https";
  const bool brackets = url_.address && url_.address->family == Address::Family::kV6;
  return {kind, fmt::format("{} {}://{}{}{}:{}: {}", request_.method, scheme, brackets ? "[" : "",
                            url_.host, brackets ? "]" : "", url_.port, what)};
}

HttpFailure HttpTransfer::stalled() const {
  return failure(Kind::kTimeout,
                 fmt::format("the answer stopped: no byte for {} after its headers arrived",
                             format_duration(request_.stall_timeout)));
}

HttpFailure HttpTransfer::cancelled() const { return failure(Kind::kCancelled, "cancelled"); }

HttpFailure HttpTransfer::failure_of(int curl_code) const {
  const auto code = static_cast<CURLcode>(curl_code);
  if (refused_) return failure(Kind::kDenied, refusal_text(url_.host, *refused_));
  long sent_bytes = 0;
  curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &sent_bytes);
  const bool sent = sent_bytes > 0;
  if (repeat_refused_) {
    return failure(Kind::kReset,
                   "the kept connection broke after the request was sent; it was not "
                   "repeated");
  }
  Kind kind = sent ? Kind::kReset : Kind::kUnreachable;
  for (const auto& row : kMeanings) {
    if (row.code == code) kind = sent ? row.after : row.before;
  }
  if (too_large_ || kind == Kind::kTooLarge) {
    return failure(Kind::kTooLarge,
                   fmt::format("the answer is over its cap ({} bytes of headers, {} of body)",
                               RealHttpClient::kMaxHeaderBytes, request_.max_response_bytes));
  }
  // The beginning of the answer is here: what broke off is its body.
  if (kind == Kind::kReset && headers_complete_) kind = Kind::kTruncated;
  std::string what = error_text_.c_str();
  if (what.empty()) what = curl_easy_strerror(code);
  return failure(kind, what);
}

}  // namespace tidemill::io
