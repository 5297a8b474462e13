// The settings of shell, http, publish and flow tasks; the others stand in files of their own.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "flow/settings.h"
#include "flow/words.h"

namespace tidemill::flow {
namespace {

// The order of Settings is the order of Kind: a task's settings tell whether they were read.
static_assert(std::variant_size_v<Settings> == 11);

void read_shell(const SettingsPlace& at) {
  auto const command = at.loading.reader.text(at.node, at.what);
  if (!command) return;
  if (command->find('\0') != std::string::npos) {
    at.loading.problems.add(at.node.mark, fmt::format("{}: a zero byte in the command", at.what));
    return;
  }
  size_t const open = command->find("{{");
  if (open != std::string::npos) {
    size_t const close = command->find("}}", open);
    std::string const expression =
        close == std::string::npos ? "..."
                                   : std::string(trim(command->substr(open + 2, close - open - 2)));
    at.loading.problems.add(
        at.loading.text.place(at.node, open),
        fmt::format("{}: an expression in a shell command is refused, because its value would be "
                    "read as shell code; put it into env or args: env: {{VALUE: \"{{{{ {} }}}}\"}} "
                    "and \"$VALUE\" in the command",
                    at.what, printable(expression, 80)));
    return;
  }
  at.task.settings = ShellSettings{*command};
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
  });
}

// A line break within a header would begin another one; some headers are the client's own.
void check_headers(const SettingsPlace& at, const YamlNode& node, const HttpSettings& http) {
  constexpr std::string_view kReserved[] = {"host",       "content-length", "transfer-encoding",
                                            "connection", "upgrade",        "te"};
  for (const auto& [name, value] : http.headers) {
    std::string const lower = to_lower_ascii(name);
    if (std::find(std::begin(kReserved), std::end(kReserved), lower) != std::end(kReserved)) {
      at.loading.problems.add(node.mark, fmt::format("{}: the header '{}' is set by the client; "
                                                     "leave it out",
                                                     at.what, name));
    }
    std::vector<std::string> const literals = value.literals();
    if (std::any_of(literals.begin(), literals.end(), has_control)) {
      at.loading.problems.add(node.mark, fmt::format("{}: the header '{}' has a line break or "
                                                     "another control character in its value",
                                                     at.what, name));
    }
  }
}

// The host must be written out: an expression there could name any machine.
bool check_url(const SettingsPlace& at, const YamlNode& node, const Rendered& url,
               const std::string& what) {
  std::string const first = url.literals()[0];
  std::string_view rest = first;
  bool const is_http = rest.starts_with("http://") || rest.starts_with("https://");
  if (!is_http) {
    at.loading.reader.report(node, what, "a URL that begins with http:// or https://");
    return false;
  }
  rest.remove_prefix(rest.find("//") + 2);
  size_t const end = rest.find_first_of("/?#");
  std::string_view const host = rest.substr(0, end);
  if (!url.is_constant() && end == std::string_view::npos) {
    at.loading.problems.add(node.mark, fmt::format("{}: an expression in the host; write the host "
                                                   "out, with expressions only after it",
                                                   what));
    return false;
  }
  bool const is_good = !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return c > 0x20 && c != '@' && c != '\\' && c < 0x7F;
  });
  std::vector<std::string> const literals = url.literals();
  bool const has_blank = std::any_of(literals.begin(), literals.end(), [](const auto& literal) {
    return has_control(literal) || literal.find_first_of(" \t") != std::string::npos;
  });
  if (is_good && has_blank) {
    at.loading.reader.report(node, what, "a URL without blanks; write %20 for one");
    return false;
  }
  if (is_good) return true;
  at.loading.problems.add(
      node.mark, fmt::format("{}: found the host '{}', expected a name or an address, with "
                             "a port if it is another, without user and password",
                             what, printable(host, 60)));
  return false;
}

void read_idempotency(const SettingsPlace& at, const YamlNode& node, const std::string& what,
                      HttpSettings& http) {
  auto const text = at.loading.reader.text(node, what);
  if (!text || *text == "none") return;
  std::string_view const header =
      text->starts_with("key:") ? std::string_view(*text).substr(4) : std::string_view();
  if (is_header_name(header)) {
    http.idempotency_header = std::string(header);
  } else {
    at.loading.reader.report(node, what, "none or key:<header>, such as key:Idempotency-Key");
  }
}

