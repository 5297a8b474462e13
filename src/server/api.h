// The handlers of /api/v1, and the table that joins them to their routes.
#pragma once

#include <memory>
#include <string>

#include "access/tokens.h"
#include "base/metrics.h"
#include "engine/engine.h"
#include "engine/project_loader.h"
#include "server/api_control.h"
#include "server/routes.h"

namespace tidemill::server {

struct ApiParts {
  io::Clock& clock;
  io::Loop& loop;
  io::Executor& executor;
  io::Files& files;
  io::Random& random;
  store::Store& store;
  engine::Engine& engine;
  engine::ProjectLoader& loader;
  task::Tasks& tasks;
  access::Tokens& tokens;
  Metrics& metrics;
  std::string data_folder;
  std::string version;
};

// Loop thread only. `parts` and this must outlive the router's use.
class Api {
 public:
  explicit Api(ApiParts parts) : parts_(std::move(parts)) {}
  std::vector<Route> routes();
  void set_ready() { is_ready_ = true; }

 private:
  void health(const Request& request, Respond respond);
  void ready(const Request& request, Respond respond);
  void metrics(const Request& request, Respond respond);
  void version(const Request& request, Respond respond);
  void list_flows(const Request& request, Respond respond);
  void show_flow(const Request& request, Respond respond);
  void reload(const Request& request, Respond respond);
  void call(const Request& request, Respond respond);
  void start_run(const Request& request, Respond respond);
  void list_runs(const Request& request, Respond respond);
  void show_run(const Request& request, Respond respond);
  void cancel_run(const Request& request, Respond respond);
  void list_approvals(const Request& request, Respond respond);
  void decide(const Request& request, Respond respond);
  void task_log(const Request& request, Respond respond);
  void list_tokens(const Request& request, Respond respond);
  void add_token(const Request& request, Respond respond);
  void remove_token(const Request& request, Respond respond);

  // Runs `query` on the read lane and answers what it gives.
  void read(std::function<Result<Json>()> query, Respond respond);
  Json flow_json(const engine::FlowVersion& version) const;

  ApiParts parts_;
  ControlApi control_{{parts_.engine, parts_.loader, parts_.store, parts_.executor, parts_.loop}};
  bool is_ready_ = false;
};

}  // namespace tidemill::server
