#include "flow/project.h"

#include <fmt/format.h>

#include "base/text.h"
#include "clock/zone.h"
#include "flow/load.h"
#include "flow/loading.h"

namespace tidemill::flow {
namespace {

constexpr const char* kPath = "tidemill.yaml";

class ProjectReader {
 public:
  explicit ProjectReader(Problems& problems) : problems_(problems), reader_(problems) {}

  Project read(const YamlNode& root) {
    if (!root.is_map()) {
      if (!root.is_null()) reader_.report(root, "the project", "a map");
      return std::move(project_);
    }
    Fields const fields(reader_, root, kInProject, "the project");
    if (const YamlNode* node = fields.get("zone")) read_zone(*node, fields.what("zone"));
    if (const YamlNode* node = fields.get("team")) {
      project_.team = reader_.name(*node, fields.what("team")).value_or("");
    }
    if (const YamlNode* node = fields.get("python")) read_python(*node);
    if (const YamlNode* node = fields.get("connections")) {
      each(*node, fields.what("connections"), [&](const auto& entry) { read_connection(entry); });
    }
    if (const YamlNode* node = fields.get("datasets")) {
      each(*node, fields.what("datasets"), [&](const auto& entry) { read_dataset(entry); });
    }
    if (const YamlNode* node = fields.get("secrets")) read_secrets(*node);
    if (const YamlNode* node = fields.get("teams")) {
      each(*node, fields.what("teams"), [&](const auto& entry) { read_team(entry); });
    }
    if (const YamlNode* node = fields.get("allow_private")) {
      project_.allow_private = texts(*node, fields.what("allow_private"));
    }
    if (const YamlNode* node = fields.get("history")) read_history(*node);
    return std::move(project_);
  }

 private:
  template <class Read>
  void each(const YamlNode& node, const std::string& what, Read&& read) {
    if (!reader_.is_map(node, what)) return;
    if (node.entries.size() > kMaxEntries) {
      problems_.add(node.mark, fmt::format("{}: {} entries; at most {} are accepted", what,
                                           node.entries.size(), kMaxEntries));
      return;
    }
    for (const YamlNode::Entry& entry : node.entries) {
      if (is_name(entry.key)) {
        read(entry);
      } else {
        problems_.add(entry.key_mark, fmt::format("{}: found '{}', expected a name", what,
                                                  printable(entry.key, 60)));
      }
    }
  }

  std::vector<std::string> texts(const YamlNode& node, const std::string& what) {
    std::vector<std::string> all;
    for (const YamlNode* item : reader_.one_or_many(node)) {
      if (auto text = reader_.text(*item, what)) all.push_back(std::move(*text));
    }
    return all;
  }

  void read_zone(const YamlNode& node, const std::string& what) {
    auto zone = reader_.text(node, what);
    if (!zone) return;
    auto const loaded = clock::Zone::load(*zone);
    if (!loaded) problems_.add(node.mark, fmt::format("{}: {}", what, loaded.error().message));
    project_.zone = std::move(*zone);
  }

  void read_python(const YamlNode& node) {
    if (!reader_.is_map(node, "'python' of the project")) return;
    Fields const fields(reader_, node, kInPython, "the project's python");
    if (const YamlNode* interpreter = fields.get("interpreter")) {
      auto text = reader_.text(*interpreter, fields.what("interpreter"));
      if (text) project_.interpreter = std::move(*text);
    }
    if (const YamlNode* preload = fields.get("preload")) {
      project_.preload = texts(*preload, fields.what("preload"));
    }
  }

