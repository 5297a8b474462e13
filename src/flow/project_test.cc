#include "flow/project.h"

#include "flow/test_project.h"

namespace tidemill::flow {
namespace {

class LoadProject : public ::testing::Test {
 protected:
  std::string errors(const std::string& yaml) {
    source_.files["tidemill.yaml"] = yaml;
    auto const project = load_project(source_);
    return project ? "none" : text_of(project.error());
  }
  MemorySource source_;
};

TEST_F(LoadProject, HasDefaultsWithoutAFile) {
  auto const project = load_project(source_);
  ASSERT_TRUE(project);
  EXPECT_EQ(project->zone, "UTC");
  EXPECT_EQ(project->interpreter, "python3");
  EXPECT_EQ(project->history_keep, *parse_duration("400d"));
}

TEST_F(LoadProject, ReadsEveryKey) {
  source_.files["tidemill.yaml"] =
      "zone: Europe/Paris\nteam: risk\npython: {interpreter: .venv/bin/python, preload: [numpy]}\n"
      "connections: {app: {sqlite: data/app.db}}\n"
      "datasets: {decisions: {path: out/decisions.jsonl}, other: }\nallow_private: [127.0.0.1]\n"
      "history: {keep: 30d}\n";
  auto const project = load_project(source_);
  ASSERT_TRUE(project) << text_of(project.error());
  EXPECT_EQ(project->zone, "Europe/Paris");
  EXPECT_EQ(project->preload, std::vector<std::string>{"numpy"});
  EXPECT_EQ(project->connections.at("app").sqlite, "data/app.db");
  EXPECT_EQ(project->datasets.at("decisions").path, "out/decisions.jsonl");
  EXPECT_EQ(project->datasets.at("other").path, "");
  EXPECT_EQ(project->history_keep, *parse_duration("30d"));
  EXPECT_EQ(project->allow_private, std::vector<std::string>{"127.0.0.1"});
}

TEST_F(LoadProject, RefusesMistakes) {
  EXPECT_EQ(errors("[]"), "tidemill.yaml:1:1: the project: found a list, expected a map\n");
  EXPECT_EQ(
      errors("zone: Nowhere/X\nconections: {}\nconnections: {a: {}, b c: {sqlite: x}, d: {sqlite: "
             "/x}}\n"),
      "tidemill.yaml:1:7: 'zone' of the project: 'Nowhere/X' is not a zone; expected a "
      "name of the IANA database, such as UTC or Europe/Paris\n"
      "tidemill.yaml:2:1: unknown key 'conections' in the project; did you mean 'connections'? "
      "expected one of: zone, team, python, connections, datasets, secrets, teams, "
      "allow_private, history\n"
      "tidemill.yaml:3:15: connection 'a' has neither 'sqlite' nor 'postgres'\n"
      "tidemill.yaml:3:22: 'connections' of the project: found 'b c', expected a name\n"
      "tidemill.yaml:3:52: 'sqlite' of connection 'd': found '/x', expected a path within the "
      "project, relative to its folder, without '.' or '..' parts\n");
  EXPECT_EQ(errors("history: {keep: 1h}\n"),
            "tidemill.yaml:1:17: 'keep' of the project's history: found '1h', expected 1d to "
            "3660d\n");
  EXPECT_EQ(errors("a: [\n"),
            "tidemill.yaml:2:1: not valid YAML: end of sequence flow not found\n");
}

TEST_F(LoadProject, PostgresWithItsPasswordAsASecret) {
  source_.files["tidemill.yaml"] =
      "connections: {app: {postgres: \"host=db.example dbname=app\", password: {secret: app-pw}}}\n"
      "secrets: {vault: {address: \"https://vault.example/\", token_file: /run/token, path: "
      "\"risk/{name}\"}}\n";
  auto const project = load_project(source_);
  ASSERT_TRUE(project) << text_of(project.error());
  EXPECT_EQ(project->connections.at("app").postgres, "host=db.example dbname=app");
  EXPECT_EQ(project->connections.at("app").password_secret, "app-pw");
  EXPECT_EQ(project->secrets.vault_address, "https://vault.example");
  EXPECT_EQ(project->secrets.vault_path, "risk/{name}");
  EXPECT_EQ(
      errors("connections: {a: {postgres: \"host=x password=y\"}, b: {postgres: "
             "\"postgres://u:pw@h/d\"}, c: {sqlite: x, postgres: y}, d: {sqlite: x, password: "
             "{secret: y}}}\n"),
      "tidemill.yaml:1:29: 'postgres' of connection 'a': a password in the file; write it into a "
      "secret and say password: {secret: NAME}\n"
      "tidemill.yaml:1:65: 'postgres' of connection 'b': a password in the file; write it into a "
      "secret and say password: {secret: NAME}\n"
      "tidemill.yaml:1:89: connection 'c' has both 'sqlite' and 'postgres'\n"
      "tidemill.yaml:1:143: 'password' of connection 'd': only a PostgreSQL server has one\n");
  EXPECT_EQ(errors("secrets: {command: [pass, \"{name}\"], vault: {}}\n"),
            "tidemill.yaml:1:45: 'secrets' of the project has both 'command' and 'vault'; expected "
            "one of them\n"
            "tidemill.yaml:1:45: 'vault' of 'secrets' of the project has no 'address'\n"
            "tidemill.yaml:1:45: 'vault' of 'secrets' of the project has no 'token_file'\n");
}

}  // namespace
}  // namespace tidemill::flow
