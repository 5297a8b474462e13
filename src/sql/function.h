// The table of scalar functions. Private to this room, but for list_functions.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "sql/operators.h"
#include "sql/wrap.h"

namespace tidemill::sql {

inline constexpr size_t kMaxFunctionArgs = 6;

// A function with fixed types: arguments are cast to them where that is implicit in DuckDB.
struct Function {
  std::string_view name;
  std::array<value::Kind, kMaxFunctionArgs> args{};
  size_t arg_count = 0;
  value::Kind result = value::Kind::kNull;
  Kernel kernel = nullptr;
};

// The entry of a plain C++ function; its types are those of its signature.
template <auto f>
constexpr Function plain(std::string_view name) {
  using Parts = wrap_detail::PartsOf<f>;
  static_assert(Parts::kCount <= kMaxFunctionArgs);
  Function entry;
  entry.name = name;
  entry.arg_count = Parts::kCount;
  constexpr auto kinds = Parts::kinds();
  for (size_t i = 0; i < Parts::kCount; ++i) entry.args[i] = kinds[i];
  entry.result = kind_of<typename Parts::Out>();
  entry.kernel = &wrap<f>;
  return entry;
}

// A function whose types depend on its arguments, or that prepares something from constant ones.
using FunctionBinder = Result<BoundPtr> (*)(std::string_view name, std::vector<BoundPtr> args,
                                            Position at);
struct SpecialFunction {
  std::string_view name;
  size_t min_args = 0;
  size_t max_args = 0;
  FunctionBinder bind = nullptr;
  std::string_view signature;  // for lists and messages
};
inline constexpr size_t kManyArgs = 1'000;

std::span<const Function> text_functions();
std::span<const Function> math_functions();
std::span<const Function> date_functions();
std::span<const SpecialFunction> text_specials();
std::span<const SpecialFunction> match_specials();
std::span<const SpecialFunction> math_specials();
std::span<const SpecialFunction> date_specials();
std::span<const SpecialFunction> general_specials();
std::span<const SpecialFunction> json_specials();
std::span<const SpecialFunction> list_specials();

// Binds name(args). Unknown names are a Catalog Error with the nearest known name.
Result<BoundPtr> bind_function(std::string_view name, std::vector<BoundPtr> args, Position at);
bool is_scalar_function(std::string_view name);

// The arguments cast to the kinds where that is implicit; nothing if one does not fit.
Result<std::vector<BoundPtr>> cast_arguments(std::string_view name, std::vector<BoundPtr> args,
                                             std::span<const value::Kind> kinds, Position at);

// Every function as "name(TYPE, TYPE) -> TYPE", sorted; operators and aggregates too.
std::vector<std::string> list_functions();

}  // namespace tidemill::sql
