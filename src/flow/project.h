// tidemill.yaml: what all flows of a project share.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "base/yaml.h"

namespace tidemill::flow {

class Source;
struct FileError;

struct Connection {
  std::string name;
  std::string sqlite = {};           // path of the database file, within the project
  std::string postgres = {};         // or the settings of a server, as libpq reads them
  std::string password_secret = {};  // the secret that holds its password
};

// Where secrets come from that are in no file.
struct SecretSources {
  std::vector<std::string> command;  // {name} in it stands for the secret's name
  std::string vault_address;         // "" : none
  std::string vault_mount = "secret";
  std::string vault_path = "tidemill";  // {name} in it stands for the secret's name
  std::string vault_token_file;
  bool vault_private = false;  // its address may be private
};

struct Dataset {
  std::string name;
  std::string path;  // of the JSON lines file, within the project; "" : in the data directory
};

struct Team {
  std::string name;
  std::vector<std::string> members;  // names of tokens
};

struct Project {
  std::string zone = "UTC";
  std::string team = "default";
  std::string interpreter = "python3";
  std::vector<std::string> preload;
  std::map<std::string, Connection> connections;
  std::map<std::string, Dataset> datasets;
  std::map<std::string, Team> teams;
  SecretSources secrets;
  // Hosts and addresses that http tasks and vendors may reach although they are private.
  std::vector<std::string> allow_private;
  Duration history_keep = Duration::seconds(400 * 86'400);  // of finished runs and task logs
};

// A project without tidemill.yaml has the defaults.
tl::expected<Project, std::vector<FileError>> load_project(const Source& source);

}  // namespace tidemill::flow
