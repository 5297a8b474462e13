// Lists, structs and maps: made, read and measured. They are evaluated value by value.
#include "base/text.h"
#include "sql/function.h"
#include "sql/kernels/strings.h"
#include "sql/lexer.h"

namespace tidemill::sql {

using value::Kind;
using value::Type;
using value::Value;
using View = std::string_view;

namespace {

// What a generic function works with: values in, a value or an error out.
using ValueFunction = Result<Value> (*)(const std::vector<Value>& args, const Type& result);

struct GenericExtra {
  std::vector<Type> types;
  Type result;
  ValueFunction f = nullptr;
  bool takes_nulls = false;
};

void generic_rows(const Call& call, size_t n) {
  const auto& extra = *static_cast<const GenericExtra*>(call.extra);
  std::vector<Value> args(call.arg_count);
  for (size_t row = 0; row < n; ++row) {
    uint8_t state = kValueState;
    for (size_t i = 0; i < call.arg_count; ++i) {
      const uint8_t arg = call.args[i].state_at(row);
      state = extra.takes_nulls && arg == kNullState ? state : both(state, arg);
    }
    call.out.state[row] = state;
    if (state != kValueState) continue;
    for (size_t i = 0; i < call.arg_count; ++i) {
      args[i] = value_at(extra.types[i], call.args[i], row);
    }
    const Result<Value> value = extra.f(args, extra.result);
    if (!value) {
      call.fail_row(row, value.error());
    } else {
      store_value(call.context->arena, extra.result, call.out, row, *value);
    }
  }
}

enum class Nulls { kPass, kTake };

BoundPtr generic(View name, ValueFunction f, Type result, std::vector<BoundPtr> args, Nulls nulls,
                 Position at) {
  auto extra = std::make_shared<GenericExtra>();
  for (const BoundPtr& arg : args) extra->types.push_back(arg->type);
  extra->result = result;
  extra->f = f;
  extra->takes_nulls = nulls == Nulls::kTake;
  CallOptions options;
  options.extra = std::move(extra);
  options.extra_key = fmt::format("{}", reinterpret_cast<uintptr_t>(f));
  return bound_call(name, &generic_rows, std::move(result), std::move(args), at,
                    std::move(options));
}

Result<Value> make_nested(const std::vector<Value>& args, const Type& result) {
  return Value::nested(result, args);
}

Result<BoundPtr> bind_list_value(View name, std::vector<BoundPtr> args, Position at) {
  TypedSide side;
  for (size_t i = 0; i < args.size(); ++i) {
    const auto common =
        i == 0 ? std::optional(side_of(args[0])) : common_side(side, side_of(args[i]));
    if (!common) {
      return fail(
          sql_error("Binder Error", at,
                    fmt::format("Cannot mix values of type {} and {} in a list - an explicit "
                                "cast is required",
                                shown_type(args[0]), shown_type(args[i]))));
    }
    side = *common;
  }
  for (BoundPtr& arg : args) {
    TIDEMILL_TRY_LET(cast, bind_cast(std::move(arg), side.type, false, at));
    arg = std::move(cast);
  }
  return generic(name, &make_nested, Type::list(side.type), std::move(args), Nulls::kTake, at);
}

Status need_list(View name, const std::vector<BoundPtr>& args, Position at) {
  if (args[0]->type.kind() == Kind::kList || args[0]->is_null()) return {};
  return fail(no_match(name, args, at, " The first argument must be a list."));
}

// 1-based, negative from the end; null outside.
Result<Value> list_at(const std::vector<Value>& args, const Type& result) {
  const auto& items = args[0].items();
  const auto size = static_cast<value::int128>(items.size());
  const value::int128 given = args[1].as_int();
  const value::int128 index = given < 0 ? size + given : given - 1;
  if (index < 0 || index >= size) return Value::null(result);
  return items[static_cast<size_t>(index)];
}

Result<Value> map_at(const std::vector<Value>& args, const Type& result) {
  const auto& items = args[0].items();
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i] == args[1]) return items[i + 1];
  }
  return Value::null(result);
}