void read_http_map(const SettingsPlace& at, HttpSettings& http) {
  constexpr std::string_view kMethods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
  constexpr auto kMethodWords = std::to_array<Word<std::string_view>>({{kMethods[0], kMethods[0]},
                                                                       {kMethods[1], kMethods[1]},
                                                                       {kMethods[2], kMethods[2]},
                                                                       {kMethods[3], kMethods[3]},
                                                                       {kMethods[4], kMethods[4]},
                                                                       {kMethods[5], kMethods[5]}});
  Reader& reader = at.loading.reader;
  Fields const fields(reader, at.node, kInHttp, at.what);
  if (const YamlNode* node = fields.get("method")) {
    auto const method = reader.word<std::string_view>(*node, fields.what("method"), kMethodWords);
    if (method) http.method = std::string(*method);
  }
  bool const is_reading = http.method == "GET" || http.method == "HEAD";
  http.effect = is_reading ? HttpSettings::Effect::kRead : HttpSettings::Effect::kWrite;
  if (const YamlNode* node = fields.get("effect")) {
    auto const effect = reader.word(*node, fields.what("effect"), effect_words());
    if (effect) http.effect = *effect;
  }
  Values values(at.loading, at.readable);
  if (const YamlNode* node = fields.get("url")) {
    auto url = values.text(*node, fields.what("url"));
    if (url && check_url(at, *node, *url, fields.what("url"))) http.url = std::move(*url);
  } else if (!fields.has("url")) {
    at.loading.problems.add(at.node.mark, fmt::format("{} has no 'url'", at.what));
  }
  if (const YamlNode* node = fields.get("headers")) {
    http.headers = values.text_map(*node, fields.what("headers"), Values::Naming::kHeader);
    check_headers(at, *node, http);
  }
  if (const YamlNode* node = fields.get("body")) {
    http.body = values.typed(*node, fields.what("body"));
    if (is_reading) {
      at.loading.problems.add(node->mark,
                              fmt::format("{}: a {} request has no body; choose another "
                                          "method",
                                          fields.what("body"), http.method));
    }
  }
  if (const YamlNode* node = fields.get("idempotency")) {
    read_idempotency(at, *node, fields.what("idempotency"), http);
  }
  if (const YamlNode* node = fields.get("private")) {
    http.private_addresses = reader.boolean(*node, fields.what("private")).value_or(false);
  }
}

void read_publish(const SettingsPlace& at) {
  if (!at.loading.reader.is_map(at.node, at.what)) return;
  Fields const fields(at.loading.reader, at.node, kInPublish, at.what);
  if (const YamlNode* node = fields.get("dataset")) {
    auto const name = at.loading.reader.name(*node, fields.what("dataset"));
    if (name) at.task.settings = PublishSettings{*name};
  } else if (!fields.has("dataset")) {
    at.loading.problems.add(at.node.mark, fmt::format("{} has no 'dataset'", at.what));
  }
}

void read_flow_task(const SettingsPlace& at) {
  auto const name = at.loading.reader.name(at.node, at.what);
  if (!name) return;
  if (*name == at.loading.flow.name.value) {
    at.loading.problems.add(at.node.mark, fmt::format("{}: the flow runs itself and would not end; "
                                                      "name another flow",
                                                      at.what));
    return;
  }
  at.task.settings = FlowSettings{FlowName(*name)};
}

}  // namespace

HttpSettings read_http_settings(const SettingsPlace& at) {
  HttpSettings http;
  if (at.node.is_map()) {
    read_http_map(at, http);
  } else {
    auto url = Values(at.loading, at.readable).text(at.node, at.what);
    if (url && check_url(at, at.node, *url, at.what)) http.url = std::move(*url);
  }
  return http;
}

void read_settings(Loading& loading, Task& task, const YamlNode& node, const Readable& readable,
                   const YamlNode& map) {
  SettingsPlace const at{
      loading,  task, node,
      readable, map,  fmt::format("'{}' of task '{}'", word(task.kind), printable(task.name, 60))};
  switch (task.kind) {
    case Kind::kShell:
      return read_shell(at);
    case Kind::kPython:
      return read_python(at);
    case Kind::kHttp:
      at.task.settings = read_http_settings(at);
      return;
    case Kind::kVendor:
      return read_vendor(at);
    case Kind::kSql:
      return read_sql(at);
    case Kind::kCalc:
      return read_calc(at);
    case Kind::kModel:
      return read_model(at);
    case Kind::kPublish:
      return read_publish(at);
    case Kind::kFlow:
      return read_flow_task(at);
    case Kind::kWait:
      return read_wait(at);
    case Kind::kApprove:
      return read_approve(at);
  }
}

}  // namespace tidemill::flow
