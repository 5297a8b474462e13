#include "sql/vec.h"

namespace tidemill::sql {

using value::Kind;
using value::Type;
using value::Value;

Arena::~Arena() = default;

void Arena::grow(size_t bytes) {
  const size_t size = std::max(bytes + 16, std::min<size_t>(bytes_ + 4096, 1u << 20));
  blocks_.push_back(std::make_unique_for_overwrite<uint8_t[]>(size));
  bytes_ += size;
  const auto start = reinterpret_cast<uintptr_t>(blocks_.back().get());
  at_ = blocks_.back().get() + ((16 - start % 16) % 16);
  end_ = blocks_.back().get() + size;
}

Error memory_error() {
  return Error{Code::kExhausted,
               fmt::format("the query needs more than {} bytes of memory; read fewer rows or make "
                           "shorter texts",
                           kMaxRunBytes),
               "Out of Memory Error"};
}

const Value* Arena::keep(Value value) {
  values_.push_back(std::make_unique<Value>(std::move(value)));
  bytes_ += sizeof(Value);
  return values_.back().get();
}

namespace {

template <class T>
void put(const Vec& out, size_t row, T x) {
  reinterpret_cast<T*>(out.data)[row] = x;
}

template <class T>
Value integer_of(const Type& type, const Vec& vec, size_t row) {
  return Value::of_int(type, static_cast<value::int128>(vec.at<T>(row)));
}

}  // namespace

void store_value(Arena& arena, const Type& type, const Vec& out, size_t row, const Value& value) {
  out.state[row] = value.is_null() ? kNullState : kValueState;
  const auto width = static_cast<size_t>(value::storage_width(type.kind()));
  if (value.is_null()) {
    std::memset(out.data + row * width, 0, width);
    return;
  }
  switch (type.kind()) {
    case Kind::kFloat:
      return put(out, row, static_cast<float>(value.as_double()));
    case Kind::kDouble:
      return put(out, row, value.as_double());
    case Kind::kInterval:
      return put(out, row, value.as_interval());
    case Kind::kVarchar:
    case Kind::kJson:
    case Kind::kBlob:
      return put(out, row, arena.copy(value.as_text()));
    case Kind::kList:
    case Kind::kStruct:
    case Kind::kMap:
      return put(out, row, arena.keep(value));
    default: {
      const value::int128 n = value.as_int();
      std::memcpy(out.data + row * width, &n, width);
    }
  }
}

Vec constant_vec(Arena& arena, const Value& value) {
  Vec vec = arena.vec(16, 1);
  vec.step = 0;
  std::memset(vec.data, 0, 16);
  store_value(arena, value.type(), vec, 0, value);
  return vec;
}

Value value_at(const Type& type, const Vec& vec, size_t row) {
  if (vec.state_at(row) != kValueState) return Value::null(type);
  switch (type.kind()) {
    case Kind::kNull:
      return Value::null(type);
    case Kind::kBool:
    case Kind::kUint8:
      return integer_of<uint8_t>(type, vec, row);
    case Kind::kInt8:
      return integer_of<int8_t>(type, vec, row);
    case Kind::kInt16:
      return integer_of<int16_t>(type, vec, row);
    case Kind::kUint16:
      return integer_of<uint16_t>(type, vec, row);
    case Kind::kInt32:
    case Kind::kDate:
      return integer_of<int32_t>(type, vec, row);
    case Kind::kUint32:
      return integer_of<uint32_t>(type, vec, row);
    case Kind::kInt64:
    case Kind::kTime:
    case Kind::kTimestamp:
    case Kind::kTimestampTz:
      return integer_of<int64_t>(type, vec, row);
    case Kind::kUint64:
      return integer_of<uint64_t>(type, vec, row);
    case Kind::kInt128:
    case Kind::kUint128:
    case Kind::kDecimal:
      return integer_of<value::int128>(type, vec, row);
    case Kind::kFloat:
      return Value::single(vec.at<float>(row));
    case Kind::kDouble:
      return Value::real(vec.at<double>(row));
    case Kind::kInterval:
      return Value::interval(vec.at<value::Interval>(row));
    case Kind::kVarchar:
    case Kind::kJson:
    case Kind::kBlob:
      return Value::bytes(type, std::string(vec.at<std::string_view>(row)));
    case Kind::kList:
    case Kind::kStruct:
    case Kind::kMap:
      return *vec.at<const Value*>(row);
  }
  return Value::null(type);
}

}  // namespace tidemill::sql
