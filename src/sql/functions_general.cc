// COALESCE, NULLIF, least, greatest, typeof and their like.
#include "sql/function.h"
#include "sql/lexer.h"

namespace tidemill::sql {

using value::Kind;
using value::Type;
using value::Value;
using View = std::string_view;

namespace {

Error cannot_mix(View what, const BoundPtr& a, const BoundPtr& b, Position at) {
  return sql_error("Binder Error", at,
                   fmt::format("Cannot mix values of type {} and {} in {} - an explicit cast is "
                               "required",
                               shown_type(a), shown_type(b), what));
}

// All arguments in their common type.
Result<std::vector<BoundPtr>> unify(View what, std::vector<BoundPtr> args, Position at) {
  TypedSide side = side_of(args[0]);
  for (size_t i = 1; i < args.size(); ++i) {
    const auto common = common_side(side, side_of(args[i]));
    if (!common) return fail(cannot_mix(what, args[0], args[i], at));
    side = *common;
  }
  for (BoundPtr& arg : args) {
    TIDEMILL_TRY_LET(cast, bind_cast(std::move(arg), side.type, false, at));
    arg = std::move(cast);
  }
  return args;
}

Result<BoundPtr> bind_coalesce_call(View, std::vector<BoundPtr> args, Position at) {
  TIDEMILL_TRY_LET(same, unify("COALESCE operator", std::move(args), at));
  const Type type = same[0]->type;
  return bind_coalesce(std::move(same), type, at);
}

// nullif(a, b): null if a = b, else a in its own type.
Result<BoundPtr> bind_nullif(View, std::vector<BoundPtr> args, Position at) {
  BoundPtr a = args[0];
  TIDEMILL_TRY_LET(is_equal, bind_comparison("=", args[0], args[1], at));
  if (a->literal != LiteralKind::kNone) a = bound_constant(a->constant, a->at);
  const Type type = a->type;
  return bind_case({is_equal, bound_constant(Value::null(type)), a}, type, at);
}

Result<BoundPtr> bind_if(View, std::vector<BoundPtr> args, Position at) {
  TIDEMILL_TRY_LET(condition, bind_cast(args[0], Kind::kBool, false, at));
  args.erase(args.begin());
  TIDEMILL_TRY_LET(same, unify("CASE expression", std::move(args), at));
  const Type type = same[0]->type;
  return bind_case({condition, same[0], same[1]}, type, at);
}

struct ExtremeExtra {
  RowOrder order;
  size_t width;
};

// The least or greatest argument that is not null.
template <bool is_greatest>
void extreme_rows(const Call& call, size_t n) {
  const auto& extra = *static_cast<const ExtremeExtra*>(call.extra);
  for (size_t row = 0; row < n; ++row) {
    const Vec* best = nullptr;
    bool is_failed = false;
    for (size_t i = 0; i < call.arg_count; ++i) {
      const Vec& arg = call.args[i];
      is_failed = is_failed || arg.state_at(row) == kFailedState;
      if (arg.state_at(row) != kValueState) continue;
      if (best != nullptr) {
        const int order = extra.order(arg, row, *best, row);
        if (is_greatest ? order <= 0 : order >= 0) continue;
      }
      best = &arg;
    }
    call.out.state[row] = is_failed ? kFailedState : (best == nullptr ? kNullState : kValueState);
    if (best != nullptr) {
      std::memcpy(call.out.data + row * extra.width, best->data + row * best->step * extra.width,
                  extra.width);
    }
  }
}

Result<BoundPtr> bind_extreme(View name, std::vector<BoundPtr> args, Position at) {
  TIDEMILL_TRY_LET(same, unify(name, std::move(args), at));
  const Type type = same[0]->type;
  CallOptions options;
  options.extra = std::make_shared<ExtremeExtra>(
      ExtremeExtra{row_order(type.kind()), size_t(value::storage_width(type.kind()))});
  return bound_call(name, name == "greatest" ? &extreme_rows<true> : &extreme_rows<false>, type,
                    std::move(same), at, std::move(options));
}

Result<BoundPtr> bind_typeof(View, std::vector<BoundPtr> args, Position at) {
  return bound_constant(Value::text(args[0]->type.name()), at);
}

Result<std::string> raise_error(View message) {
  return fail(Code::kInvalid, "Invalid Input Error: " + std::string(message));
}

Result<BoundPtr> bind_error(View name, std::vector<BoundPtr> args, Position at) {
  TIDEMILL_TRY_LET(message, bind_cast(args[0], Kind::kVarchar, false, at));
  return bound_call(name, &wrap<&raise_error>, Kind::kVarchar, {message}, at);
}

constexpr SpecialFunction kSpecials[] = {
    {"coalesce", 1, kManyArgs, &bind_coalesce_call, "coalesce(ANY, ...) -> common type"},
    {"ifnull", 2, 2, &bind_coalesce_call, "ifnull(ANY, ANY) -> common type"},
    {"nvl", 2, 2, &bind_coalesce_call, "nvl(ANY, ANY) -> common type"},
    {"nullif", 2, 2, &bind_nullif, "nullif(ANY, ANY) -> first type"},
    {"if", 3, 3, &bind_if, "if(BOOLEAN, ANY, ANY) -> common type"},
    {"iff", 3, 3, &bind_if, "iff(BOOLEAN, ANY, ANY) -> common type"},
    {"least", 1, kManyArgs, &bind_extreme, "least(ANY, ...) -> common type"},
    {"greatest", 1, kManyArgs, &bind_extreme, "greatest(ANY, ...) -> common type"},
    {"typeof", 1, 1, &bind_typeof, "typeof(ANY) -> VARCHAR"},
    {"error", 1, 1, &bind_error, "error(VARCHAR)"},
};

}  // namespace

std::span<const SpecialFunction> general_specials() { return kSpecials; }

}  // namespace tidemill::sql
