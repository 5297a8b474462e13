#include "server/request_body.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"

namespace tidemill::server {
namespace {

Result<Json> wrong_kind(std::string_view name, const Json& found, std::string_view expected) {
  return fail(Code::kInvalid, fmt::format("'{}' is {}, expected {}", name, found.kind(), expected));
}

}  // namespace

Result<Json> object_body(const Request& request, std::initializer_list<std::string_view> known) {
  if (trim(request.body).empty()) return Json::object();
  TIDEMILL_TRY_LET(json, parse_json(request.body, {.bytes = 1u << 20, .depth = 64}));
  if (!json.is_object()) {
    return fail(Code::kInvalid, fmt::format("the body is {}, expected an object", json.kind()));
  }
  for (const auto& [name, value] : json.as_object()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::vector<std::string> names;
    for (std::string_view one : known) names.emplace_back(one);
    std::string const near = nearest_word(name, names);
    return fail(
        Code::kInvalid,
        fmt::format("unknown field '{}'{}; expected {}", printable(name, 60),
                    near.empty() ? "" : fmt::format(", did you mean '{}'?", near),
                    known.size() == 0 ? "no field" : fmt::format("{}", fmt::join(names, ", "))));
  }
  return json;
}

Result<std::string> text_member(const Json& body, std::string_view name,
                                std::string_view otherwise) {
  const Json* found = body.find(name);
  if (found == nullptr || found->is_null()) return std::string(otherwise);
  if (!found->is_string()) return fail(wrong_kind(name, *found, "a text").error());
  return found->as_string();
}

Result<bool> flag_member(const Json& body, std::string_view name) {
  const Json* found = body.find(name);
  if (found == nullptr || found->is_null()) return false;
  if (!found->is_bool()) return fail(wrong_kind(name, *found, "true or false").error());
  return found->as_bool();
}

Result<std::vector<std::string>> texts_member(const Json& body, std::string_view name) {
  const Json* found = body.find(name);
  std::vector<std::string> texts;
  if (found == nullptr || found->is_null()) return texts;
  if (!found->is_array()) return fail(wrong_kind(name, *found, "a list of texts").error());
  for (const Json& one : found->as_array()) {
    if (!one.is_string()) return fail(wrong_kind(name, one, "a list of texts").error());
    texts.push_back(one.as_string());
  }
  return texts;
}

Result<int64_t> number_member(const Json& body, std::string_view name, int64_t otherwise,
                              int64_t least, int64_t most) {
  const Json* found = body.find(name);
  if (found == nullptr || found->is_null()) return otherwise;
  if (!found->is_int() || found->as_int() < least || found->as_int() > most) {
    return fail(Code::kInvalid, fmt::format("'{}' is {}, expected a whole number from {} to {}",
                                            name, printable(found->dump(), 40), least, most));
  }
  return found->as_int();
}

}  // namespace tidemill::server