Result<Value> text_at(const std::vector<Value>& args, const Type&) {
  return Value::text(std::string(
      kernels::character_at(args[0].as_text(), static_cast<int64_t>(args[1].as_int()))));
}

Result<BoundPtr> bind_struct_extract(View name, std::vector<BoundPtr> args, Position at);

Result<BoundPtr> bind_extract(View name, std::vector<BoundPtr> args, Position at) {
  const Kind kind = args[0]->type.kind();
  if (kind == Kind::kStruct) return bind_struct_extract(name, std::move(args), at);
  if (kind == Kind::kJson) return bind_function("json_extract", std::move(args), at);
  if (kind == Kind::kNull) return bound_constant(Value(), at);
  if (kind == Kind::kMap) {
    TIDEMILL_TRY_LET(key, bind_cast(args[1], args[0]->type.key(), false, at));
    args[1] = key;
    const Type result = args[0]->type.element();
    return generic(name, &map_at, result, std::move(args), Nulls::kPass, at);
  }
  if (kind != Kind::kList && kind != Kind::kVarchar) return fail(no_match(name, args, at));
  const bool is_index =
      args[1]->type.is_integer() || args[1]->is_null() || args[1]->literal == LiteralKind::kText;
  if (!is_index) return fail(no_match(name, args, at));
  TIDEMILL_TRY_LET(index, bind_cast(args[1], Kind::kInt64, false, at));
  args[1] = index;
  if (kind == Kind::kVarchar) {
    return generic(name, &text_at, Kind::kVarchar, std::move(args), Nulls::kPass, at);
  }
  const Type result = args[0]->type.element();
  return generic(name, &list_at, result, std::move(args), Nulls::kPass, at);
}

// x[begin:end], both inclusive, either open (null literal with its marker argument).
Result<Value> slice(const std::vector<Value>& args, const Type& result) {
  const auto bound = [](const Value& v) {
    return v.is_null() ? std::optional<int64_t>() : std::optional(int64_t(v.as_int()));
  };
  if (args[0].is_null()) return Value::null(result);
  const std::optional<int64_t> begin = bound(args[1]);
  const std::optional<int64_t> end = bound(args[2]);
  if (result.is_text()) {
    return Value::text(std::string(kernels::slice(args[0].as_text(), begin, end)));
  }
  const auto& items = args[0].items();
  const auto size = static_cast<int64_t>(items.size());
  int64_t from = begin.value_or(1);
  int64_t to = end.value_or(size);
  if (from < 0) from = std::max<int64_t>(size + from + 1, 1);
  if (to < 0) to = size + to + 1;
  from = std::max<int64_t>(from, 1);
  to = std::min(to, size);
  std::vector<Value> part;
  for (int64_t i = from; i <= to; ++i) part.push_back(items[static_cast<size_t>(i - 1)]);
  return Value::nested(result, std::move(part));
}

Result<BoundPtr> bind_slice(View name, std::vector<BoundPtr> args, Position at) {
  const Type type = args[0]->type;
  if (type.kind() == Kind::kNull) return bound_constant(Value(), at);
  if (type.kind() != Kind::kList && type.kind() != Kind::kVarchar) {
    return fail(no_match(name, args, at));
  }
  for (size_t i = 1; i < 3; ++i) {
    TIDEMILL_TRY_LET(index, bind_cast(args[i], Kind::kInt64, false, at));
    args[i] = index;
  }
  TIDEMILL_TRY_LET(base, bind_cast(args[0], type, false, at));
  args[0] = base;
  return generic(name, &slice, type, std::move(args), Nulls::kTake, at);
}

Result<Value> length(const std::vector<Value>& args, const Type& result) {
  const size_t size = args[0].items().size();
  const bool is_map = args[0].type().kind() == Kind::kMap;
  return Value::of_int(result, static_cast<value::int128>(is_map ? size / 2 : size));
}

