#include "task/secrets.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"

namespace tidemill::task {
namespace {

constexpr Duration kPatience = Duration::seconds(10);

// Vault's KV version 2: {"data": {"data": {name: value}}}.
Result<std::string> value_of(const io::HttpOutcome& outcome, const std::string& address,
                             const std::string& field) {
  if (!outcome) {
    return fail(Code::kUnavailable, fmt::format("{}: {}", address, outcome.error().message));
  }
  if (outcome->status == 403) {
    return fail(Code::kDenied, fmt::format("{} refused the token; renew the token file", address));
  }
  if (outcome->status == 404) {
    return fail(Code::kNotFound, fmt::format("{} has no such path", address));
  }
  auto const body = parse_json(outcome->body);
  if (outcome->status != 200 || !body) {
    return fail(Code::kUnavailable, fmt::format("{} answered {}", address, outcome->status));
  }
  const Json* outer = body->find("data");
  const Json* inner = outer == nullptr ? nullptr : outer->find("data");
  const Json* value = inner == nullptr ? nullptr : inner->find(field);
  if (value == nullptr || !value->is_string()) {
    return fail(Code::kNotFound, fmt::format("{} has no text '{}' at this path", address, field));
  }
  return value->as_string();
}

}  // namespace

void Secrets::find(const std::string& name, Found found) {
  if (!is_name(name)) {
    found(fail(Code::kInvalid, fmt::format("'{}' is no name of a secret", printable(name, 60))));
    return;
  }
  for (const std::string& folder : parts_.folders) {
    auto const text = parts_.files.read(folder + "/" + name, kMaxBytes);
    if (text) {
      found(std::string(trim(*text)));
      return;
    }
  }
  bool const has_command = !parts_.sources.command.empty();
  bool const has_vault = !parts_.sources.vault_address.empty();
  if (!has_command && !has_vault) {
    found(fail(Code::kNotFound,
               fmt::format("there is no secret '{}'; write it into {}/{} with mode 0600", name,
                           parts_.folders.empty() ? "secrets" : parts_.folders[0], name)));
    return;
  }
  auto const known = known_.find(name);
  if (known != known_.end() && parts_.clock.elapsed() - known->second.since < kKept) {
    found(known->second.value);
    return;
  }
  auto& waiting = waiting_[name];
  waiting.push_back(std::move(found));
  if (waiting.size() > 1) return;
  if (has_command) {
    ask_command(name);
  } else {
    ask_vault(name);
  }
}

void Secrets::ask_command(const std::string& name) {
  io::Command command;
  for (const std::string& word : parts_.sources.command) {
    size_t const at = word.find("{name}");
    command.argv.push_back(at == std::string::npos ? word : std::string(word).replace(at, 6, name));
  }
  command.env = {{"PATH", parts_.path}, {"LANG", "C.UTF-8"}, {"HOME", parts_.project_folder}};
  command.folder = parts_.project_folder;
  command.timeout = kPatience;
  command.output_limit = kMaxBytes;
  auto const queued = parts_.executor.run(io::Lane::kDatabase, [this, name, command] {
    auto end = parts_.commands.run(command);
    Result<std::string> value = fail(Code::kUnavailable, "");
    if (!end) {
      value = fail(end.error());
    } else if (end->code != 0) {
      value = fail(Code::kUnavailable,
                   fmt::format("the secrets' command {} exited with {}: {}", command.argv[0],
                               end->code, printable(trim(end->error), 200)));
    } else if (trim(end->output).empty()) {
      value = fail(Code::kNotFound, fmt::format("the secrets' command {} printed nothing for '{}'",
                                                command.argv[0], name));
    } else {
      value = std::string(trim(end->output));
    }
    parts_.loop.post([this, name, value = std::move(value)] { answer(name, value); });
  });
  if (!queued) answer(name, fail(queued.error()));
}

void Secrets::ask_vault(const std::string& name) {
  const flow::SecretSources& vault = parts_.sources;
  auto const token = parts_.files.read(vault.vault_token_file, kMaxBytes);
  if (!token) {
    answer(name, fail(Error(token.error()).in("the token of Vault")));
    return;
  }
  std::string path = vault.vault_path;
  std::string field = name;
  if (size_t const at = path.find("{name}"); at != std::string::npos) {
    path.replace(at, 6, name);
    field = "value";
  }
  io::HttpRequest request;
  request.url = fmt::format("{}/v1/{}/data/{}", vault.vault_address, vault.vault_mount, path);
  request.headers = {{"X-Vault-Token", std::string(trim(*token))}, {"X-Vault-Request", "true"}};
  request.timeout = kPatience;
  if (vault.vault_private) request.private_addresses = io::HttpRequest::Private::kAllowed;
  parts_.http.send(std::move(request), [this, name, field](const io::HttpOutcome& outcome) {
    answer(name, value_of(outcome, parts_.sources.vault_address, field));
  });
}

void Secrets::answer(const std::string& name, Result<std::string> value) {
  if (value) {
    known_[name] = {*value, parts_.clock.elapsed()};
  } else {
    value = fail(value.error().in(fmt::format("secret '{}'", name)));
  }
  auto const found = waiting_.find(name);
  if (found == waiting_.end()) return;
  auto const waiting = std::move(found->second);
  waiting_.erase(found);
  for (const Found& one : waiting) one(value);
}

}  // namespace tidemill::task
