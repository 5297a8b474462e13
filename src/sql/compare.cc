// Comparisons, row order and row keys.
#include "sql/kernels/math.h"
#include "sql/lexer.h"
#include "sql/operators.h"
#include "sql/wrap.h"

namespace tidemill::sql {

using value::int128;
using value::Interval;
using value::Kind;
using value::Type;
using value::uint128;
using value::Value;

namespace {

template <class T>
int order_of(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, double>) {
    return kernels::compare(a, b);
  } else if constexpr (std::is_same_v<T, float>) {
    return kernels::compare(double(a), double(b));
  } else if constexpr (std::is_same_v<T, std::string_view>) {
    return a.compare(b);
  } else if constexpr (std::is_same_v<T, Interval>) {
    const auto order = a <=> b;
    return order < 0 ? -1 : (order > 0 ? 1 : 0);
  } else if constexpr (std::is_same_v<T, const Value*>) {
    return value::compare(*a, *b);
  } else {
    return a < b ? -1 : (b < a ? 1 : 0);
  }
}

template <class T>
int order_rows(const Vec& a, size_t row_a, const Vec& b, size_t row_b) {
  return order_of<T>(a.at<T>(row_a), b.at<T>(row_b));
}

enum class Sign { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

template <Sign sign>
bool holds(int order) {
  if constexpr (sign == Sign::kEqual) return order == 0;
  if constexpr (sign == Sign::kNotEqual) return order != 0;
  if constexpr (sign == Sign::kLess) return order < 0;
  if constexpr (sign == Sign::kLessEqual) return order <= 0;
  if constexpr (sign == Sign::kGreater) return order > 0;
  return order >= 0;
}

template <class T, Sign sign>
void compare_rows(const Call& call, size_t n) {
  const Vec& a = call.args[0];
  const Vec& b = call.args[1];
  for (size_t row = 0; row < n; ++row) {
    const uint8_t state = both(a.state_at(row), b.state_at(row));
    call.out.state[row] = state;
    if (state != kValueState) continue;
    if constexpr (std::is_same_v<T, std::string_view> && sign == Sign::kEqual) {
      call.out.data[row] = a.at<T>(row) == b.at<T>(row);
    } else {
      call.out.data[row] = holds<sign>(order_of<T>(a.at<T>(row), b.at<T>(row)));
    }
  }
}

template <class T, bool is_distinct>
void distinct_rows(const Call& call, size_t n) {
  for (size_t row = 0; row < n; ++row) {
    const uint8_t a = call.args[0].state_at(row);
    const uint8_t b = call.args[1].state_at(row);
    if (((a | b) & kFailedState) != 0) {
      call.out.state[row] = kFailedState;
      continue;
    }
    call.out.state[row] = kValueState;
    const bool same =
        a == b && (a == kNullState || order_rows<T>(call.args[0], row, call.args[1], row) == 0);
    call.out.data[row] = same != is_distinct;
  }
}

struct ComparisonRow {
  std::string_view sign;
  Kernel kernel;
};

template <class T>
Kernel comparison_kernel(std::string_view sign) {
  static constexpr ComparisonRow kRows[] = {
      {"=", &compare_rows<T, Sign::kEqual>},
      {"<>", &compare_rows<T, Sign::kNotEqual>},
      {"<", &compare_rows<T, Sign::kLess>},
      {"<=", &compare_rows<T, Sign::kLessEqual>},
      {">", &compare_rows<T, Sign::kGreater>},
      {">=", &compare_rows<T, Sign::kGreaterEqual>},
      {"is distinct from", &distinct_rows<T, true>},
      {"is not distinct from", &distinct_rows<T, false>},
  };
  for (const ComparisonRow& row : kRows) {
    if (row.sign == sign) return row.kernel;
  }
  return nullptr;
}

// Calls f.operator()<T>() with the type that a kind's rows have in a vector.
template <class F>
auto with_stored(Kind kind, F&& f) {
  switch (kind) {
    case Kind::kNull:
    case Kind::kBool:
    case Kind::kUint8:
      return f.template operator()<uint8_t>();
    case Kind::kInt8:
      return f.template operator()<int8_t>();
    case Kind::kInt16:
      return f.template operator()<int16_t>();
    case Kind::kUint16:
      return f.template operator()<uint16_t>();
    case Kind::kInt32:
    case Kind::kDate:
      return f.template operator()<int32_t>();
    case Kind::kUint32:
      return f.template operator()<uint32_t>();
    case Kind::kUint64:
      return f.template operator()<uint64_t>();
    case Kind::kUint128:
      return f.template operator()<uint128>();
    case Kind::kInt128:
    case Kind::kDecimal:
      return f.template operator()<int128>();
    case Kind::kFloat:
      return f.template operator()<float>();
    case Kind::kDouble:
      return f.template operator()<double>();
    case Kind::kInterval:
      return f.template operator()<Interval>();
    case Kind::kVarchar:
    case Kind::kJson:
    case Kind::kBlob:
      return f.template operator()<std::string_view>();
    case Kind::kList:
    case Kind::kStruct:
    case Kind::kMap:
      return f.template operator()<const Value*>();
    default:
      return f.template operator()<int64_t>();
  }
}

template <class T>
void append_bytes(std::string& out, T x) {
  out.append(reinterpret_cast<const char*>(&x), sizeof x);
}

}  // namespace

RowOrder row_order(Kind kind) {
  return with_stored(kind, []<class T>() -> RowOrder { return &order_rows<T>; });
}

void append_row_key(std::string& out, const Type& type, const Vec& vec, size_t row) {
  const bool has_value = vec.state_at(row) == kValueState;
  out += has_value ? '\1' : '\0';
  if (!has_value) return;
  with_stored(type.kind(), [&]<class T>() {
    const T& x = vec.at<T>(row);
    if constexpr (std::is_same_v<T, double> || std::is_same_v<T, float>) {
      T same = x == T(0) ? T(0) : x;  // -0.0 equals 0.0
      if (x != x) same = std::numeric_limits<T>::quiet_NaN();
      append_bytes(out, same);
    } else if constexpr (std::is_same_v<T, std::string_view>) {
      append_bytes(out, x.size());
      out += x;
    } else if constexpr (std::is_same_v<T, Interval>) {
      const value::NormalInterval same = value::normalize(x);
      append_bytes(out, same.months);
      append_bytes(out, same.days);
      append_bytes(out, same.us);
    } else if constexpr (std::is_same_v<T, const Value*>) {
      const std::string text = x->to_text();
      append_bytes(out, text.size());
      out += text;
    } else {
      append_bytes(out, x);
    }
  });
}

Result<BoundPtr> bind_comparison(std::string_view sign, BoundPtr a, BoundPtr b, Position at) {
  const bool is_order = sign[0] == '<' ? sign != "<>" : sign[0] == '>';
  const auto type = comparison_type(a, b, is_order ? Comparison::kOrder : Comparison::kEquality);
  if (!type) {
    return fail(sql_error("Binder Error", at,
                          fmt::format("Cannot compare values of type {} and type {} - an explicit "
                                      "cast is required",
                                      shown_type(a), shown_type(b))));
  }
  TIDEMILL_TRY_LET(left, bind_cast(std::move(a), *type, false, at));
  TIDEMILL_TRY_LET(right, bind_cast(std::move(b), *type, false, at));
  const Kernel kernel =
      with_stored(type->kind(), [sign]<class T>() -> Kernel { return comparison_kernel<T>(sign); });
  return bound_call(sign, kernel, Kind::kBool, {std::move(left), std::move(right)}, at);
}

}  // namespace tidemill::sql