Result<BoundPtr> bind_length(View name, std::vector<BoundPtr> args, Position at) {
  if (args[0]->type.kind() == Kind::kList) {
    return generic(name, &length, Kind::kInt64, std::move(args), Nulls::kPass, at);
  }
  if (name == "array_length" || name == "list_length") return fail(no_match(name, args, at));
  static constexpr Kind kinds[] = {Kind::kVarchar};
  TIDEMILL_TRY_LET(texts, cast_arguments(name, std::move(args), kinds, at));
  return bound_call("length", &wrap<&kernels::length>, Kind::kInt64, std::move(texts), at);
}

Result<BoundPtr> bind_cardinality(View name, std::vector<BoundPtr> args, Position at) {
  if (args[0]->type.kind() != Kind::kMap) return fail(no_match(name, args, at));
  return generic(name, &length, Kind::kUint64, std::move(args), Nulls::kPass, at);
}

Result<Value> contains(const std::vector<Value>& args, const Type&) {
  bool is_member = false;
  for (const Value& item : args[0].items()) is_member = is_member || item == args[1];
  return Value::boolean(is_member);
}

Result<Value> position(const std::vector<Value>& args, const Type& result) {
  const auto& items = args[0].items();
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i] == args[1]) return Value::of_int(result, static_cast<int>(i + 1));
  }
  return Value::null(result);
}

Result<BoundPtr> bind_membership(View name, std::vector<BoundPtr> args, Position at) {
  if (args[0]->type.is_text()) return bind_function("contains", std::move(args), at);
  TIDEMILL_TRY(need_list(name, args, at));
  const bool is_test = name.ends_with("contains") || name.ends_with("has");
  const Type result = is_test ? Kind::kBool : Kind::kInt32;
  if (args[0]->is_null()) return bound_constant(Value::null(result), at);
  TypedSide element{args[0]->type.element(), LiteralKind::kNone, 0};
  const auto common = common_side(element, side_of(args[1]));
  if (!common) return fail(no_match(name, args, at));
  TIDEMILL_TRY_LET(list, bind_cast(args[0], Type::list(common->type), false, at));
  TIDEMILL_TRY_LET(item, bind_cast(args[1], common->type, false, at));
  return generic(name, is_test ? &contains : &position, result, {list, item}, Nulls::kPass, at);
}

Result<Value> concatenated(const std::vector<Value>& args, const Type& result) {
  std::vector<Value> items;
  for (const Value& list : args) {
    if (list.is_null()) continue;
    items.insert(items.end(), list.items().begin(), list.items().end());
  }
  return Value::nested(result, std::move(items));
}

Result<BoundPtr> bind_concat(View name, std::vector<BoundPtr> args, Position at) {
  const auto common = common_side(side_of(args[0]), side_of(args[1]));
  if (!common || common->type.kind() != Kind::kList) return fail(no_match(name, args, at));
  for (BoundPtr& arg : args) {
    TIDEMILL_TRY_LET(cast, bind_cast(std::move(arg), common->type, false, at));
    arg = std::move(cast);
  }
  return generic(name, &concatenated, common->type, std::move(args), Nulls::kTake, at);
}

template <bool is_descending>
Result<Value> sorted(const std::vector<Value>& args, const Type& result) {
  std::vector<Value> items = args[0].items();
  std::stable_sort(items.begin(), items.end(), [](const Value& a, const Value& b) {
    if (a.is_null() || b.is_null()) return !a.is_null() && b.is_null();
    return is_descending ? value::compare(a, b) > 0 : value::compare(a, b) < 0;
  });
  return Value::nested(result, std::move(items));
}

Result<Value> distinct(const std::vector<Value>& args, const Type& result) {
  std::vector<Value> items;
  for (const Value& item : args[0].items()) {
    if (!item.is_null() && std::find(items.begin(), items.end(), item) == items.end()) {
      items.push_back(item);
    }
  }
  return Value::nested(result, std::move(items));
}

Result<BoundPtr> bind_same_list(View name, std::vector<BoundPtr> args, Position at) {
  TIDEMILL_TRY(need_list(name, args, at));
  if (args[0]->is_null()) return bound_constant(Value(), at);
  const Type type = args[0]->type;
  const ValueFunction f = name.ends_with("distinct")       ? &distinct
                          : name.ends_with("reverse_sort") ? &sorted<true>
                                                           : &sorted<false>;
  return generic(name, f, type, std::move(args), Nulls::kPass, at);
}

