// `tidemill backfill ...`
#include <fmt/format.h>

#include <cstdio>

#include "base/text.h"
#include "cli/answers.h"
#include "cli/control_commands.h"
#include "cli/terminal.h"
#include "io/real/files.h"
#include "io/real/loop.h"

namespace tidemill::cli {
namespace {

constexpr size_t kKeysBytes = 1u << 20;

// A day alone is its midnight in UTC.
std::string instant(const std::string& text) {
  return text.size() == 10 ? text + "T00:00:00Z" : text;
}

std::string number(const Json& json, std::string_view name) {
  return std::to_string(json.int_or(name, 0));
}

void print_backfill(const Json& row) {
  bool const colour = shows_colour(stdout);
  std::string const state = row.text_or("state", "");
  std::printf("backfill  %s\nflow      %s\nstate     %s\n", row.text_or("backfill", "").c_str(),
              row.text_or("flow", "").c_str(), paint(state, state_colour(state), colour).c_str());
  std::printf("by        %s, %s\n", row.text_or("by", "").c_str(),
              row.text_or("created", "").c_str());
  std::printf(
      "progress  %s of %s keys decided: %s runs started (%s succeeded, %s failed), %s left "
      "as they were, %s refused\n",
      number(row, "decided").c_str(), number(row, "total").c_str(), number(row, "started").c_str(),
      number(row, "succeeded").c_str(), number(row, "failed").c_str(), number(row, "there").c_str(),
      number(row, "refused").c_str());
  for (const Json& run : row.find("open")->as_array()) {
    std::printf("open      %s\n", run.as_string().c_str());
  }
  std::string const error = row.text_or("last_error", "");
  if (!error.empty()) std::printf("error     %s\n", error.c_str());
}

void print_plan(const Json& plan) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& one : plan.find("planned")->as_array()) {
    rows.push_back(
        {{one.text_or("key", "")}, {one.text_or("scheduled_at", "")}, {one.text_or("what", "")}});
  }
  print_table(stdout, {"KEY", "SCHEDULED AT", "WOULD"}, rows);
  if (static_cast<int64_t>(rows.size()) < plan.int_or("total", 0)) {
    std::printf("... %s keys in all\n", number(plan, "total").c_str());
  }
  std::printf("\n%s keys. Nothing was changed.\n", number(plan, "total").c_str());
}

void print_list(const Json& list) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& row : list.find("backfills")->as_array()) {
    std::string const state = row.text_or("state", "");
    rows.push_back({{row.text_or("backfill", "")},
                    {row.text_or("flow", "")},
                    {state, state_colour(state)},
                    {fmt::format("{}/{}", row.int_or("decided", 0), row.int_or("total", 0))},
                    {number(row, "succeeded")},
                    {number(row, "failed")},
                    {row.text_or("created", "")}});
  }
  print_table(stdout, {"BACKFILL", "FLOW", "STATE", "DECIDED", "SUCCEEDED", "FAILED", "CREATED"},
              rows);
}

Result<Json> keys_of(const std::string& file) {
  io::RealLoop loop;
  io::RealFiles files(loop);
  TIDEMILL_TRY_LET(text, files.read(file, kKeysBytes));
  Json keys = Json::array();
  for (std::string_view line : split(text, '\n')) keys.push(std::string(trim(line)));
  return keys;
}

}  // namespace

int backfill_create(const Common& common, const BackfillOptions& options) {
  Json body = Json::object()
                  .set("flow", options.flow)
                  .set("order", options.order)
                  .set("max_running", options.max_running)
                  .set("reprocess", options.reprocess)
                  .set("dry_run", options.dry_run);
  if (!options.from.empty()) body.set("from", instant(options.from));
  if (!options.to.empty()) body.set("to", instant(options.to));
  if (!options.trigger.empty()) body.set("trigger", options.trigger);
  if (!options.keys.empty()) {
    auto keys = keys_of(options.keys);
    if (!keys) return refuse(common, keys.error());
    body.set("keys", std::move(*keys));
  }
  return answer(common, remote_of(common).json("POST", "/api/v1/backfills", body),
                options.dry_run ? print_plan : print_backfill);
}

int backfill_list(const Common& common) {
  return answer(common, remote_of(common).json("GET", "/api/v1/backfills"), print_list);
}

int backfill_show(const Common& common, const std::string& id) {
  return answer(common, remote_of(common).json("GET", "/api/v1/backfills/" + percent_encode(id)),
                print_backfill);
}

int backfill_order(const Common& common, const std::string& id, const std::string& verb) {
  std::string const path = fmt::format("/api/v1/backfills/{}/{}", percent_encode(id), verb);
  return answer(common, remote_of(common).json("POST", path, Json::object()), print_backfill);
}

}  // namespace tidemill::cli
