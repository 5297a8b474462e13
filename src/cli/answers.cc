#include "cli/answers.h"

#include <fmt/format.h>

#include <cstdio>

#include "cli/serve.h"

namespace tidemill::cli {

int refuse(const Common& common, const Error& error) {
  if (common.json) {
    Json inner = Json::object().set("code", code_name(error.code)).set("message", error.text());
    std::printf("%s\n", Json::object().set("error", std::move(inner)).dump().c_str());
  } else {
    std::fprintf(stderr, "tidemill: %s\n", error.text().c_str());
  }
  return 1;
}

Remote remote_of(const Common& common) { return Remote(data_folder(common.data, common.project)); }

int answer(const Common& common, const Result<Json>& result,
           const std::function<void(const Json&)>& show) {
  if (!result) return refuse(common, result.error());
  if (common.json) {
    std::printf("%s\n", result->dump().c_str());
  } else {
    show(*result);
  }
  return 0;
}

const Json::Array& list_of(const Json& json, std::string_view name) {
  static const Json::Array kNone;
  const Json* found = json.find(name);
  return found != nullptr && found->is_array() ? found->as_array() : kNone;
}

}  // namespace tidemill::cli
