#include "flow/test_project.h"

namespace tidemill::flow {
namespace {

class ReadApprove : public FlowTest {
 protected:
  ReadApprove() { project.teams["risk-desk"] = {"risk-desk", {"anna", "ben"}}; }
  const ApproveSettings& approve(const std::string& task) {
    flow_ = AssertLoads("flow: f\nparams: {p: string, n: number}\ntasks:\n  t: " + task + "\n");
    return std::get<ApproveSettings>(flow_->tasks.at(0).settings);
  }
  std::shared_ptr<const Flow> flow_;
};

TEST_F(ReadApprove, ATeamAlone) {
  const ApproveSettings& settings = approve("{approve: risk-desk}");
  EXPECT_EQ(settings.team, "risk-desk");
  EXPECT_EQ(settings.members, (std::vector<std::string>{"anna", "ben"}));
  EXPECT_FALSE(settings.four_eyes);
  EXPECT_EQ(settings.at_timeout, ApproveSettings::Otherwise::kFail);
}

TEST_F(ReadApprove, EverythingThatCanBeSaid) {
  const ApproveSettings& settings = approve(
      "{approve: {team: risk-desk, message: \"Loan of {{ n }}\", fields: {limit: number, note: "
      "{type: string, default: \"\"}}, at_timeout: reject, rejected: skip, four_eyes: true}, "
      "timeout: 8h}");
  EXPECT_EQ(settings.fields.size(), 2u);
  EXPECT_EQ(settings.fields[0].type, ParamType::kNumber);
  EXPECT_EQ(settings.fields[1].otherwise, Json(""));
  EXPECT_EQ(settings.at_timeout, ApproveSettings::Otherwise::kReject);
  EXPECT_TRUE(settings.skip_rejected);
  EXPECT_TRUE(settings.four_eyes);
}

TEST_F(ReadApprove, RefusesWhatNobodyCouldAnswer) {
  AssertTaskErrors("{approve: risk-dsk}",
                   "5:16: 'approve' of task 't': tidemill.yaml has no team 'risk-dsk'; did you "
                   "mean 'risk-desk'? it has: risk-desk");
  AssertTaskErrors("{approve: {message: x}}", "5:16: 'approve' of task 't' has no 'team'");
  AssertTaskErrors("{approve: {team: risk-desk, at_timeout: approve}}",
                   "5:46: 'at_timeout' of 'approve' of task 't': the task has no timeout; add one");
  AssertTaskErrors("{approve: {team: risk-desk, fields: {by: string, limit: nmber}}}",
                   "5:43: 'fields' of 'approve' of task 't': 'by' is part of every answer; choose "
                   "another name\n"
                   "5:62: field 'limit' of 'approve' of task 't': found 'nmber', expected one of: "
                   "string, integer, number, boolean, date, timestamp, json; did you mean "
                   "'number'?");
}

TEST_F(ReadApprove, TeamsStandInTheProject) {
  MemorySource files;
  files.files["tidemill.yaml"] = "teams: {desk: {members: [anna, ben]}}\n";
  auto const loaded = load_project(files);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->teams.at("desk").members, (std::vector<std::string>{"anna", "ben"}));
  files.files["tidemill.yaml"] = "teams: {desk: {member: [anna]}}\n";
  EXPECT_FALSE(load_project(files));
}

}  // namespace
}  // namespace tidemill::flow
