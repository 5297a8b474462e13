// One request on its way through libcurl.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "io/address.h"
#include "io/http_client.h"

namespace tidemill::io {

// Owns the request and collects its response. Must not move while libcurl knows it: `easy` (a
// CURL*) points here. The easy handle itself belongs to the client.
class HttpTransfer {
 public:
  // When the headers are complete, the handle is added to `answering`.
  HttpTransfer(HttpHandle handle, HttpRequest request, std::function<void(HttpOutcome)> done,
               std::vector<HttpHandle>& answering);
  ~HttpTransfer();
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;

  // Sets every option of a fresh or reset easy handle.
  void prepare(void* easy);
  // The outcome, once libcurl is done with `curl_code` (a CURLcode). Call once.
  HttpOutcome outcome(int curl_code);
  HttpFailure stalled() const;
  HttpFailure cancelled() const;

  HttpHandle handle() const { return handle_; }
  void* easy() const { return easy_; }
  const HttpRequest& request() const { return request_; }
  std::function<void(HttpOutcome)>& done() { return done_; }
  // Grows with every piece of the response.
  int64_t pieces() const { return pieces_; }

 private:
  struct Callbacks;  // what libcurl calls

  void prepare_method();
  void prepare_headers();
  // May this request go there? Remembers a refused address.
  bool allows(const std::optional<Address>& address);
  HttpFailure failure(HttpFailure::Kind kind, std::string_view what) const;
  HttpFailure failure_of(int curl_code) const;
  bool take_header(std::string_view line);
  bool take_body(std::string_view bytes);

  HttpHandle handle_;
  HttpRequest request_;
  std::function<void(HttpOutcome)> done_;
  std::vector<HttpHandle>& answering_;
  Url url_;
  void* easy_ = nullptr;
  void* header_list_ = nullptr;  // a curl_slist*
  HttpResponse response_;
  size_t header_bytes_ = 0;
  int64_t pieces_ = 0;
  bool headers_complete_ = false;
  bool too_large_ = false;
  bool repeat_refused_ = false;
  std::optional<Address> refused_;
  std::string error_text_;  // libcurl's buffer
};

}  // namespace tidemill::io
