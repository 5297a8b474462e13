#include "flow/read_alerts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace tidemill::flow {
namespace {

constexpr std::string_view kReasons[] = {"failed", "late", "too_long", "did_not_run", "recovered"};
constexpr size_t kMaxRules = 100;

bool is_address(std::string_view text) {
  size_t const at = text.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return c > 0x20 && c < 0x7F && c != '<' && c != '>' && c != ',' && c != ';' && c != '"';
         });
}

std::vector<std::string> reasons(Reader& reader, const YamlNode& node, const std::string& what) {
  std::vector<Word<std::string_view>> words;
  for (std::string_view reason : kReasons) words.push_back({reason, reason});
  std::vector<std::string> list;
  for (const YamlNode* item : reader.one_or_many(node)) {
    auto const word = reader.word<std::string_view>(*item, what, words);
    if (word) list.emplace_back(*word);
  }
  return list;
}

std::vector<std::string> targets(Reader& reader, const YamlNode& node, const std::string& what,
                                 const std::map<std::string, Channel>& channels) {
  std::vector<std::string> known;
  for (const auto& [name, channel] : channels) known.push_back(name);
  std::vector<std::string> list;
  for (const YamlNode* item : reader.one_or_many(node)) {
    auto const name = reader.text(*item, what);
    if (!name) continue;
    if (channels.contains(*name)) {
      list.push_back(*name);
      continue;
    }
    std::string const near = reader.problems().did_you_mean(*name, known);
    reader.problems().add(item->mark,
                          fmt::format("{}: tidemill.yaml has no channel '{}'{} {}", what,
                                      printable(*name, 60), near.empty() ? ";" : near,
                                      known.empty() ? "add channels: {NAME: {mail: [...]}} to it"
                                                    : "it has: " + some_of(known)));
  }
  return list;
}

std::string url_of(Reader& reader, const YamlNode& node, const std::string& what) {
  auto const text = reader.text(node, what);
  if (!text) return "";
  if (text->starts_with("https://") || text->starts_with("http://")) return *text;
  reader.report(node, what, "a URL that begins with https://");
  return "";
}

void read_channel(Reader& reader, const YamlNode::Entry& entry, const MailWay& mail,
                  Channel& channel) {
  std::string const owner = fmt::format("channel '{}'", printable(entry.key, 60));
  if (!reader.is_map(entry.value, owner)) return;
  Fields const fields(reader, entry.value, kInChannel, owner);
  const YamlNode* to = fields.get("mail");
  const YamlNode* webhook = fields.get("webhook");
  const YamlNode* slack = fields.get("slack");
  if ((to != nullptr) + (webhook != nullptr) + (slack != nullptr) != 1) {
    reader.problems().add(entry.key_mark,
                          owner + " must have exactly one of 'mail', 'webhook' and 'slack'");
    return;
  }
  if (const YamlNode* secret = fields.get("secret")) {
    channel.secret = reader.name(*secret, fields.what("secret")).value_or("");
  }
  if (to != nullptr) {
    channel.kind = Channel::Kind::kMail;
    for (const YamlNode* item : reader.one_or_many(*to)) {
      auto const address = reader.text(*item, fields.what("mail"));
      if (address && is_address(*address)) {
        channel.mail.push_back(*address);
      } else if (address) {
        reader.report(*item, fields.what("mail"), "an address such as desk@example.com");
      }
    }
    if (mail.relay.empty()) {
      reader.problems().add(to->mark, owner +
                                          ": tidemill.yaml has no 'mail' that says how mail "
                                          "leaves; add mail: {relay: smtp://..., from: ...}");
    }
  } else if (webhook != nullptr) {
    channel.kind = Channel::Kind::kWebhook;
    channel.url = url_of(reader, *webhook, fields.what("webhook"));
  } else {
    channel.kind = Channel::Kind::kSlack;
    if (slack->is_scalar() && slack->scalar == "secret") {
      if (channel.secret.empty()) {
        reader.problems().add(slack->mark, owner + ": 'secret' names no secret with the address");
      }
    } else {
      channel.url = url_of(reader, *slack, fields.what("slack"));
    }
  }
}

}  // namespace

MailWay read_mail(Reader& reader, const YamlNode& node) {
  MailWay mail;
  std::string const owner = "'mail' of the project";
  if (!reader.is_map(node, owner)) return mail;
  Fields const fields(reader, node, kInMail, owner);
  if (const YamlNode* relay = fields.get("relay")) {
    auto const text = reader.text(*relay, fields.what("relay"));
    if (text && (text->starts_with("smtp://") || text->starts_with("smtps://"))) {
      mail.relay = *text;
    } else if (text) {
      reader.report(*relay, fields.what("relay"), "smtp://HOST:PORT or smtps://HOST:PORT");
    }
  } else if (!fields.has("relay")) {
    reader.problems().add(node.mark, owner + " has no 'relay'");
  }
  if (const YamlNode* from = fields.get("from")) {
    auto const text = reader.text(*from, fields.what("from"));
    if (text && is_address(*text)) {
      mail.from = *text;
    } else if (text) {
      reader.report(*from, fields.what("from"), "an address such as tidemill@example.com");
    }
  } else if (!fields.has("from")) {
    reader.problems().add(node.mark, owner + " has no 'from'");
  }
  if (const YamlNode* user = fields.get("user")) {
    mail.user = reader.text(*user, fields.what("user")).value_or("");
  }
  if (const YamlNode* password = fields.get("password");
      password != nullptr && reader.is_map(*password, fields.what("password"))) {
    Fields const inner(reader, *password, kInSecret, fields.what("password"));
    if (const YamlNode* secret = inner.get("secret")) {
      mail.password_secret = reader.name(*secret, inner.what("secret")).value_or("");
    }
  }
  return mail;
}

std::map<std::string, Channel> read_channels(Reader& reader, const YamlNode& node,
                                             const MailWay& mail) {
  std::map<std::string, Channel> channels;
  if (!reader.is_map(node, "'channels' of the project")) return channels;
  for (const YamlNode::Entry& entry : node.entries) {
    if (!is_name(entry.key)) {
      reader.problems().add(entry.key_mark,
                            fmt::format("'channels' of the project: found '{}', expected a name",
                                        printable(entry.key, 60)));
      continue;
    }
    Channel& channel = channels[entry.key];
    channel.name = entry.key;
    read_channel(reader, entry, mail, channel);
  }
  return channels;
}

std::vector<AlertRule> read_alert_rules(Reader& reader, const YamlNode& node,
                                        const std::string& owner, Places place,
                                        const std::map<std::string, Channel>& channels) {
  std::vector<AlertRule> rules;
  for (const YamlNode* item : reader.one_or_many(node)) {
    if (rules.size() == kMaxRules) {
      reader.problems().add(item->mark,
                            fmt::format("{}: at most {} rules are accepted", owner, kMaxRules));
      break;
    }
    if (!reader.is_map(*item, owner)) continue;
    Fields const fields(reader, *item, place, owner);
    AlertRule rule;
    if (const YamlNode* on = fields.get("on")) {
      rule.on = reasons(reader, *on, fields.what("on"));
    } else if (!fields.has("on")) {
      rule.on = {"failed", "recovered"};
    }
    if (const YamlNode* to = fields.get("to")) {
      rule.to = targets(reader, *to, fields.what("to"), channels);
    } else if (!fields.has("to")) {
      reader.problems().add(item->mark, owner + " does not say 'to' whom");
    }
    if (place == kInProjectAlert) {
      if (const YamlNode* team = fields.get("team")) {
        rule.team = reader.name(*team, fields.what("team")).value_or("");
      }
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace tidemill::flow