  void read_history(const YamlNode& node) {
    if (!reader_.is_map(node, "'history' of the project")) return;
    Fields const fields(reader_, node, kInHistory, "the project's history");
    const YamlNode* keep = fields.get("keep");
    if (keep == nullptr) return;
    Duration const day = Duration::seconds(86'400);
    auto const duration = reader_.duration(*keep, fields.what("keep"), {day, day * 3660});
    if (duration) project_.history_keep = *duration;
  }

  void read_connection(const YamlNode::Entry& entry) {
    std::string const owner = fmt::format("connection '{}'", entry.key);
    if (!reader_.is_map(entry.value, owner)) return;
    Fields const fields(reader_, entry.value, kInConnection, owner);
    Connection connection{.name = entry.key};
    const YamlNode* sqlite = fields.get("sqlite");
    const YamlNode* postgres = fields.get("postgres");
    if ((sqlite != nullptr) == (postgres != nullptr)) {
      if (!fields.has("sqlite") && !fields.has("postgres")) {
        problems_.add(entry.key_mark, owner + " has neither 'sqlite' nor 'postgres'");
      } else if (sqlite != nullptr) {
        problems_.add(entry.key_mark, owner + " has both 'sqlite' and 'postgres'");
      }
      return;
    }
    if (sqlite != nullptr) {
      auto path = reader_.path(*sqlite, fields.what("sqlite"));
      if (!path) return;
      connection.sqlite = std::move(*path);
    } else {
      read_postgres(fields, *postgres, connection);
    }
    if (const YamlNode* password = fields.get("password")) {
      read_password(*password, fields.what("password"), connection);
    }
    project_.connections[entry.key] = std::move(connection);
  }

  void read_postgres(const Fields& fields, const YamlNode& node, Connection& connection) {
    auto text = reader_.text(node, fields.what("postgres"));
    if (!text) return;
    // Of a URL the part between the scheme and the @ is user:password.
    size_t const begin = text->find("://");
    size_t const at = text->find('@');
    bool const has_user = begin != std::string::npos && at != std::string::npos;
    bool const has_password = text->find("password") != std::string::npos ||
                              (has_user && text->find(':', begin + 3) < at);
    if (has_password) {
      problems_.add(node.mark, fmt::format("{}: a password in the file; write it into a secret and "
                                           "say password: {{secret: NAME}}",
                                           fields.what("postgres")));
      return;
    }
    connection.postgres = std::move(*text);
  }

  void read_password(const YamlNode& node, const std::string& what, Connection& connection) {
    if (!reader_.is_map(node, what)) return;
    if (connection.postgres.empty()) {
      problems_.add(node.mark, what + ": only a PostgreSQL server has one");
      return;
    }
    Fields const fields(reader_, node, kInSecret, what);
    if (const YamlNode* secret = fields.get("secret")) {
      connection.password_secret = reader_.name(*secret, fields.what("secret")).value_or("");
    } else if (!fields.has("secret")) {
      problems_.add(node.mark, what + " has no 'secret'");
    }
  }

  void read_secrets(const YamlNode& node) {
    std::string const owner = "'secrets' of the project";
    if (!reader_.is_map(node, owner)) return;
    Fields const fields(reader_, node, kInSecrets, owner);
    if (const YamlNode* command = fields.get("command")) {
      project_.secrets.command = texts(*command, fields.what("command"));
    }
    const YamlNode* vault = fields.get("vault");
    if (vault == nullptr || !reader_.is_map(*vault, fields.what("vault"))) return;
    if (!project_.secrets.command.empty()) {
      problems_.add(vault->mark, owner + " has both 'command' and 'vault'; expected one of them");
    }
    read_vault(*vault, fields.what("vault"));
  }

  void read_vault(const YamlNode& node, const std::string& owner) {
    SecretSources& vault = project_.secrets;
    Fields const fields(reader_, node, kInVault, owner);
    auto take = [&](std::string_view name, std::string& into, bool is_required) {
      const YamlNode* text = fields.get(name);
      if (text != nullptr) {
        into = reader_.text(*text, fields.what(name)).value_or("");
      } else if (is_required && !fields.has(name)) {
        problems_.add(node.mark, fmt::format("{} has no '{}'", owner, name));
      }
    };
    take("address", vault.vault_address, true);
    take("mount", vault.vault_mount, false);
    take("path", vault.vault_path, false);
    take("token_file", vault.vault_token_file, true);
    if (const YamlNode* value = fields.get("private")) {
      vault.vault_private = reader_.boolean(*value, fields.what("private")).value_or(false);
    }
    bool const is_http =
        vault.vault_address.starts_with("https://") || vault.vault_address.starts_with("http://");
    if (!vault.vault_address.empty() && !is_http) {
      reader_.report(*fields.get("address"), fields.what("address"), "a URL with https://");
    }
    while (vault.vault_address.ends_with('/')) vault.vault_address.pop_back();
  }

  void read_team(const YamlNode::Entry& entry) {
    std::string const owner = fmt::format("team '{}'", entry.key);
    if (!reader_.is_map(entry.value, owner)) return;
    Fields const fields(reader_, entry.value, kInTeam, owner);
    Team& team = project_.teams[entry.key];
    team.name = entry.key;
    if (const YamlNode* node = fields.get("members")) {
      team.members = texts(*node, fields.what("members"));
    } else if (!fields.has("members")) {
      problems_.add(entry.key_mark, owner + " has no 'members'");
    }
  }

  void read_dataset(const YamlNode::Entry& entry) {
    std::string const owner = fmt::format("dataset '{}'", entry.key);
    Dataset& dataset = project_.datasets[entry.key];
    dataset.name = entry.key;
    if (entry.value.is_null() || !reader_.is_map(entry.value, owner)) return;
    Fields const fields(reader_, entry.value, kInDataset, owner);
    const YamlNode* node = fields.get("path");
    if (node == nullptr) return;
    auto path = reader_.path(*node, fields.what("path"));
    if (path) dataset.path = std::move(*path);
  }

  Problems& problems_;
  Reader reader_;
  Project project_;
};

}  // namespace

tl::expected<Project, std::vector<FileError>> load_project(const Source& source) {
  auto const content = source.read(kPath, kMaxFileBytes);
  if (!content) {
    if (content.error().code == Code::kNotFound) return Project{};
    return tl::unexpected(std::vector<FileError>{{kPath, {}, content.error().text()}});
  }
  auto const root = parse_yaml(*content);
  if (!root) {
    return tl::unexpected(std::vector<FileError>{{kPath, root.error().mark, root.error().message}});
  }
  Problems problems(kPath);
  Project project = ProjectReader(problems).read(*root);
  if (!problems.empty()) return tl::unexpected(problems.take());
  return project;
}

}  // namespace tidemill::flow
