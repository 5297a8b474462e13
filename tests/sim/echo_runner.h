// A kind of task whose answers come again and again: also when a later attempt may be under way.
// Attempt numbers are what keeps the later ones from being believed.
#pragma once

#include <memory>

#include "io/loop.h"
#include "task/work.h"

namespace tidemill::sim {

class EchoRunner final : public task::Runner {
 public:
  EchoRunner(std::unique_ptr<task::Runner> inner, io::Loop& loop)
      : inner_(std::move(inner)), loop_(loop) {}

  void start(const task::Work& work, const flow::Scope& scope, task::Done done) override {
    inner_->start(work, scope, again(std::move(done)));
  }
  void recover(const task::Work& work, const flow::Scope& scope, task::Done done) override {
    inner_->recover(work, scope, again(std::move(done)));
  }
  void stop(const task::Work& work) override { inner_->stop(work); }
  void settled(const task::Work& work) override { inner_->settled(work); }

 private:
  task::Done again(task::Done done) {
    return [this, done = std::move(done)](const run::Outcome& outcome) {
      done(outcome);
      // A rerun may be under way at once, a retry after its wait of a second.
      loop_.after(Duration::millis(300), [done, outcome] { done(outcome); });
      loop_.after(Duration::millis(1300), [done, outcome] { done(outcome); });
    };
  }

  std::unique_ptr<task::Runner> inner_;
  io::Loop& loop_;
};

}  // namespace tidemill::sim
