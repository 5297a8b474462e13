// Reads FlatBuffers without trusting them: every offset, table and vector is checked before it is
// followed, and no more is copied in all than a few times the bytes there are.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidemill::model {

class FlatBuffer;

// A table: fields by slot, in the order of its schema. Valid as long as the buffer.
class FlatBufferTable {
 public:
  template <class Number>
  Result<Number> number(uint32_t slot, Number otherwise) const;
  Result<std::string_view> text(uint32_t slot) const;  // empty if absent
  Result<bool> has(uint32_t slot) const;
  Result<FlatBufferTable> table(uint32_t slot) const;  // refused if absent
  // The elements of a vector of numbers or structures of numbers; empty if absent.
  template <class Element>
  Result<std::vector<Element>> vector(uint32_t slot) const;
  Result<std::string_view> bytes(uint32_t slot) const;  // of a vector of bytes
  Result<std::vector<FlatBufferTable>> tables(uint32_t slot) const;
  Result<std::vector<std::string_view>> texts(uint32_t slot) const;

 private:
  friend class FlatBuffer;
  FlatBufferTable(FlatBuffer& buffer, size_t at) : buffer_(&buffer), at_(at) {}
  Result<size_t> field(uint32_t slot) const;  // its place; 0 = absent
  // Where the elements begin and how many there are.
  struct Extent {
    size_t begin = 0, count = 0;
  };
  Result<Extent> extent(uint32_t slot, size_t element_bytes) const;

  FlatBuffer* buffer_;
  size_t at_;
};

class FlatBuffer {
 public:
  explicit FlatBuffer(std::string_view bytes) : bytes_(bytes), budget_(4 * bytes.size() + 1024) {}

  Result<FlatBufferTable> root();

 private:
  friend class FlatBufferTable;
  template <class Number>
  Result<Number> read(size_t at) const {
    if (at > bytes_.size() || bytes_.size() - at < sizeof(Number)) return outside(at);
    Number value;
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    return value;
  }
  tl::unexpected<Error> outside(size_t at) const;
  Result<size_t> follow(size_t at) const;  // an offset that stands there
  Result<std::string_view> text_at(size_t at) const;
  Status spend(size_t bytes);

  std::string_view bytes_;
  size_t budget_;  // what may still be copied
};

template <class Number>
Result<Number> FlatBufferTable::number(uint32_t slot, Number otherwise) const {
  TIDEMILL_TRY_LET(at, field(slot));
  if (at == 0) return otherwise;
  return buffer_->read<Number>(at);
}

template <class Element>
Result<std::vector<Element>> FlatBufferTable::vector(uint32_t slot) const {
  TIDEMILL_TRY_LET(extent, this->extent(slot, sizeof(Element)));
  std::vector<Element> out(extent.count);
  if (!out.empty()) {
    std::memcpy(out.data(), buffer_->bytes_.data() + extent.begin, out.size() * sizeof(Element));
  }
  return out;
}

}  // namespace tidemill::model
