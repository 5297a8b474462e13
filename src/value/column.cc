#include "value/column.h"

#include <new>

#include "base/check.h"

namespace tidemill::value {

Buffer& Buffer::operator=(const Buffer& other) {
  if (this != &other) {
    size_ = 0;
    append(other.data(), other.size_);
  }
  return *this;
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    release();
    take(other);
  }
  return *this;
}

void Buffer::take(Buffer& other) noexcept {
  size_ = other.size_;
  if (other.data_ == other.inside_) {
    data_ = inside_;
    capacity_ = kInside;
    std::memcpy(inside_, other.inside_, kInside);
  } else {
    data_ = other.data_;
    capacity_ = other.capacity_;
  }
  other.data_ = other.inside_;
  other.size_ = 0;
  other.capacity_ = kInside;
}

void Buffer::release() {
  if (data_ != inside_) ::operator delete(data_, std::align_val_t(16));
  data_ = inside_;
}

void Buffer::reserve(size_t n) {
  if (n <= capacity_) return;
  const size_t capacity = std::max(n, capacity_ * 2);
  auto* grown = static_cast<uint8_t*>(::operator new(capacity, std::align_val_t(16)));
  std::memcpy(grown, data_, size_);
  release();
  data_ = grown;
  capacity_ = capacity;
}

uint8_t* Buffer::extend(size_t n) {
  reserve(size_ + n);
  uint8_t* start = data_ + size_;
  size_ += n;
  return start;
}

void Buffer::append(const void* bytes, size_t n) {
  if (n > 0) std::memcpy(extend(n), bytes, n);
}

namespace {

// The bytes of a value in flat storage, little endian as the machine is.
struct Flat {
  alignas(16) uint8_t bytes[16] = {};
};

Flat flat_of(const Value& value) {
  Flat flat;
  switch (value.type().kind()) {
    case Kind::kFloat: {
      const auto f = static_cast<float>(value.as_double());
      std::memcpy(flat.bytes, &f, sizeof f);
      break;
    }
    case Kind::kDouble: {
      const double d = value.as_double();
      std::memcpy(flat.bytes, &d, sizeof d);
      break;
    }
    case Kind::kInterval: {
      const Interval i = value.as_interval();
      std::memcpy(flat.bytes, &i, sizeof i);
      break;
    }
    default: {
      const int128 n = value.as_int();
      std::memcpy(flat.bytes, &n, sizeof n);
    }
  }
  return flat;
}

template <class T>
Value integer_at(const Type& type, const uint8_t* data, size_t row) {
  T n;
  std::memcpy(&n, data + row * sizeof(T), sizeof(T));
  return Value::of_int(type, static_cast<int128>(n));
}

}  // namespace

std::string_view Column::text(size_t row) const {
  const auto* ends = reinterpret_cast<const uint64_t*>(data_.data());
  const uint64_t start = row == 0 ? 0 : ends[row - 1];
  return std::string_view(bytes_).substr(start, ends[row] - start);
}

Value Column::at(size_t row) const {
  TIDEMILL_CHECK(row < size());
  if (!is_valid(row)) return Value::null(type_);
  const uint8_t* data = data_.data();
  switch (type_.kind()) {
    case Kind::kNull:
      return Value::null(type_);
    case Kind::kBool:
    case Kind::kUint8:
      return integer_at<uint8_t>(type_, data, row);
    case Kind::kInt8:
      return integer_at<int8_t>(type_, data, row);
    case Kind::kInt16:
      return integer_at<int16_t>(type_, data, row);
    case Kind::kUint16:
      return integer_at<uint16_t>(type_, data, row);
    case Kind::kInt32:
    case Kind::kDate:
      return integer_at<int32_t>(type_, data, row);
    case Kind::kUint32:
      return integer_at<uint32_t>(type_, data, row);
    case Kind::kInt64:
    case Kind::kTime:
    case Kind::kTimestamp:
    case Kind::kTimestampTz:
      return integer_at<int64_t>(type_, data, row);
    case Kind::kUint64:
      return integer_at<uint64_t>(type_, data, row);
    case Kind::kInt128:
    case Kind::kUint128:
    case Kind::kDecimal:
      return integer_at<int128>(type_, data, row);
    case Kind::kFloat:
      return Value::single(values<float>()[row]);
    case Kind::kDouble:
      return Value::real(values<double>()[row]);
    case Kind::kInterval:
      return Value::interval(values<Interval>()[row]);
    case Kind::kVarchar:
    case Kind::kJson:
    case Kind::kBlob:
      return Value::bytes(type_, std::string(text(row)));
    case Kind::kList:
    case Kind::kStruct:
    case Kind::kMap:
      return nested_[row];
  }
  return Value::null(type_);
}

void Column::append_null() {
  *valid_.extend(1) = 0;
  if (type_.is_bytes()) {
    const uint64_t end = bytes_.size();
    data_.append(&end, sizeof end);
  } else if (type_.is_nested()) {
    nested_.push_back(Value::null(type_));
  } else {
    const size_t width = static_cast<size_t>(storage_width(type_.kind()));
    std::memset(data_.extend(width), 0, width);
  }
}

void Column::append_text(std::string_view text) {
  *valid_.extend(1) = 1;
  bytes_.append(text);
  const uint64_t end = bytes_.size();
  data_.append(&end, sizeof end);
}

void Column::append_nested(const Value& value) {
  *valid_.extend(1) = value.is_null() ? 0 : 1;
  nested_.push_back(value);
}

void Column::append(const Value& value) {
  if (value.is_null()) return append_null();
  TIDEMILL_CHECK(value.type() == type_);
  if (type_.is_bytes()) return append_text(value.as_text());
  if (type_.is_nested()) return append_nested(value);
  *valid_.extend(1) = 1;
  const Flat flat = flat_of(value);
  data_.append(flat.bytes, static_cast<size_t>(storage_width(type_.kind())));
}

void Column::append_flat(const uint8_t* data, const uint8_t* validity, size_t n) {
  TIDEMILL_CHECK(!type_.is_bytes() && !type_.is_nested());
  const size_t width = static_cast<size_t>(storage_width(type_.kind()));
  valid_.append(validity, n);
  const size_t start = data_.size();
  data_.append(data, n * width);
  for (size_t i = 0; i < n; ++i) {
    if (validity[i] == 0) std::memset(data_.data() + start + i * width, 0, width);
  }
}

void Column::reserve(size_t rows) {
  valid_.reserve(rows);
  if (type_.is_nested()) {
    nested_.reserve(rows);
  } else {
    data_.reserve(rows * static_cast<size_t>(type_.is_bytes() ? 8 : storage_width(type_.kind())));
  }
}

}  // namespace tidemill::value
