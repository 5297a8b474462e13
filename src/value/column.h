// A column: values of one type, held flat.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "value/type.h"
#include "value/value.h"

namespace tidemill::value {

// Bytes with room for a few inside, so that columns of one row need no allocation.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer& other) { append(other.data(), other.size_); }
  Buffer(Buffer&& other) noexcept { take(other); }
  Buffer& operator=(const Buffer& other);
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { release(); }

  const uint8_t* data() const { return data_; }
  uint8_t* data() { return data_; }
  size_t size() const { return size_; }
  void append(const void* bytes, size_t n);
  // Grows by n bytes of unspecified content and returns where they start.
  uint8_t* extend(size_t n);
  void reserve(size_t n);

 private:
  void take(Buffer& other) noexcept;
  void release();
  static constexpr size_t kInside = 16;
  uint8_t* data_ = inside_;
  size_t size_ = 0;
  size_t capacity_ = kInside;
  alignas(16) uint8_t inside_[kInside];
};

// Numbers, dates and intervals lie flat in `data()`, `storage_width(kind)` bytes each; a null's
// bytes are zero. Text lies end to end in one string; nested values are held one by one.
// A column is a plain value: not synchronised, safe to read from several threads.
class Column {
 public:
  Column() = default;
  explicit Column(Type type) : type_(std::move(type)) {}

  const Type& type() const { return type_; }
  size_t size() const { return valid_.size(); }
  bool is_valid(size_t row) const { return valid_.data()[row] != 0; }
  // One byte a row: 1 has a value, 0 is null.
  const uint8_t* validity() const { return valid_.data(); }
  const uint8_t* data() const { return data_.data(); }
  template <class T>
  const T* values() const {
    return reinterpret_cast<const T*>(data_.data());
  }
  std::string_view text(size_t row) const;  // VARCHAR, JSON, BLOB
  const Value& nested(size_t row) const { return nested_[row]; }
  Value at(size_t row) const;

  // The value's type must be the column's, or the value null.
  void append(const Value& value);
  void append_null();
  void append_text(std::string_view text);
  // n rows from flat storage; not for text and nested types.
  void append_flat(const uint8_t* data, const uint8_t* validity, size_t n);
  void append_nested(const Value& value);
  void reserve(size_t rows);

 private:
  Type type_;
  Buffer valid_;
  Buffer data_;  // flat values, or of text: the end of each row in bytes_, uint64
  std::string bytes_;
  std::vector<Value> nested_;
};

}  // namespace tidemill::value
