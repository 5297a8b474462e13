// Wraps libcurl's SMTP.
#include "io/real/mail.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace tidemill::io {
namespace {

struct EasyFree {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct Upload {
  const std::string& text;
  size_t at = 0;
};

size_t give(char* buffer, size_t size, size_t count, void* pointer) {
  auto& upload = *static_cast<Upload*>(pointer);
  size_t const length = std::min(size * count, upload.text.size() - upload.at);
  std::memcpy(buffer, upload.text.data() + upload.at, length);
  upload.at += length;
  return length;
}

}  // namespace

Status RealMailer::send(const MailRelay& relay, const Mail& mail) {
  std::unique_ptr<CURL, EasyFree> const easy(curl_easy_init());
  if (!easy) return fail(Code::kExhausted, "no memory for a mail");
  curl_slist* recipients = nullptr;
  for (const std::string& address : mail.to) {
    recipients = curl_slist_append(recipients, ("<" + address + ">").c_str());
  }
  std::unique_ptr<curl_slist, ListFree> const list(recipients);
  Upload upload{mail.message};
  std::string const from = "<" + mail.from + ">";
  char problem[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(easy.get(), CURLOPT_URL, relay.url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(relay.timeout.us / 1000));
  curl_easy_setopt(easy.get(), CURLOPT_MAIL_FROM, from.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_MAIL_RCPT, list.get());
  curl_easy_setopt(easy.get(), CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_READFUNCTION, give);
  curl_easy_setopt(easy.get(), CURLOPT_READDATA, &upload);
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, problem);
  // A password never goes over a connection that can be read.
  bool const needs_tls = !relay.password.empty();
  curl_easy_setopt(easy.get(), CURLOPT_USE_SSL,
                   static_cast<long>(needs_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
  if (!relay.user.empty()) {
    curl_easy_setopt(easy.get(), CURLOPT_USERNAME, relay.user.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_PASSWORD, relay.password.c_str());
  }
  CURLcode const code = curl_easy_perform(easy.get());
  if (code == CURLE_OK) return {};
  long answer = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &answer);
  std::string const reason = problem[0] != '\0' ? problem : curl_easy_strerror(code);
  bool const is_final = answer >= 500 && answer <= 599;
  return fail(is_final ? Code::kInvalid : Code::kUnavailable,
              fmt::format("the mail relay {} did not take the mail: {}", relay.url, reason));
}

}  // namespace tidemill::io
