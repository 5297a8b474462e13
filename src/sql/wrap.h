// Turns plain C++ functions into kernels: wrap<f> reads the arguments of each row, calls f, and
// writes its answer. Nulls and failures pass through; f sees values only.
//
//   int64_t length(std::string_view)                     -> VARCHAR -> BIGINT
//   Result<Date> make_date(int64_t, int64_t, int64_t)    -> BIGINT x 3 -> DATE, may fail
//   std::optional<Interval> age(Timestamp, Timestamp)    -> may be null
//
// If f's first parameter is `const Call&`, it can read Call::extra.
#pragma once

#include <array>
#include <type_traits>
#include <utility>

#include "sql/vec.h"
#include "value/date.h"
#include "value/int128.h"

namespace tidemill::sql {

// How a C++ type stands in a vector, and its SQL kind.
template <class T>
struct Stored {
  using Type = T;
  static const T& load(const T& x) { return x; }
  static T store(const T& x, Arena&) { return x; }
};
template <>
struct Stored<value::Date> {
  using Type = int32_t;
  static value::Date load(int32_t x) { return {x}; }
  static int32_t store(value::Date x, Arena&) { return x.days; }
};
template <>
struct Stored<value::Timestamp> {
  using Type = int64_t;
  static value::Timestamp load(int64_t x) { return {x}; }
  static int64_t store(value::Timestamp x, Arena&) { return x.us; }
};
template <>
struct Stored<value::TimeOfDay> {
  using Type = int64_t;
  static value::TimeOfDay load(int64_t x) { return {x}; }
  static int64_t store(value::TimeOfDay x, Arena&) { return x.us; }
};
template <>
struct Stored<std::string> {
  using Type = std::string_view;
  static std::string_view store(const std::string& x, Arena& arena) { return arena.copy(x); }
};
template <>
struct Stored<value::Value> {
  using Type = const value::Value*;
  static const value::Value& load(const value::Value* x) { return *x; }
  static const value::Value* store(value::Value x, Arena& arena) {
    return arena.keep(std::move(x));
  }
};

template <class T>
constexpr value::Kind kind_of() {
  using value::Kind;
  if constexpr (std::is_same_v<T, bool>) return Kind::kBool;
  if constexpr (std::is_same_v<T, int8_t>) return Kind::kInt8;
  if constexpr (std::is_same_v<T, int16_t>) return Kind::kInt16;
  if constexpr (std::is_same_v<T, int32_t>) return Kind::kInt32;
  if constexpr (std::is_same_v<T, int64_t>) return Kind::kInt64;
  if constexpr (std::is_same_v<T, value::int128>) return Kind::kInt128;
  if constexpr (std::is_same_v<T, uint8_t>) return Kind::kUint8;
  if constexpr (std::is_same_v<T, uint16_t>) return Kind::kUint16;
  if constexpr (std::is_same_v<T, uint32_t>) return Kind::kUint32;
  if constexpr (std::is_same_v<T, uint64_t>) return Kind::kUint64;
  if constexpr (std::is_same_v<T, value::uint128>) return Kind::kUint128;
  if constexpr (std::is_same_v<T, float>) return Kind::kFloat;
  if constexpr (std::is_same_v<T, double>) return Kind::kDouble;
  if constexpr (std::is_same_v<T, std::string_view>) return Kind::kVarchar;
  if constexpr (std::is_same_v<T, std::string>) return Kind::kVarchar;
  if constexpr (std::is_same_v<T, value::Date>) return Kind::kDate;
  if constexpr (std::is_same_v<T, value::TimeOfDay>) return Kind::kTime;
  if constexpr (std::is_same_v<T, value::Timestamp>) return Kind::kTimestamp;
  if constexpr (std::is_same_v<T, value::Interval>) return Kind::kInterval;
  return Kind::kNull;
}

namespace wrap_detail {

// What f's answer holds: Result<optional<T>>, Result<T>, optional<T> or T.
template <class T>
struct Answer {
  using Type = T;
};
template <class T>
struct Answer<std::optional<T>> {
  using Type = T;
};
template <class T>
struct Answer<Result<T>> {
  using Type = typename Answer<T>::Type;
};

template <class T>
void write(const Call& call, size_t row, T&& answer) {
  using Plain = std::remove_cvref_t<T>;
  using S = Stored<Plain>;
  if constexpr (std::is_same_v<Plain, std::string>) {
    if (call.context->arena.bytes() + answer.size() > kMaxRunBytes) [[unlikely]] {
      return call.fail_row(row, memory_error());
    }
  }
  reinterpret_cast<typename S::Type*>(call.out.data)[row] =
      S::store(std::forward<T>(answer), call.context->arena);
  call.out.state[row] = kValueState;
}
template <class T>
void write(const Call& call, size_t row, std::optional<T>&& answer) {
  if (answer) {
    write(call, row, *std::move(answer));
  } else {
    call.out.state[row] = kNullState;
  }
}
template <class T>
void write(const Call& call, size_t row, Result<T>&& answer) {
  if (answer) {
    write(call, row, *std::move(answer));
  } else {
    call.fail_row(row, answer.error());
  }
}

template <class Signature>
struct Parts;
template <class R, class... A>
struct Parts<R (*)(A...)> {
  using Out = typename Answer<std::remove_cvref_t<R>>::Type;
  static constexpr bool kTakesCall = false;
  static constexpr size_t kCount = sizeof...(A);
  static constexpr std::array<value::Kind, sizeof...(A)> kinds() {
    return {kind_of<std::remove_cvref_t<A>>()...};
  }
  template <auto f>
  static void run(const Call& call, size_t n) {
    rows<f>(call, n, std::index_sequence_for<A...>());
  }
  template <auto f, size_t... I>
  static void rows(const Call& call, size_t n, std::index_sequence<I...>) {
    for (size_t row = 0; row < n; ++row) {
      uint8_t state = kValueState;
      ((state = both(state, call.args[I].state_at(row))), ...);
      if (state != kValueState) {
        call.out.state[row] = state;
        continue;
      }
      write(call, row,
            f(Stored<std::remove_cvref_t<A>>::load(
                call.args[I].template at<typename Stored<std::remove_cvref_t<A>>::Type>(row))...));
    }
  }
};
template <class R, class... A>
struct Parts<R (*)(const Call&, A...)> {
  using Out = typename Answer<std::remove_cvref_t<R>>::Type;
  static constexpr bool kTakesCall = true;
  static constexpr size_t kCount = sizeof...(A);
  static constexpr std::array<value::Kind, sizeof...(A)> kinds() {
    return {kind_of<std::remove_cvref_t<A>>()...};
  }
  template <auto f>
  static void run(const Call& call, size_t n) {
    rows<f>(call, n, std::index_sequence_for<A...>());
  }
  template <auto f, size_t... I>
  static void rows(const Call& call, size_t n, std::index_sequence<I...>) {
    for (size_t row = 0; row < n; ++row) {
      uint8_t state = kValueState;
      ((state = both(state, call.args[I].state_at(row))), ...);
      if (state != kValueState) {
        call.out.state[row] = state;
        continue;
      }
      write(
          call, row,
          f(call,
            Stored<std::remove_cvref_t<A>>::load(
                call.args[I].template at<typename Stored<std::remove_cvref_t<A>>::Type>(row))...));
    }
  }
};

template <auto f>
constexpr auto pointer() {
  if constexpr (std::is_pointer_v<decltype(f)>) {
    return f;
  } else {
    return +f;  // a lambda without captures
  }
}

template <auto f>
using PartsOf = Parts<std::remove_const_t<decltype(pointer<f>())>>;

}  // namespace wrap_detail

// The kernel of f: a function or a lambda without captures.
template <auto f>
void wrap(const Call& call, size_t n) {
  wrap_detail::PartsOf<f>::template run<f>(call, n);
}

// Calls f.operator()<T>() for integer kinds; null for others.
template <class F>
Kernel with_integer(value::Kind kind, F&& f) {
  switch (kind) {
    case value::Kind::kInt8:
      return f.template operator()<int8_t>();
    case value::Kind::kInt16:
      return f.template operator()<int16_t>();
    case value::Kind::kInt32:
      return f.template operator()<int32_t>();
    case value::Kind::kInt64:
      return f.template operator()<int64_t>();
    case value::Kind::kInt128:
      return f.template operator()<value::int128>();
    case value::Kind::kUint8:
      return f.template operator()<uint8_t>();
    case value::Kind::kUint16:
      return f.template operator()<uint16_t>();
    case value::Kind::kUint32:
      return f.template operator()<uint32_t>();
    case value::Kind::kUint64:
      return f.template operator()<uint64_t>();
    case value::Kind::kUint128:
      return f.template operator()<value::uint128>();
    default:
      return nullptr;
  }
}

}  // namespace tidemill::sql
