// Attempts of tasks of flows in the flow language, for tests of the kinds.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "flow/test_project.h"
#include "io/sim/world.h"
#include "task/work.h"

namespace tidemill::task {

class TaskTest : public testing::Test {
 protected:
  // The task `name` of a flow with these tasks.
  Work work(const std::string& tasks, const std::string& name = "t", int32_t attempt = 1,
            int32_t item = -1) {
    flow::MemorySource source;
    source.files["f.yaml"] = "flow: f\nparams: {p: json, s: string}\ntasks:\n" + tasks;
    auto const loaded = flow::load_flow(source, flow::Project(), "f.yaml");
    EXPECT_TRUE(loaded) << flow::text_of(loaded ? std::vector<flow::FileError>() : loaded.error());
    Work work;
    if (!loaded) return work;
    work.flow = loaded->flow;
    work.ref = {work.flow->names.at(name), run::Item(item)};
    work.attempt = run::Attempt(attempt);
    work.run.id = "01RUN";
    work.run.flow = "f";
    work.run.key = "k";
    work.run.created = world.clock().wall();
    work.run.scheduled_at = world.clock().wall();
    work.run.interval_start = world.clock().wall() - Duration::seconds(60);
    work.run.interval_end = world.clock().wall();
    work.bundle_folder = "/data/bundles/b";
    return work;
  }

  // Fills a scope with `p` and with the values of what the task needs.
  void fill(flow::Scope& scope, const Work& work, const Json& p = Json(),
            const Json& needed = Json()) {
    Json const s = p.is_string() ? p : Json("");
    scope.add_params(work.flow->params, Json::object().set("p", p).set("s", s));
    scope.add_run(work.run);
    for (flow::TaskIndex need : work.task().needs) {
      scope.add_task(work.flow->task(need).name, flow::TaskValue::of_json(needed));
    }
  }

  // The end of an attempt, once it has come.
  struct End {
    std::optional<run::Outcome> outcome;
    int times = 0;
  };
  std::shared_ptr<End> start(Runner& runner, const Work& work, const Json& p = Json(),
                             const Json& needed = Json()) {
    auto end = std::make_shared<End>();
    flow::Scope scope;
    fill(scope, work, p, needed);
    runner.start(work, scope, collect(end));
    return end;
  }
  std::shared_ptr<End> recover(Runner& runner, const Work& work, const Json& needed = Json()) {
    auto end = std::make_shared<End>();
    flow::Scope scope;
    fill(scope, work, Json(), needed);
    runner.recover(work, scope, collect(end));
    return end;
  }
  static Done collect(const std::shared_ptr<End>& end) {
    return [end](run::Outcome outcome) {
      end->outcome = std::move(outcome);
      ++end->times;
    };
  }

  io::SimWorld world{1};
};

}  // namespace tidemill::task
