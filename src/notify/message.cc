#include "notify/message.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/text.h"

namespace tidemill::notify {
namespace {

constexpr size_t kShownText = 2000;
constexpr size_t kBase64Line = 57;  // bytes that make 76 characters

std::string words(const std::string& reason) {
  if (reason == "failed") return "failed";
  if (reason == "late") return "is late";
  if (reason == "too_long") return "runs too long";
  if (reason == "did_not_run") return "did not run";
  if (reason == "recovered") return "runs well again";
  return reason;
}

std::string lines(const Alert& alert) {
  std::string text = headline(alert) + "\n\n";
  auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) text += fmt::format("{}: {}\n", name, printable(value, kShownText));
  };
  add("reason", alert.text);
  add("run", alert.run);
  add("key", alert.key);
  add("team", alert.team);
  add("first", format_rfc3339(alert.first));
  if (alert.count > 1) add("last", format_rfc3339(alert.last));
  if (!alert.run.empty()) text += fmt::format("\ntidemill run show {}\n", alert.run);
  return text;
}

// "Sun, 01 Mar 2026 02:00:00 +0000"
std::string mail_date(Time time) {
  static constexpr const char* kDays[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  int64_t const seconds = time.seconds();
  int64_t const days = seconds / 86'400;
  CivilDate const date = civil_from_days(days);
  int64_t const rest = seconds % 86'400;
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} +0000", kDays[days % 7], date.day,
                     kMonths[date.month - 1], date.year, rest / 3600, rest / 60 % 60, rest % 60);
}

// What people see in Slack: &, < and > begin markup there.
std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  }
  return out;
}

}  // namespace

std::string headline(const Alert& alert) {
  std::string text = fmt::format("Flow {} {}", printable(alert.flow, 100), words(alert.reason));
  if (alert.count > 1) text += fmt::format(" ({} times)", alert.count);
  return text;
}

Json webhook_body(const Alert& alert) {
  Json data = Json::object();
  data.set("flow", alert.flow)
      .set("team", alert.team)
      .set("reason", alert.reason)
      .set("count", alert.count)
      .set("run", alert.run)
      .set("key", alert.key)
      .set("text", alert.text)
      .set("first", format_rfc3339(alert.first))
      .set("last", format_rfc3339(alert.last));
  return Json::object()
      .set("type", "flow." + alert.reason)
      .set("timestamp", format_rfc3339(alert.last))
      .set("data", std::move(data));
}

Json slack_body(const Alert& alert) { return Json::object().set("text", escaped(lines(alert))); }

std::string mail_message(const Alert& alert, const std::string& from,
                         const std::vector<std::string>& to, Time now) {
  std::string message;
  message += fmt::format("From: {}\r\nTo: {}\r\n", from, join(to, ", "));
  message += fmt::format("Subject: =?UTF-8?B?{}?=\r\n", to_base64("[tidemill] " + headline(alert)));
  message += fmt::format("Date: {}\r\nMessage-ID: <{}@tidemill>\r\n", mail_date(now), alert.id);
  message +=
      "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: base64\r\nAuto-Submitted: auto-generated\r\n\r\n";
  std::string const text = lines(alert);
  for (size_t at = 0; at < text.size(); at += kBase64Line) {
    message += to_base64(std::string_view(text).substr(at, kBase64Line)) + "\r\n";
  }
  return message;
}

}  // namespace tidemill::notify
