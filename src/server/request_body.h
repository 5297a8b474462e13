// The JSON object that a request carries, member by member, with errors that name what is expected.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "server/http.h"

namespace tidemill::server {

// The object; an empty body is {}. `invalid` for anything else, and for members not in `known`.
Result<Json> object_body(const Request& request, std::initializer_list<std::string_view> known);

// A member that may be absent; `invalid` if it is of another kind.
Result<std::string> text_member(const Json& body, std::string_view name,
                                std::string_view otherwise);
Result<bool> flag_member(const Json& body, std::string_view name);
Result<std::vector<std::string>> texts_member(const Json& body, std::string_view name);
Result<int64_t> number_member(const Json& body, std::string_view name, int64_t otherwise,
                              int64_t least, int64_t most);

}  // namespace tidemill::server