Result<Value> to_string(const std::vector<Value>& args, const Type&) {
  std::string out;
  bool is_first = true;
  for (const Value& item : args[0].items()) {
    if (item.is_null()) continue;
    if (!is_first) out += args[1].as_text();
    out += item.to_text();
    is_first = false;
  }
  return Value::text(std::move(out));
}

Result<BoundPtr> bind_to_string(View name, std::vector<BoundPtr> args, Position at) {
  TIDEMILL_TRY(need_list(name, args, at));
  if (args[0]->is_null()) return bound_constant(Value::null(Kind::kVarchar), at);
  TIDEMILL_TRY_LET(separator, bind_cast(args[1], Kind::kVarchar, false, at));
  args[1] = separator;
  return generic(name, &to_string, Kind::kVarchar, std::move(args), Nulls::kPass, at);
}

Result<Value> split_text(const std::vector<Value>& args, const Type& result) {
  std::vector<Value> parts;
  for (const View part : kernels::string_split(args[0].as_text(), args[1].as_text())) {
    parts.push_back(Value::text(std::string(part)));
  }
  return Value::nested(result, std::move(parts));
}

Result<BoundPtr> bind_split(View name, std::vector<BoundPtr> args, Position at) {
  static constexpr Kind kinds[] = {Kind::kVarchar};
  TIDEMILL_TRY_LET(texts, cast_arguments(name, std::move(args), kinds, at));
  return generic(name, &split_text, Type::list(Kind::kVarchar), std::move(texts), Nulls::kPass, at);
}

Result<Value> field_at(const std::vector<Value>& args, const Type&) {
  return args[0].items()[static_cast<size_t>(args[1].as_int())];
}

Result<BoundPtr> bind_struct_extract(View name, std::vector<BoundPtr> args, Position at) {
  const Type type = args[0]->type;
  if (type.kind() == Kind::kJson || type.kind() == Kind::kMap) {
    return bind_extract(name, std::move(args), at);
  }
  if (type.kind() == Kind::kNull) return bound_constant(Value(), at);
  if (type.kind() != Kind::kStruct || !args[1]->is_constant() || !args[1]->type.is_text()) {
    return fail(no_match(name, args, at));
  }
  const std::string wanted = to_lower_ascii(args[1]->constant.as_text());
  std::vector<std::string> names;
  for (size_t i = 0; i < type.fields().size(); ++i) {
    names.push_back(type.fields()[i].first);
    if (to_lower_ascii(names.back()) != wanted) continue;
    return generic(name, &field_at, type.fields()[i].second,
                   {args[0], bound_constant(Value::bigint(static_cast<int64_t>(i)))}, Nulls::kPass,
                   at);
  }
  std::string message = fmt::format("Could not find key \"{}\" in struct", printable(wanted, 60));
  const std::string near = nearest_word(wanted, names);
  if (!near.empty()) message += fmt::format("; did you mean '{}'?", near);
  return fail(sql_error("Binder Error", at, message));
}

Result<Value> make_map(const std::vector<Value>& args, const Type& result) {
  const auto& keys = args[0].items();
  const auto& values = args[1].items();
  if (keys.size() != values.size()) {
    return fail(Code::kInvalid,
                "Invalid Input Error: The map key list does not align with the map value list");
  }
  std::vector<Value> items;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].is_null()) {
      return fail(Code::kInvalid, "Invalid Input Error: Map keys can not be NULL.");
    }
    if (std::find(keys.begin(), keys.begin() + static_cast<long>(i), keys[i]) !=
        keys.begin() + static_cast<long>(i)) {
      return fail(Code::kInvalid, "Invalid Input Error: Map keys must be unique.");
    }
    items.push_back(keys[i]);
    items.push_back(values[i]);
  }
  return Value::nested(result, std::move(items));
}

