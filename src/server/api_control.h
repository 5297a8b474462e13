// Handlers of what people order: clear, mark, pause.
#pragma once

#include <vector>

#include "engine/engine.h"
#include "server/routes.h"

namespace tidemill::server {

// Loop thread only. `engine` must outlive the router's use, and so must this.
class ControlApi {
 public:
  explicit ControlApi(engine::Engine& engine) : engine_(engine) {}
  std::vector<Route> routes();

 private:
  void clear_run(const Request& request, Respond respond);
  void rerun(const Request& request, Respond respond);
  void mark_task(const Request& request, Respond respond);
  void pause(const Request& request, run::PauseRow::What what, Respond respond);
  void unpause(const Request& request, run::PauseRow::What what, Respond respond);
  void order_clear(engine::ClearRequest order, Respond respond);

  engine::Engine& engine_;
};

// {"by","at"}, or null.
Json pause_json(const run::PauseRow* pause);

}  // namespace tidemill::server
