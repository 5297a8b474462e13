// Every key of a flow file and of tidemill.yaml, in one table: the parser, its messages and the
// reference page are made from it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidemill::flow {

// Where a key may stand, as a set of bits. Tasks have a bit per kind.
using Places = uint64_t;
inline constexpr Places kInFlow = 1u << 0;
inline constexpr Places kInPython = 1u << 1;  // the flow's `python:`, and the project's
inline constexpr Places kInParam = 1u << 2;
inline constexpr Places kInCron = 1u << 3;
inline constexpr Places kInEvery = 1u << 4;
inline constexpr Places kInAfter = 1u << 5;
inline constexpr Places kInAfterSource = 1u << 6;  // the map after `after:`
inline constexpr Places kInCall = 1u << 7;
inline constexpr Places kInRetry = 1u << 8;
inline constexpr Places kInHttp = 1u << 9;
inline constexpr Places kInSql = 1u << 10;
inline constexpr Places kInPublish = 1u << 11;
inline constexpr Places kInProject = 1u << 12;
inline constexpr Places kInConnection = 1u << 13;
inline constexpr Places kInDataset = 1u << 14;
inline constexpr Places kShellTask = 1u << 15;
inline constexpr Places kPythonTask = 1u << 16;
inline constexpr Places kHttpTask = 1u << 17;
inline constexpr Places kVendorTask = 1u << 18;
inline constexpr Places kSqlTask = 1u << 19;
inline constexpr Places kCalcTask = 1u << 20;
inline constexpr Places kModelTask = 1u << 21;
inline constexpr Places kPublishTask = 1u << 22;
inline constexpr Places kFlowTask = 1u << 23;
inline constexpr Places kWaitTask = Places{1} << 32;
inline constexpr Places kApproveTask = Places{1} << 33;
inline constexpr Places kInWait = Places{1} << 34;
inline constexpr Places kInApprove = Places{1} << 35;
inline constexpr Places kInTeam = Places{1} << 36;
inline constexpr Places kInSecret = Places{1} << 37;
inline constexpr Places kInSecrets = Places{1} << 38;
inline constexpr Places kInVault = Places{1} << 39;
inline constexpr Places kInChannel = Places{1} << 41;
inline constexpr Places kInMail = Places{1} << 42;
inline constexpr Places kInAlert = Places{1} << 43;
inline constexpr Places kInProjectAlert = Places{1} << 44;
inline constexpr Places kAnyTask = (Places{0x1FF} << 15) | kWaitTask | kApproveTask;
inline constexpr Places kInHistory = Places{1} << 40;
inline constexpr Places kInAt = Places{1} << 45;
inline constexpr Places kInGroup = Places{1} << 48;
inline constexpr Places kInForEach = Places{1} << 49;
inline constexpr Places kInPool = Places{1} << 50;
inline constexpr Places kInExpectation = Places{1} << 51;
inline constexpr Places kAnyTrigger = kInCron | kInEvery | kInAfter | kInCall | kInAt;

struct Field {
  Places places = 0;
  std::string_view name;
  std::string_view form;       // "duration", "list of task names": what stands after the colon
  std::string_view otherwise;  // what holds without the key; "" : nothing, "required"
  std::string_view meaning;
};

// All of them, in the order of the reference page.
std::span<const Field> fields();
// The row of a key at a place (any of the bits), or null.
const Field* find_field(Places places, std::string_view name);
// The names that may stand at a place, in the table's order.
std::vector<std::string> field_names(Places places);
// "calc", "cron": the words for a set of places, joined by commas.
std::string places_text(Places places);

// Kinds and triggers that the design names and this version does not have.
struct NotBuilt {
  Places places = 0;
  std::string_view name;
  std::string_view instead;
};
const NotBuilt* find_not_built(Places places, std::string_view name);

}  // namespace tidemill::flow
