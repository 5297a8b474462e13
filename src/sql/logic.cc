// AND, OR, NOT, IS NULL, CASE, COALESCE and TRY.
#include "sql/operators.h"

namespace tidemill::sql {

using value::Kind;
using value::Type;
using value::Value;

namespace {

// `decides` is the value that settles the row: false for AND, true for OR. The row is null if an
// argument is null and none settles it, and failed if one failed before any settles it.
template <bool decides>
void junction(const Call& call, size_t n) {
  for (size_t row = 0; row < n; ++row) {
    uint8_t state = kValueState;
    bool is_settled = false;
    for (size_t i = 0; i < call.arg_count; ++i) {
      const uint8_t arg = call.args[i].state_at(row);
      if (arg == kValueState && call.args[i].at<bool>(row) == decides) {
        is_settled = true;
        break;
      }
      if (arg == kFailedState) {
        state = kFailedState;
        break;
      }
      if (arg == kNullState) state = kNullState;
    }
    call.out.state[row] = is_settled ? kValueState : state;
    call.out.data[row] = is_settled ? decides : !decides;
  }
}

void negate_rows(const Call& call, size_t n) {
  for (size_t row = 0; row < n; ++row) {
    call.out.state[row] = call.args[0].state_at(row);
    call.out.data[row] = call.out.state[row] == kValueState && !call.args[0].at<bool>(row);
  }
}

template <bool is_negated>
void test_null(const Call& call, size_t n) {
  for (size_t row = 0; row < n; ++row) {
    const uint8_t state = call.args[0].state_at(row);
    call.out.state[row] = state == kFailedState ? kFailedState : kValueState;
    call.out.data[row] = (state == kNullState) != is_negated;
  }
}

// T is any type of the width; rows are copied as bytes.
struct alignas(16) Sixteen {
  uint8_t bytes[16];
};

template <class T>
void copy_row(const Call& call, const Vec& from, size_t row) {
  call.out.state[row] = from.state_at(row);
  call.out.values<T>()[row] = from.at<T>(row);
}

template <class T>
void choose(const Call& call, size_t n) {
  for (size_t row = 0; row < n; ++row) {
    size_t i = 0;
    bool is_failed = false;
    for (; i + 1 < call.arg_count; i += 2) {
      const uint8_t state = call.args[i].state_at(row);
      is_failed = state == kFailedState;
      if (is_failed || (state == kValueState && call.args[i].at<bool>(row))) break;
    }
    if (is_failed) {
      call.out.state[row] = kFailedState;
    } else {
      copy_row<T>(call, call.args[i + 1 < call.arg_count ? i + 1 : call.arg_count - 1], row);
    }
  }
}

template <class T>
void first_value(const Call& call, size_t n) {
  for (size_t row = 0; row < n; ++row) {
    size_t i = 0;
    while (i + 1 < call.arg_count && call.args[i].state_at(row) == kNullState) ++i;
    copy_row<T>(call, call.args[i], row);
  }
}

template <class T>
void failed_to_null(const Call& call, size_t n) {
  for (size_t row = 0; row < n; ++row) {
    copy_row<T>(call, call.args[0], row);
    if (call.out.state[row] == kFailedState) call.out.state[row] = kNullState;
  }
}

template <template <class> class Pick>
Kernel by_width(const Type& type) {
  switch (value::storage_width(type.kind())) {
    case 1:
      return Pick<uint8_t>::kernel;
    case 2:
      return Pick<uint16_t>::kernel;
    case 4:
      return Pick<uint32_t>::kernel;
    case 8:
      return Pick<uint64_t>::kernel;
    default:
      return Pick<Sixteen>::kernel;
  }
}
template <class T>
struct Choose {
  static constexpr Kernel kernel = &choose<T>;
};
template <class T>
struct FirstValue {
  static constexpr Kernel kernel = &first_value<T>;
};
template <class T>
struct FailedToNull {
  static constexpr Kernel kernel = &failed_to_null<T>;
};

Result<std::vector<BoundPtr>> as_booleans(std::vector<BoundPtr> args, Position at) {
  for (BoundPtr& arg : args) {
    TIDEMILL_TRY_LET(cast, bind_cast(std::move(arg), Kind::kBool, false, at));
    arg = std::move(cast);
  }
  return args;
}

}  // namespace

Result<BoundPtr> bind_and(std::vector<BoundPtr> args, Position at) {
  TIDEMILL_TRY_LET(booleans, as_booleans(std::move(args), at));
  return bound_call("and", &junction<false>, Kind::kBool, std::move(booleans), at);
}

Result<BoundPtr> bind_or(std::vector<BoundPtr> args, Position at) {
  TIDEMILL_TRY_LET(booleans, as_booleans(std::move(args), at));
  return bound_call("or", &junction<true>, Kind::kBool, std::move(booleans), at);
}

Result<BoundPtr> bind_not(BoundPtr arg, Position at) {
  TIDEMILL_TRY_LET(boolean, bind_cast(std::move(arg), Kind::kBool, false, at));
  return bound_call("not", &negate_rows, Kind::kBool, {std::move(boolean)}, at);
}

Result<BoundPtr> bind_is_null(BoundPtr arg, bool is_negated, Position at) {
  return bound_call("is null", is_negated ? &test_null<true> : &test_null<false>, Kind::kBool,
                    {std::move(arg)}, at);
}

BoundPtr bind_case(std::vector<BoundPtr> args, Type type, Position at) {
  // Branches after a constant condition fall away, so that a constant CASE folds although another
  // branch would fail.
  std::vector<BoundPtr> kept;
  BoundPtr otherwise = args.back();
  for (size_t i = 0; i + 1 < args.size(); i += 2) {
    const BoundPtr& condition = args[i];
    if (condition->is_constant()) {
      if (condition->constant.is_null() || !condition->constant.as_bool()) continue;
      otherwise = args[i + 1];
      break;
    }
    kept.push_back(condition);
    kept.push_back(args[i + 1]);
  }
  if (kept.empty()) return otherwise;
  kept.push_back(std::move(otherwise));
  const Kernel kernel = by_width<Choose>(type);
  return bound_call("case", kernel, std::move(type), std::move(kept), at);
}

BoundPtr bind_coalesce(std::vector<BoundPtr> args, Type type, Position at) {
  std::vector<BoundPtr> kept;
  for (BoundPtr& arg : args) {
    if (arg->is_null()) continue;
    kept.push_back(arg);
    if (arg->is_constant()) break;
  }
  if (kept.empty()) return bound_constant(Value::null(type), at);
  if (kept.size() == 1) return kept.front();
  const Kernel kernel = by_width<FirstValue>(type);
  return bound_call("coalesce", kernel, std::move(type), std::move(kept), at);
}

BoundPtr bind_try(BoundPtr arg, Position at) {
  if (arg->is_constant()) return arg;
  const Type type = arg->type;
  CallOptions options;
  options.folds = false;
  return bound_call("try", by_width<FailedToNull>(type), type, {std::move(arg)}, at,
                    std::move(options));
}

}  // namespace tidemill::sql
