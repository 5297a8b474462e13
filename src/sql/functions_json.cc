// Functions of JSON text. Paths: '$.a.b[0]', '/a/0', a member's name, or an index.
#include "base/json.h"
#include "base/text.h"
#include "sql/function.h"
#include "sql/lexer.h"
#include "value/json.h"

namespace tidemill::sql {

using value::Kind;
using value::Type;
using value::Value;
using View = std::string_view;

namespace {

struct Step {
  std::string name;   // a member, if not is_index
  int64_t index = 0;  // negative counts from the end
  bool is_index = false;
};
using Path = std::vector<Step>;

tl::unexpected<Error> bad_path(View path, View why) {
  return fail(Code::kInvalid,
              fmt::format("Binder Error: JSON path error near '{}': {}", printable(path, 60), why));
}

// "[3]" or "[#-1]" behind `at`, which stands on '['.
Result<Step> read_index(View path, size_t& at) {
  const size_t close = path.find(']', at);
  if (close == View::npos) return bad_path(path, "expected ']'");
  View digits = path.substr(at + 1, close - at - 1);
  at = close + 1;
  int64_t sign = 1;
  if (digits.starts_with("#-")) {
    sign = -1;
    digits.remove_prefix(2);
  }
  if (digits == "*") return bad_path(path, "wildcards are not supported");
  if (digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != View::npos) {
    return bad_path(path, "expected an index between [ and ]");
  }
  return Step{"", sign * std::stoll(std::string(digits)), true};
}

Result<Path> parse_dollar_path(View path) {
  Path out;
  size_t at = 1;
  while (at < path.size()) {
    if (path[at] == '[') {
      TIDEMILL_TRY_LET(step, read_index(path, at));
      out.push_back(step);
      continue;
    }
    if (path[at] != '.') return bad_path(path, "expected '.' or '['");
    ++at;
    if (at < path.size() && path[at] == '"') {
      const size_t close = path.find('"', at + 1);
      if (close == View::npos) return bad_path(path, "expected '\"'");
      out.push_back({std::string(path.substr(at + 1, close - at - 1))});
      at = close + 1;
      continue;
    }
    const size_t end = std::min(path.find_first_of(".[", at), path.size());
    const View name = path.substr(at, end - at);
    if (name.empty()) return bad_path(path, "expected a name behind '.'");
    if (name == "*") return bad_path(path, "wildcards are not supported");
    out.push_back({std::string(name)});
    at = end;
  }
  return out;
}

Result<Path> parse_path(View path) {
  if (path.starts_with("$")) return parse_dollar_path(path);
  if (!path.starts_with("/")) return Path{{std::string(path)}};
  Path out;
  for (const View part : split(path.substr(1), '/')) {
    Step step{std::string(part)};
    if (!part.empty() && part.size() < 10 && part.find_first_not_of("0123456789") == View::npos) {
      step.index = std::stoll(std::string(part));
      step.is_index = true;
    }
    out.push_back(std::move(step));
  }
  return out;
}

const Json* follow(const Json& root, const Path& path) {
  const Json* at = &root;
  for (const Step& step : path) {
    if (at->is_array() && step.is_index) {
      const auto size = static_cast<int64_t>(at->as_array().size());
      const int64_t index = step.index < 0 ? size + step.index : step.index;
      if (index < 0 || index >= size) return nullptr;
      at = &at->as_array()[static_cast<size_t>(index)];
    } else if (at->is_object() && !step.name.empty()) {
      at = at->find(step.name);
    } else {
      return nullptr;
    }
    if (at == nullptr) return nullptr;
  }
  return at;
}

Result<Json> parsed(View text) {
  auto json = parse_json(text);
  if (json) return json;
  return fail(Code::kInvalid, "Invalid Input Error: Malformed JSON: " + json.error().message);
}

// Calls f with the JSON at the path of each row: argument 1, or the extra, or the root.
template <class F>
void path_rows(const Call& call, size_t n, F&& f) {
  for (size_t row = 0; row < n; ++row) {
    uint8_t state = kValueState;
    for (size_t i = 0; i < call.arg_count; ++i) state = both(state, call.args[i].state_at(row));
    call.out.state[row] = state;
    if (state != kValueState) continue;
    const Result<Json> json = parsed(call.args[0].at<View>(row));
    if (!json) {
      call.fail_row(row, json.error());
      continue;
    }
    Path own;
    if (call.arg_count > 1) {
      Result<Path> path = parse_path(call.args[1].at<View>(row));
      if (!path) {
        call.fail_row(row, path.error());
        continue;
      }
      own = *std::move(path);
    }
    f(follow(*json, call.extra != nullptr ? *static_cast<const Path*>(call.extra) : own), row);
  }
}

void extract_rows(const Call& call, size_t n) {
  path_rows(call, n, [&](const Json* found, size_t row) {
    wrap_detail::write(call, row,
                       found == nullptr ? std::optional<std::string>()
                                        : std::optional<std::string>(found->dump()));
  });
}

void extract_string_rows(const Call& call, size_t n) {
  path_rows(call, n, [&](const Json* found, size_t row) {
    std::optional<std::string> text;
    if (found != nullptr && !found->is_null()) {
      text = found->is_string() ? found->as_string() : found->dump();
    }
    wrap_detail::write(call, row, std::move(text));
  });
}

std::string type_name(const Json& json) {
  if (json.is_null()) return "NULL";
  if (json.is_bool()) return "BOOLEAN";
  if (json.is_int()) return json.as_int() < 0 ? "BIGINT" : "UBIGINT";
  if (json.is_uint()) return "UBIGINT";
  if (json.is_double()) return "DOUBLE";
  if (json.is_string()) return "VARCHAR";
  return json.is_array() ? "ARRAY" : "OBJECT";
}

void type_rows(const Call& call, size_t n) {
  path_rows(call, n, [&](const Json* found, size_t row) {
    wrap_detail::write(call, row,
                       found == nullptr ? std::optional<std::string>()
                                        : std::optional<std::string>(type_name(*found)));
  });
}

void length_rows(const Call& call, size_t n) {
  path_rows(call, n, [&](const Json* found, size_t row) {
    std::optional<uint64_t> size;
    if (found != nullptr) size = found->is_array() ? found->as_array().size() : 0;
    wrap_detail::write(call, row, std::move(size));
  });
}

void exists_rows(const Call& call, size_t n) {
  path_rows(call, n, [&](const Json* found, size_t row) {
    wrap_detail::write(call, row, found != nullptr);
  });
}

void keys_rows(const Call& call, size_t n) {
  path_rows(call, n, [&](const Json* found, size_t row) {
    std::vector<Value> keys;
    if (found != nullptr && found->is_object()) {
      for (const auto& member : found->as_object()) keys.push_back(Value::text(member.first));
    }
    call.out.values<const Value*>()[row] =
        call.context->arena.keep(Value::nested(Type::list(Kind::kVarchar), std::move(keys)));
  });
}

struct JsonFunction {
  View name;
  Kernel kernel;
  Kind result;  // kList: VARCHAR[]
};
constexpr JsonFunction kJsonFunctions[] = {
    {"json_extract", &extract_rows, Kind::kJson},
    {"json_extract_path", &extract_rows, Kind::kJson},
    {"->", &extract_rows, Kind::kJson},
    {"json_extract_string", &extract_string_rows, Kind::kVarchar},
    {"json_extract_path_text", &extract_string_rows, Kind::kVarchar},
    {"->>", &extract_string_rows, Kind::kVarchar},
    {"json_value", &extract_rows, Kind::kJson},
    {"json_type", &type_rows, Kind::kVarchar},
    {"json_array_length", &length_rows, Kind::kUint64},
    {"json_exists", &exists_rows, Kind::kBool},
    {"json_keys", &keys_rows, Kind::kList},
};

Result<BoundPtr> bind_path_function(View name, std::vector<BoundPtr> args, Position at) {
  const bool is_json = args[0]->type.is_text() || args[0]->is_null();
  if (!is_json) {
    return fail(no_match(name, args, at, " The first argument must be JSON or VARCHAR."));
  }
  TIDEMILL_TRY_LET(json, bind_cast(args[0], Kind::kVarchar, false, at));
  args[0] = json;
  CallOptions options;
  if (args.size() > 1) {
    if (args[1]->type.is_integer()) {
      // An index: json -> 0.
      TIDEMILL_TRY_LET(digits, bind_cast(args[1], Kind::kVarchar, false, at));
      std::vector<BoundPtr> parts{bound_constant(Value::text("$[")), digits,
                                  bound_constant(Value::text("]"))};
      TIDEMILL_TRY_LET(path, bind_function("concat", std::move(parts), at));
      args[1] = path;
    }
    static constexpr Kind kinds[] = {Kind::kVarchar};
    TIDEMILL_TRY_LET(texts, cast_arguments(name, std::move(args), kinds, at));
    args = std::move(texts);
    if (args[1]->is_constant() && !args[1]->is_null()) {
      auto path = parse_path(args[1]->constant.as_text());
      if (!path) return fail(sql_error("Binder Error", at, path.error().message));
      options.extra_key = args[1]->constant.as_text();
      options.extra = std::make_shared<const Path>(*std::move(path));
      args.pop_back();
    }
  }
  for (const JsonFunction& entry : kJsonFunctions) {
    if (entry.name != name) continue;
    const Type type = entry.result == Kind::kList ? Type::list(Kind::kVarchar) : Type(entry.result);
    return bound_call(name, entry.kernel, type, std::move(args), at, std::move(options));
  }
  return fail(no_match(name, args, at));
}

bool is_json(View text) { return parse_json(text).has_value(); }

Result<BoundPtr> bind_valid(View name, std::vector<BoundPtr> args, Position at) {
  static constexpr Kind kinds[] = {Kind::kVarchar};
  TIDEMILL_TRY_LET(texts, cast_arguments(name, std::move(args), kinds, at));
  return bound_call(name, &wrap<&is_json>, Kind::kBool, std::move(texts), at);
}

struct ToJsonExtra {
  Type type;
};

void to_json_rows(const Call& call, size_t n) {
  const Type& type = static_cast<const ToJsonExtra*>(call.extra)->type;
  for (size_t row = 0; row < n; ++row) {
    const uint8_t state = call.args[0].state_at(row);
    call.out.state[row] = state;
    if (state == kFailedState) continue;
    const Json json = value::value_to_json(value_at(type, call.args[0], row));
    wrap_detail::write(call, row, json.dump());
  }
}

Result<BoundPtr> bind_to_json(View name, std::vector<BoundPtr> args, Position at) {
  CallOptions options;
  options.extra = std::make_shared<ToJsonExtra>(ToJsonExtra{args[0]->type});
  return bound_call(name, &to_json_rows, Kind::kJson, std::move(args), at, std::move(options));
}

constexpr SpecialFunction kSpecials[] = {
    {"json_extract", 2, 2, &bind_path_function, "json_extract(JSON, VARCHAR) -> JSON"},
    {"json_extract_path", 2, 2, &bind_path_function, "json_extract_path(JSON, VARCHAR) -> JSON"},
    {"->", 2, 2, &bind_path_function, "->(JSON, VARCHAR) -> JSON"},
    {"json_extract_string", 2, 2, &bind_path_function,
     "json_extract_string(JSON, VARCHAR) -> VARCHAR"},
    {"json_extract_path_text", 2, 2, &bind_path_function,
     "json_extract_path_text(JSON, VARCHAR) -> VARCHAR"},
    {"->>", 2, 2, &bind_path_function, "->>(JSON, VARCHAR) -> VARCHAR"},
    {"json_type", 1, 2, &bind_path_function, "json_type(JSON, VARCHAR) -> VARCHAR"},
    {"json_array_length", 1, 2, &bind_path_function, "json_array_length(JSON, VARCHAR) -> UBIGINT"},
    {"json_exists", 2, 2, &bind_path_function, "json_exists(JSON, VARCHAR) -> BOOLEAN"},
    {"json_keys", 1, 2, &bind_path_function, "json_keys(JSON, VARCHAR) -> VARCHAR[]"},
    {"json_valid", 1, 1, &bind_valid, "json_valid(VARCHAR) -> BOOLEAN"},
    {"to_json", 1, 1, &bind_to_json, "to_json(ANY) -> JSON"},
};

}  // namespace

std::span<const SpecialFunction> json_specials() { return kSpecials; }

}  // namespace tidemill::sql
