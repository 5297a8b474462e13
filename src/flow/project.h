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
  std::string sqlite;  // path of the database file, within the project
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
  // Hosts and addresses that http tasks and vendors may reach although they are private.
  std::vector<std::string> allow_private;
  Duration history_keep = Duration::seconds(400 * 86'400);  // of finished runs and task logs
};

// A project without tidemill.yaml has the defaults.
tl::expected<Project, std::vector<FileError>> load_project(const Source& source);

}  // namespace tidemill::flow
