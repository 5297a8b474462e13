#include "notify/sender.h"

#include <fmt/format.h>

#include "base/text.h"
#include "notify/message.h"
#include "notify/signature.h"

namespace tidemill::notify {
namespace {

Status status_of(const io::HttpOutcome& outcome) {
  if (!outcome) {
    using Kind = io::HttpFailure::Kind;
    bool const is_final =
        outcome.error().kind == Kind::kDenied || outcome.error().kind == Kind::kInvalid;
    return fail(is_final ? Code::kInvalid : Code::kUnavailable, outcome.error().message);
  }
  if (outcome->status >= 200 && outcome->status <= 299) return {};
  // 410: the receiver wants no more. 429 and 5xx pass; what else is wrong stays wrong.
  bool const may_pass = outcome->status >= 500 || outcome->status == 429 || outcome->status == 408;
  return fail(may_pass ? Code::kUnavailable : Code::kInvalid,
              fmt::format("answered {}: {}", outcome->status, printable(outcome->body, 200)));
}

}  // namespace

void Sender::send(const Channel& channel, const MailSettings& mail, const Alert& alert,
                  std::function<void(Status)> done) {
  if (channel.kind == Channel::Kind::kMail) {
    send_mail(channel, mail, alert, std::move(done));
  } else {
    send_http(channel, alert, std::move(done));
  }
}

void Sender::send_mail(const Channel& channel, const MailSettings& mail, const Alert& alert,
                       std::function<void(Status)> done) {
  io::Mail out;
  out.from = mail.from;
  out.to = channel.to;
  out.message = mail_message(alert, mail.from, channel.to, parts_.clock.wall());
  auto const queued =
      parts_.executor.run(io::Lane::kDatabase, [this, relay = mail.relay, out, done] {
        auto const sent = parts_.mailer.send(relay, out);
        parts_.loop.post([done, sent] { done(sent); });
      });
  if (!queued) parts_.loop.post([done, queued] { done(queued); });
}

void Sender::send_http(const Channel& channel, const Alert& alert,
                       std::function<void(Status)> done) {
  io::HttpRequest request;
  request.method = "POST";
  request.url = channel.url;
  bool const is_webhook = channel.kind == Channel::Kind::kWebhook;
  request.body = (is_webhook ? webhook_body(alert) : slack_body(alert)).dump();
  request.headers = {{"Content-Type", "application/json"}, {"User-Agent", "tidemill"}};
  if (channel.is_private) request.private_addresses = io::HttpRequest::Private::kAllowed;
  if (is_webhook) {
    Time const now = parts_.clock.wall();
    request.headers.emplace_back("webhook-id", alert.id);
    request.headers.emplace_back("webhook-timestamp", std::to_string(now.seconds()));
    if (!channel.secret.empty()) {
      auto const signature = webhook_signature(channel.secret, alert.id, now, request.body);
      if (!signature) {
        parts_.loop.post([done, error = signature.error()] { done(fail(error)); });
        return;
      }
      request.headers.emplace_back("webhook-signature", *signature);
    }
  }
  parts_.http.send(std::move(request),
                   [done](const io::HttpOutcome& outcome) { done(status_of(outcome)); });
}

}  // namespace tidemill::notify
