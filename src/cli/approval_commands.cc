#include "cli/approval_commands.h"

#include <fmt/format.h>

#include <cstdio>

#include "cli/remote.h"
#include "cli/serve.h"
#include "cli/terminal.h"

namespace tidemill::cli {
namespace {

int refuse(const Common& common, const Error& error) {
  if (common.json) {
    Json inner = Json::object().set("code", code_name(error.code)).set("message", error.text());
    std::printf("%s\n", Json::object().set("error", std::move(inner)).dump().c_str());
  } else {
    std::fprintf(stderr, "tidemill: %s\n", error.text().c_str());
  }
  return 1;
}

// The value of a field as its type has it: "5" is a number for a number and text for a string.
Json field_value(const Json& approvals, const ApprovalOptions& options, const std::string& name,
                 const std::string& text) {
  for (const Json& approval : approvals.find("approvals")->as_array()) {
    if (approval.text_or("run", "") != options.run) continue;
    if (approval.text_or("task", "") != options.task) continue;
    for (const Json& field : approval.find("fields")->as_array()) {
      if (field.text_or("name", "") != name) continue;
      std::string const type = field.text_or("type", "string");
      if (type == "string" || type == "date" || type == "timestamp") return text;
      auto const parsed = parse_json(text);
      return parsed ? *parsed : Json(text);
    }
  }
  return text;
}

}  // namespace

int approval_list(const Common& common) {
  Remote remote(data_folder(common.data, common.project));
  auto const answer = remote.json("GET", "/api/v1/approvals");
  if (!answer) return refuse(common, answer.error());
  if (common.json) {
    std::printf("%s\n", answer->dump().c_str());
    return 0;
  }
  std::vector<std::vector<Cell>> rows;
  for (const Json& approval : answer->find("approvals")->as_array()) {
    std::string task = approval.text_or("task", "");
    if (int64_t const item = approval.int_or("item", -1); item >= 0) {
      task += fmt::format("[{}]", item);
    }
    rows.push_back({{approval.text_or("run", "")},
                    {approval.text_or("flow", "")},
                    {task},
                    {approval.text_or("team", "")},
                    {approval.text_or("since", "")},
                    {approval.text_or("until", "")},
                    {approval.text_or("message", "")}});
  }
  print_table(stdout, {"RUN", "FLOW", "TASK", "TEAM", "SINCE", "UNTIL", "MESSAGE"}, rows);
  return 0;
}

int approval_decide(const Common& common, const std::string& verdict,
                    const ApprovalOptions& options) {
  Remote remote(data_folder(common.data, common.project));
  Json body = Json::object().set("decision", verdict).set("comment", options.comment);
  if (!options.item.empty()) {
    auto const item = parse_json(options.item);
    body.set("item", item ? *item : Json(options.item));
  }
  if (!options.fields.empty()) {
    auto const approvals = remote.json("GET", "/api/v1/approvals");
    if (!approvals) return refuse(common, approvals.error());
    Json fields = Json::object();
    for (const std::string& text : options.fields) {
      size_t const equals = text.find('=');
      if (equals == std::string::npos) {
        return refuse(common,
                      {Code::kInvalid, fmt::format("--field {}: expected NAME=VALUE", text), {}});
      }
      std::string const name = text.substr(0, equals);
      fields.set(name, field_value(*approvals, options, name, text.substr(equals + 1)));
    }
    body.set("fields", std::move(fields));
  }
  auto const answer =
      remote.json("POST",
                  fmt::format("/api/v1/runs/{}/tasks/{}/decision", percent_encode(options.run),
                              percent_encode(options.task)),
                  body);
  if (!answer) return refuse(common, answer.error());
  std::string const said = verdict == "approve" ? "approved" : "rejected";
  std::printf(
      "%s\n",
      common.json
          ? answer->dump().c_str()
          : fmt::format("task {} of run {} is {}", options.task, options.run, said).c_str());
  return 0;
}

}  // namespace tidemill::cli