Result<BoundPtr> bind_map(View name, std::vector<BoundPtr> args, Position at) {
  if (args[0]->type.kind() != Kind::kList || args[1]->type.kind() != Kind::kList) {
    return fail(no_match(name, args, at));
  }
  const Type result = Type::map(args[0]->type.element(), args[1]->type.element());
  return generic(name, &make_map, result, std::move(args), Nulls::kPass, at);
}

constexpr SpecialFunction kSpecials[] = {
    {"list_value", 0, kManyArgs, &bind_list_value, "list_value(ANY, ...) -> list"},
    {"list_pack", 0, kManyArgs, &bind_list_value, "list_pack(ANY, ...) -> list"},
    {"array_extract", 2, 2, &bind_extract, "array_extract(ANY[], BIGINT) -> element"},
    {"list_extract", 2, 2, &bind_extract, "list_extract(ANY[], BIGINT) -> element"},
    {"list_element", 2, 2, &bind_extract, "list_element(ANY[], BIGINT) -> element"},
    {"array_slice", 3, 3, &bind_slice, "array_slice(ANY[], BIGINT, BIGINT) -> list"},
    {"list_slice", 3, 3, &bind_slice, "list_slice(ANY[], BIGINT, BIGINT) -> list"},
    {"len", 1, 1, &bind_length, "len(ANY[]) -> BIGINT"},
    {"length", 1, 1, &bind_length, "length(ANY[]) -> BIGINT"},
    {"array_length", 1, 1, &bind_length, "array_length(ANY[]) -> BIGINT"},
    {"list_length", 1, 1, &bind_length, "list_length(ANY[]) -> BIGINT"},
    {"cardinality", 1, 1, &bind_cardinality, "cardinality(MAP) -> UBIGINT"},
    {"list_contains", 2, 2, &bind_membership, "list_contains(ANY[], ANY) -> BOOLEAN"},
    {"list_has", 2, 2, &bind_membership, "list_has(ANY[], ANY) -> BOOLEAN"},
    {"array_contains", 2, 2, &bind_membership, "array_contains(ANY[], ANY) -> BOOLEAN"},
    {"array_has", 2, 2, &bind_membership, "array_has(ANY[], ANY) -> BOOLEAN"},
    {"list_position", 2, 2, &bind_membership, "list_position(ANY[], ANY) -> INTEGER"},
    {"list_indexof", 2, 2, &bind_membership, "list_indexof(ANY[], ANY) -> INTEGER"},
    {"list_concat", 2, 2, &bind_concat, "list_concat(ANY[], ANY[]) -> list"},
    {"list_cat", 2, 2, &bind_concat, "list_cat(ANY[], ANY[]) -> list"},
    {"array_concat", 2, 2, &bind_concat, "array_concat(ANY[], ANY[]) -> list"},
    {"list_sort", 1, 1, &bind_same_list, "list_sort(ANY[]) -> list"},
    {"array_sort", 1, 1, &bind_same_list, "array_sort(ANY[]) -> list"},
    {"list_reverse_sort", 1, 1, &bind_same_list, "list_reverse_sort(ANY[]) -> list"},
    {"list_distinct", 1, 1, &bind_same_list, "list_distinct(ANY[]) -> list"},
    {"array_to_string", 2, 2, &bind_to_string, "array_to_string(ANY[], VARCHAR) -> VARCHAR"},
    {"string_split", 2, 2, &bind_split, "string_split(VARCHAR, VARCHAR) -> VARCHAR[]"},
    {"str_split", 2, 2, &bind_split, "str_split(VARCHAR, VARCHAR) -> VARCHAR[]"},
    {"split", 2, 2, &bind_split, "split(VARCHAR, VARCHAR) -> VARCHAR[]"},
    {"string_to_array", 2, 2, &bind_split, "string_to_array(VARCHAR, VARCHAR) -> VARCHAR[]"},
    {"struct_extract", 2, 2, &bind_struct_extract, "struct_extract(STRUCT, VARCHAR) -> field"},
    {"map", 2, 2, &bind_map, "map(ANY[], ANY[]) -> MAP"},
};

}  // namespace

std::span<const SpecialFunction> list_specials() { return kSpecials; }

}  // namespace tidemill::sql
