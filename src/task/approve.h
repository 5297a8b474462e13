// `approve`: waits until a person decides. What is open is made again from the rows after a
// restart; a decision is answered once it is durable.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/clock.h"
#include "task/waiting.h"
#include "task/work.h"

namespace tidemill::task {

// An approval that waits for somebody.
struct Approval {
  std::string run;
  std::string flow;
  std::string key;
  std::string task;
  run::Item item = run::kWhole;
  std::string team;
  std::string message;
  std::string requested_by;  // who asked for the run; "" : the clock or another flow
  bool four_eyes = false;
  std::vector<flow::Param> fields;
  Time since;
  std::optional<Time> until;  // the task's timeout
};

// What a person says.
struct Decision {
  std::string run;
  std::string task;
  run::Item item = run::kWhole;
  enum class Verdict { kApprove, kReject } verdict = Verdict::kReject;
  std::string comment;
  Json fields = Json::object();
  std::string by;
  bool is_local = false;  // commands the server on its own machine: member of every team
};

class ApproveRunner final : public Runner {
 public:
  explicit ApproveRunner(io::Clock& clock) : clock_(clock) {}

  void start(const Work& work, const flow::Scope& scope, Done done) override;
  void stop(const Work& work) override;
  void recover(const Work& work, const flow::Scope& scope, Done done) override;
  void settled(const Work& work) override;

  // All that wait, oldest first.
  std::vector<Approval> open() const;
  std::vector<Waiting> waiting(const std::string& run) const;
  // Answers with what was recorded once that is durable. Refused: an approval that is not open, who
  // may not, fields that are wrong.
  void decide(const Decision& decision, std::function<void(Result<Json>)> respond);

  static constexpr size_t kMaxComment = 4096;  // bytes

 private:
  struct Open {
    Approval approval;
    std::shared_ptr<const flow::Flow> flow;  // keeps the settings alive
    const flow::ApproveSettings* settings = nullptr;
    Done done;
    std::optional<Json> decided;
    std::function<void(Result<Json>)> respond;
  };
  static Status check(const Open& open, const Decision& decision);
  Result<Json> record(const Open& open, const Decision& decision) const;
  static run::Outcome outcome_of(const Open& open, Decision::Verdict verdict, Json record);

  io::Clock& clock_;
  std::map<std::string, Open> open_;  // by attempt id
};

}  // namespace tidemill::task
