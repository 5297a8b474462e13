#include "engine/alerts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"

namespace tidemill::engine {
namespace {

constexpr Duration kFirstWait = Duration::seconds(10);
constexpr Duration kLongestWait = Duration::seconds(3600);

Duration wait_after(int tries) {
  Duration wait = kFirstWait;
  for (int i = 1; i < tries && wait < kLongestWait; ++i) wait = wait * 2;
  return std::min(wait, kLongestWait);
}

notify::Channel channel_of(const flow::Channel& channel, const std::vector<std::string>& allowed) {
  notify::Channel out;
  out.name = channel.name;
  out.to = channel.mail;
  out.url = channel.url;
  using Kind = flow::Channel::Kind;
  out.kind = channel.kind == Kind::kMail      ? notify::Channel::Kind::kMail
             : channel.kind == Kind::kWebhook ? notify::Channel::Kind::kWebhook
                                              : notify::Channel::Kind::kSlack;
  std::string_view host = channel.url;
  size_t const scheme = host.find("://");
  if (scheme != std::string_view::npos) host.remove_prefix(scheme + 3);
  host = host.substr(0, host.find_first_of(":/?#"));
  out.is_private = std::find(allowed.begin(), allowed.end(), host) != allowed.end();
  return out;
}

}  // namespace

std::string Alerts::window_key(const std::string& flow, std::string_view reason,
                               const std::string& channel) {
  return fmt::format("{}/{}/{}", flow, reason, channel);
}

run::AlertRow Alerts::stored(const Row& row) {
  const notify::Alert& alert = row.alert;
  Json body = Json::object();
  body.set("channel", row.channel)
      .set("tries", row.tries)
      .set("flow", alert.flow)
      .set("team", alert.team)
      .set("reason", alert.reason)
      .set("run", alert.run)
      .set("key", alert.key)
      .set("text", alert.text)
      .set("count", alert.count)
      .set("first", alert.first.us)
      .set("last", alert.last.us);
  return {alert.id, row.due, std::move(body)};
}

void Alerts::restore(const std::vector<run::AlertRow>& rows) {
  for (const run::AlertRow& stored_row : rows) {
    const Json& body = stored_row.body;
    Row row;
    row.due = stored_row.due;
    row.channel = body.text_or("channel", "");
    row.tries = static_cast<int>(body.int_or("tries", 0));
    notify::Alert& alert = row.alert;
    alert.id = stored_row.id;
    alert.flow = body.text_or("flow", "");
    alert.team = body.text_or("team", "");
    alert.reason = body.text_or("reason", "");
    alert.run = body.text_or("run", "");
    alert.key = body.text_or("key", "");
    alert.text = body.text_or("text", "");
    alert.count = body.int_or("count", 1);
    alert.first = Time{body.int_or("first", 0)};
    alert.last = Time{body.int_or("last", 0)};
    windows_[window_key(alert.flow, alert.reason, row.channel)] = alert.first;
    rows_[alert.id] = std::move(row);
    arm(stored_row.id);
  }
}

void Alerts::begin() {
  proposed_rows_.clear();
  proposed_windows_.clear();
}

std::string Alerts::new_id() {
  uint64_t const a = parts_.random.next();
  uint64_t const b = parts_.random.next();
  return "msg_" + to_hex({reinterpret_cast<const char*>(&a), sizeof a}) +
         to_hex({reinterpret_cast<const char*>(&b), sizeof b});
}

void Alerts::noticed(const Notice& notice, const flow::Flow& flow, run::Changes& changes) {
  std::string_view const reason = word(notice.reason);
  std::vector<std::string> told;
  for (const flow::AlertRule& rule : flow.alerts) {
    if (std::find(rule.on.begin(), rule.on.end(), reason) == rule.on.end()) continue;
    for (const std::string& channel : rule.to) {
      if (std::find(told.begin(), told.end(), channel) != told.end()) continue;
      told.push_back(channel);
      add(notice, flow, channel, changes);
    }
  }
}

// The row that gathers what comes within the window, if it has not gone out.
Alerts::Row* Alerts::open_row(const std::string& flow, std::string_view reason,
                              const std::string& channel) {
  for (Rows* rows : {&proposed_rows_, &rows_}) {
    for (auto& [id, row] : *rows) {
      bool const is_same =
          row.channel == channel && row.alert.flow == flow && row.alert.reason == reason;
      if (!is_same || row.is_sending) continue;
      return &(proposed_rows_[id] = row);
    }
  }
  return nullptr;
}

void Alerts::add(const Notice& notice, const flow::Flow& flow, const std::string& channel,
                 run::Changes& changes) {
  std::string_view const reason = word(notice.reason);
  std::string const key = window_key(flow.name.value, reason, channel);
  std::optional<Time> opened;
  for (const Windows* windows : {&windows_, &proposed_windows_}) {
    if (auto const found = windows->find(key); found != windows->end()) opened = found->second;
  }
  bool const is_open = opened && notice.at - *opened < kWindow && notice.at >= *opened;
  Row* row = open_row(flow.name.value, reason, channel);
  if (row == nullptr) {
    Row made;
    made.channel = channel;
    made.alert.id = new_id();
    made.alert.flow = flow.name.value;
    made.alert.team = flow.team;
    made.alert.reason = std::string(reason);
    made.alert.count = 0;
    made.alert.first = notice.at;
    made.due = is_open ? *opened + kWindow : notice.at;
    row = &(proposed_rows_[made.alert.id] = made);
    if (!is_open) proposed_windows_[key] = notice.at;
  }
  ++row->alert.count;
  row->alert.last = notice.at;
  row->alert.run = notice.run;
  row->alert.key = notice.key;
  row->alert.text = notice.text;
  changes.alerts.push_back(stored(*row));
}

void Alerts::durable() {
  Rows const proposed = std::exchange(proposed_rows_, {});
  for (const auto& [key, opened] : std::exchange(proposed_windows_, {})) windows_[key] = opened;
  for (const auto& [id, row] : proposed) {
    auto const known = rows_.find(id);
    if (known == rows_.end()) {
      rows_[id] = row;
      arm(id);
    } else {
      known->second.alert = row.alert;
    }
  }
  // Windows that are over are forgotten, so that the map does not grow.
  std::erase_if(windows_, [&](const auto& entry) {
    return parts_.clock.wall() - entry.second > kWindow * 2;
  });
}

void Alerts::arm(const std::string& id) {
  parts_.loop.at(rows_[id].due, [this, id] { deliver(id); });
}

void Alerts::deliver(const std::string& id) {
  auto const found = rows_.find(id);
  if (found == rows_.end() || found->second.is_sending) return;
  Row& row = found->second;
  if (parts_.clock.wall() < row.due) return arm(id);
  auto const channel = parts_.project.channels.find(row.channel);
  if (channel == parts_.project.channels.end()) {
    parts_.log.error("an alert of flow {} is dropped: tidemill.yaml has no channel '{}' any more",
                     row.alert.flow, row.channel);
    remove(id);
    return;
  }
  row.is_sending = true;
  notify::MailSettings mail;
  mail.relay.url = parts_.project.mail.relay;
  mail.relay.user = parts_.project.mail.user;
  mail.from = parts_.project.mail.from;
  notify::Channel const out = channel_of(channel->second, parts_.project.allow_private);
  bool const is_mail = channel->second.kind == flow::Channel::Kind::kMail;
  std::string const secret = is_mail ? parts_.project.mail.password_secret : channel->second.secret;
  if (secret.empty()) return send(id, out, mail);
  parts_.secrets->find(secret, [this, id, out, mail, is_mail](const Result<std::string>& value) {
    if (!value) {
      // A secret may come back: tried again like a channel that is away.
      sent(id, 0, fail(Code::kUnavailable, value.error().text()));
      return;
    }
    notify::Channel with = out;
    notify::MailSettings settings = mail;
    if (is_mail) {
      settings.relay.password = *value;
    } else if (with.kind == notify::Channel::Kind::kSlack) {
      with.url = *value;  // whoever knows the address may write to the room
    } else {
      with.secret = *value;
    }
    send(id, with, settings);
  });
}

void Alerts::send(const std::string& id, notify::Channel channel, notify::MailSettings mail) {
  auto const found = rows_.find(id);
  if (found == rows_.end()) return;
  int64_t const count = found->second.alert.count;
  parts_.sender.send(channel, mail, found->second.alert,
                     [this, id, count](const Status& status) { sent(id, count, status); });
}

void Alerts::sent(const std::string& id, int64_t count, const Status& status) {
  auto const found = rows_.find(id);
  if (found == rows_.end()) return;
  Row& row = found->second;
  row.is_sending = false;
  Time const now = parts_.clock.wall();
  if (status && row.alert.count > count) {
    // More came while it was under way: the rest goes out later.
    row.alert.count -= count;
    row.due = now + kWindow;
    keep(row);
    arm(id);
    return;
  }
  if (status) {
    remove(id);
    return;
  }
  ++row.tries;
  bool const is_hopeless = status.error().code == Code::kInvalid || now - row.alert.first > kGiveUp;
  parts_.log.warn("an alert of flow {} was not taken by channel {}: {}{}", row.alert.flow,
                  row.channel, status.error().text(),
                  is_hopeless ? "; it is given up" : "; it is tried again");
  if (is_hopeless) {
    remove(id);
    return;
  }
  row.due = now + wait_after(row.tries);
  keep(row);
  arm(id);
}

void Alerts::remove(const std::string& id) {
  rows_.erase(id);
  run::Changes changes;
  changes.removed_alerts.push_back(id);
  // If this cannot be written, the alert goes out once more after the next start, with its id.
  parts_.write(std::move(changes), [](const Status&) {});
}

void Alerts::keep(const Row& row) {
  run::Changes changes;
  changes.alerts.push_back(stored(row));
  parts_.write(std::move(changes), [](const Status&) {});
}

}  // namespace tidemill::engine
