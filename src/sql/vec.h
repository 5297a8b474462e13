// Vectors of values under evaluation, and the kernels that work on them. Private to this room.
//
//   row      0    1    2            A kernel reads `n` rows of its arguments and writes `n` rows.
//   data   [ 7 | .. | 3 ]           A row's state is 1 (a value), 0 (null) or 2 (failed). A failed
//   state  [ 1 |  0 | 1 ]           row matters only if it reaches a result: CASE may leave it.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sql/limits.h"
#include "value/value.h"

namespace tidemill::sql {

inline constexpr uint8_t kNullState = 0;
inline constexpr uint8_t kValueState = 1;
inline constexpr uint8_t kFailedState = 2;

// The state of a row that needs both: failed if one is, else null if one is.
inline uint8_t both(uint8_t a, uint8_t b) {
  const unsigned failed = (a | b) & kFailedState;
  return static_cast<uint8_t>(failed != 0 ? kFailedState : (a & b));
}

// Text and nested values stand as string_view and `const value::Value*`; the content lives in an
// arena or in the source column. `step` is 0 for a constant: row 0 stands for all rows.
struct Vec {
  uint8_t* data = nullptr;
  uint8_t* state = nullptr;
  size_t step = 1;

  template <class T>
  const T& at(size_t row) const {
    return reinterpret_cast<const T*>(data)[row * step];
  }
  uint8_t state_at(size_t row) const { return state[row * step]; }
  template <class T>
  T* values() const {
    return reinterpret_cast<T*>(data);
  }
};

// Memory that lives as long as one run. Not thread-safe.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  // Aligned to 16 bytes, content unspecified.
  uint8_t* take(size_t bytes) {
    bytes = (bytes + 15) & ~size_t{15};
    if (bytes > static_cast<size_t>(end_ - at_)) grow(bytes);
    uint8_t* start = at_;
    at_ += bytes;
    return start;
  }
  std::string_view copy(std::string_view text) {
    uint8_t* start = take(text.size());
    if (!text.empty()) std::memcpy(start, text.data(), text.size());
    return {reinterpret_cast<const char*>(start), text.size()};
  }
  // A value that the arena owns.
  const value::Value* keep(value::Value value);
  Vec vec(size_t width, size_t rows) { return {take(width * rows), take(rows), 1}; }
  size_t bytes() const { return bytes_; }

 private:
  void grow(size_t bytes);
  uint8_t* at_ = nullptr;
  uint8_t* end_ = nullptr;
  size_t bytes_ = 0;
  std::vector<std::unique_ptr<uint8_t[]>> blocks_;
  std::vector<std::unique_ptr<value::Value>> values_;
};

// What a kernel may use besides its arguments.
struct EvalContext {
  Arena& arena;
  size_t watched_row = SIZE_MAX;       // when a failure is to be explained: its row in the chunk
  std::optional<Error> watched_error;  // set by the kernel that fails there
};

struct Call {
  Vec out;
  const Vec* args = nullptr;
  size_t arg_count = 0;
  const void* extra = nullptr;
  bool is_try = false;  // a failure is null
  EvalContext* context = nullptr;

  void fail_row(size_t row, const Error& error) const {
    out.state[row] = is_try ? kNullState : kFailedState;
    if (row == context->watched_row && !is_try) context->watched_error = error;
  }
};

// "Out of Memory Error: ...": the run is over kMaxRunBytes.
Error memory_error();

using Kernel = void (*)(const Call& call, size_t n);

// A value as a vector of one constant row, kept in the arena.
Vec constant_vec(Arena& arena, const value::Value& value);
// Row `row` of a vector as a value of that type; the row must not have failed.
value::Value value_at(const value::Type& type, const Vec& vec, size_t row);
// Writes a value or null to one row.
void store_value(Arena& arena, const value::Type& type, const Vec& out, size_t row,
                 const value::Value& value);

}  // namespace tidemill::sql
