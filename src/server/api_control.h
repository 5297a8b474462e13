// Handlers of what people order and ask: clear, mark, pause, why.
#pragma once

#include <vector>

#include "engine/engine.h"
#include "engine/project_loader.h"
#include "server/routes.h"

namespace tidemill::server {

// Loop thread only. `parts` must outlive the router's use, and so must this.
class ControlApi {
 public:
  struct Parts {
    engine::Engine& engine;
    engine::ProjectLoader& loader;
    store::Store& store;
    io::Executor& executor;
    io::Loop& loop;
  };
  explicit ControlApi(Parts parts) : parts_(parts), engine_(parts.engine) {}
  std::vector<Route> routes();

 private:
  void clear_run(const Request& request, Respond respond);
  void rerun(const Request& request, Respond respond);
  void mark_task(const Request& request, Respond respond);
  void pause(const Request& request, run::PauseRow::What what, Respond respond);
  void unpause(const Request& request, run::PauseRow::What what, Respond respond);
  void order_clear(engine::ClearRequest order, Respond respond);

  void why_run(const Request& request, Respond respond);
  void why_flow(const Request& request, Respond respond);

  std::vector<Route> backfill_routes();
  void create_backfill(const Request& request, Respond respond);
  void list_backfills(const Request& request, Respond respond);
  void show_backfill(const Request& request, Respond respond);
  void order_backfill(const Request& request, engine::BackfillOrder order, Respond respond);
  // Runs `query` on the read lane and answers what it gives.
  void read(std::function<Result<Json>()> query, Respond respond);

  Parts parts_;
  engine::Engine& engine_;
};

// {"by","at"}, or null.
Json pause_json(const run::PauseRow* pause);

}  // namespace tidemill::server
