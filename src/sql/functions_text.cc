// Functions of text.
#include "sql/function.h"
#include "sql/kernels/format.h"
#include "sql/kernels/pattern.h"
#include "sql/kernels/strings.h"
#include "sql/lexer.h"

namespace tidemill::sql {

using value::Kind;
using value::Type;
using value::Value;
namespace k = kernels;
using View = std::string_view;

namespace {

constexpr Function kText[] = {
    plain<&k::length>("char_length"),
    plain<&k::length>("character_length"),
    plain<&k::length_grapheme>("length_grapheme"),
    plain<&k::strlen>("strlen"),
    plain<&k::strlen>("octet_length"),
    plain<&k::bit_length>("bit_length"),
    plain<&k::upper>("upper"),
    plain<&k::upper>("ucase"),
    plain<&k::lower>("lower"),
    plain<&k::lower>("lcase"),
    plain<[](View s, int64_t start) { return k::substr(s, start); }>("substr"),
    plain<[](View s, int64_t start) { return k::substr(s, start); }>("substring"),
    plain<[](View s, int64_t start, int64_t n) { return k::substr(s, start, n); }>("substr"),
    plain<[](View s, int64_t start, int64_t n) { return k::substr(s, start, n); }>("substring"),
    plain<&k::left>("left"),
    plain<&k::right>("right"),
    plain<[](View s) { return k::trim(s); }>("trim"),
    plain<[](View s) { return k::ltrim(s); }>("ltrim"),
    plain<[](View s) { return k::rtrim(s); }>("rtrim"),
    plain<[](View s, View set) { return k::trim(s, set); }>("trim"),
    plain<[](View s, View set) { return k::ltrim(s, set); }>("ltrim"),
    plain<[](View s, View set) { return k::rtrim(s, set); }>("rtrim"),
    plain<&k::lpad>("lpad"),
    plain<&k::rpad>("rpad"),
    plain<&k::repeat>("repeat"),
    plain<&k::reverse>("reverse"),
    plain<&k::replace>("replace"),
    plain<&k::translate>("translate"),
    plain<&k::position>("position"),
    plain<&k::position>("strpos"),
    plain<&k::position>("instr"),
    plain<&k::contains>("contains"),
    plain<&k::starts_with>("starts_with"),
    plain<&k::starts_with>("prefix"),
    plain<&k::starts_with>("^@"),
    plain<&k::ends_with>("ends_with"),
    plain<&k::ends_with>("suffix"),
    plain<&k::split_part>("split_part"),
    plain<&k::ascii>("ascii"),
    plain<&k::unicode>("unicode"),
    plain<&k::unicode>("ord"),
    plain<[](int32_t code) { return k::chr(code); }>("chr"),
    plain<&k::levenshtein>("levenshtein"),
    plain<&k::levenshtein>("editdist3"),
    plain<&k::damerau_levenshtein>("damerau_levenshtein"),
    plain<&k::hamming>("hamming"),
    plain<&k::hamming>("mismatches"),
    plain<&k::jaccard>("jaccard"),
    plain<&k::jaro_similarity>("jaro_similarity"),
    plain<&k::jaro_winkler_similarity>("jaro_winkler_similarity"),
    plain<&k::md5>("md5"),
    plain<&k::sha256>("sha256"),
    plain<&k::sha1>("sha1"),
    plain<&k::to_hex_upper>("hex"),
    plain<&k::to_hex_upper>("to_hex"),
    plain<&k::to_base64>("base64"),
    plain<&k::to_base64>("to_base64"),
    plain<&k::regexp_escape>("regexp_escape"),
};

// concat skips nulls, || does not.
void concat_rows(const Call& call, size_t n) {
  std::string out;
  for (size_t row = 0; row < n; ++row) {
    out.clear();
    bool is_failed = false;
    for (size_t i = 0; i < call.arg_count; ++i) {
      const uint8_t state = call.args[i].state_at(row);
      is_failed = is_failed || state == kFailedState;
      if (state == kValueState) out += call.args[i].at<View>(row);
    }
    call.out.state[row] = is_failed ? kFailedState : kValueState;
    if (!is_failed) call.out.values<View>()[row] = call.context->arena.copy(out);
  }
}

void concat_ws_rows(const Call& call, size_t n) {
  for (size_t row = 0; row < n; ++row) {
    uint8_t state = call.args[0].state_at(row);
    std::vector<std::optional<View>> parts;
    for (size_t i = 1; i < call.arg_count; ++i) {
      const uint8_t part = call.args[i].state_at(row);
      if (part == kFailedState) state = kFailedState;
      parts.push_back(part == kValueState ? std::optional<View>(call.args[i].at<View>(row))
                                          : std::nullopt);
    }
    call.out.state[row] = state;
    if (state != kValueState) continue;
    call.out.values<View>()[row] =
        call.context->arena.copy(k::concat_ws(call.args[0].at<View>(row), parts));
  }
}

Result<std::vector<BoundPtr>> as_text(std::vector<BoundPtr> args, Position at) {
  for (BoundPtr& arg : args) {
    TIDEMILL_TRY_LET(cast, bind_cast(std::move(arg), Kind::kVarchar, false, at));
    arg = std::move(cast);
  }
  return args;
}

Result<BoundPtr> bind_concat(View name, std::vector<BoundPtr> args, Position at) {
  TIDEMILL_TRY_LET(texts, as_text(std::move(args), at));
  return bound_call(name, name == "concat" ? &concat_rows : &concat_ws_rows, Kind::kVarchar,
                    std::move(texts), at);
}

std::string joined(View a, View b) {
  std::string out(a);
  out += b;
  return out;
}

Result<BoundPtr> bind_join(View name, std::vector<BoundPtr> args, Position at) {
  if (args[0]->type.kind() == Kind::kNull || args[1]->type.kind() == Kind::kNull) {
    return bound_constant(Value(), at);
  }
  if (args[0]->type.kind() == Kind::kList || args[1]->type.kind() == Kind::kList) {
    return bind_function("list_concat", std::move(args), at);
  }
  TIDEMILL_TRY_LET(texts, as_text(std::move(args), at));
  return bound_call(name, &wrap<&joined>, Kind::kVarchar, std::move(texts), at);
}

// format and printf: the kinds of the arguments are kept in the extra.
struct FormatTypes {
  std::vector<Type> types;
};

k::FormatArgument format_argument(const Type& type, const Vec& vec, size_t row) {
  const Value value = value_at(type, vec, row);
  if (type.kind() == Kind::kBool) return value.as_bool();
  if (type.is_floating()) return value.as_double();
  if (type.kind() == Kind::kDecimal) {
    auto as_double = cast_value(value, Kind::kDouble);
    return as_double ? as_double->as_double() : 0.0;
  }
  if (type.kind() == Kind::kInt128) return value.as_int();
  if (type.kind() == Kind::kUint64) return static_cast<uint64_t>(value.as_int());
  if (type.is_integer()) return static_cast<int64_t>(value.as_int());
  return value.to_text();
}

template <Result<std::string> (*f)(View, std::span<const k::FormatArgument>)>
void format_rows(const Call& call, size_t n) {
  const auto& types = static_cast<const FormatTypes*>(call.extra)->types;
  for (size_t row = 0; row < n; ++row) {
    uint8_t state = kValueState;
    for (size_t i = 0; i < call.arg_count; ++i) state = both(state, call.args[i].state_at(row));
    call.out.state[row] = state;
    if (state != kValueState) continue;
    std::vector<k::FormatArgument> arguments;
    for (size_t i = 1; i < call.arg_count; ++i) {
      arguments.push_back(format_argument(types[i], call.args[i], row));
    }
    Result<std::string> text = f(call.args[0].at<View>(row), arguments);
    if (!text) {
      call.fail_row(row, text.error());
    } else {
      call.out.values<View>()[row] = call.context->arena.copy(*text);
    }
  }
}

Result<BoundPtr> bind_format(View name, std::vector<BoundPtr> args, Position at) {
  TIDEMILL_TRY_LET(pattern, bind_cast(args[0], Kind::kVarchar, false, at));
  args[0] = pattern;
  auto types = std::make_shared<FormatTypes>();
  for (const BoundPtr& arg : args) types->types.push_back(arg->type);
  CallOptions options;
  options.extra = std::move(types);
  return bound_call(name, name == "format" ? &format_rows<&k::format> : &format_rows<&k::printf>,
                    Kind::kVarchar, std::move(args), at, std::move(options));
}

constexpr SpecialFunction kSpecials[] = {
    {"concat", 1, kManyArgs, &bind_concat, "concat(ANY, ...) -> VARCHAR"},
    {"concat_ws", 2, kManyArgs, &bind_concat, "concat_ws(VARCHAR, ANY, ...) -> VARCHAR"},
    {"||", 2, 2, &bind_join, "||(ANY, ANY) -> VARCHAR"},
    {"format", 1, kManyArgs, &bind_format, "format(VARCHAR, ANY, ...) -> VARCHAR"},
    {"printf", 1, kManyArgs, &bind_format, "printf(VARCHAR, ANY, ...) -> VARCHAR"},
};

}  // namespace

std::span<const Function> text_functions() { return kText; }
std::span<const SpecialFunction> text_specials() { return kSpecials; }

}  // namespace tidemill::sql
