#include "model/flatbuffer.h"

#include <fmt/format.h>

#include "base/text.h"

namespace tidemill::model {

tl::unexpected<Error> FlatBuffer::outside(size_t at) const {
  return fail(Code::kInvalid,
              fmt::format("byte {} is outside of the {} bytes there are: the file is damaged", at,
                          bytes_.size()));
}

Status FlatBuffer::spend(size_t bytes) {
  if (bytes > budget_) {
    return fail(Code::kInvalid, "its parts are more than its size: the file is damaged");
  }
  budget_ -= bytes;
  return {};
}

Result<size_t> FlatBuffer::follow(size_t at) const {
  TIDEMILL_TRY_LET(offset, read<uint32_t>(at));
  if (offset == 0 || offset >= bytes_.size() - at) return outside(at + offset);
  return at + offset;
}

Result<FlatBufferTable> FlatBuffer::root() {
  TIDEMILL_TRY_LET(at, follow(0));
  return FlatBufferTable(*this, at);
}

Result<std::string_view> FlatBuffer::text_at(size_t at) const {
  TIDEMILL_TRY_LET(size, read<uint32_t>(at));
  const size_t begin = at + sizeof(uint32_t);
  if (size > bytes_.size() - begin) return outside(begin + size);
  return bytes_.substr(begin, size);
}

// A table begins with the distance back to its list of fields: two sizes, then a place for each
// slot.
Result<size_t> FlatBufferTable::field(uint32_t slot) const {
  TIDEMILL_TRY_LET(distance, buffer_->read<int32_t>(at_));
  const int64_t list = static_cast<int64_t>(at_) - distance;
  if (list < 0) return buffer_->outside(0);
  const auto at = static_cast<size_t>(list);
  TIDEMILL_TRY_LET(size, buffer_->read<uint16_t>(at));
  const size_t entry = 4 + size_t{slot} * 2;
  if (entry + 2 > size) return size_t{0};
  TIDEMILL_TRY_LET(place, buffer_->read<uint16_t>(at + entry));
  return place == 0 ? size_t{0} : at_ + place;
}

Result<bool> FlatBufferTable::has(uint32_t slot) const {
  TIDEMILL_TRY_LET(at, field(slot));
  return at != 0;
}

Result<std::string_view> FlatBufferTable::text(uint32_t slot) const {
  TIDEMILL_TRY_LET(at, field(slot));
  if (at == 0) return std::string_view();
  TIDEMILL_TRY_LET(where, buffer_->follow(at));
  return buffer_->text_at(where);
}

Result<FlatBufferTable> FlatBufferTable::table(uint32_t slot) const {
  TIDEMILL_TRY_LET(at, field(slot));
  if (at == 0) return fail(Code::kInvalid, fmt::format("the table at byte {} lacks a part", at_));
  TIDEMILL_TRY_LET(where, buffer_->follow(at));
  return FlatBufferTable(*buffer_, where);
}

Result<FlatBufferTable::Extent> FlatBufferTable::extent(uint32_t slot, size_t element_bytes) const {
  TIDEMILL_TRY_LET(at, field(slot));
  if (at == 0) return Extent{};
  TIDEMILL_TRY_LET(where, buffer_->follow(at));
  TIDEMILL_TRY_LET(count, buffer_->read<uint32_t>(where));
  const size_t begin = where + sizeof(uint32_t);
  if (count > (buffer_->bytes_.size() - begin) / element_bytes) {
    return fail(Code::kInvalid,
                fmt::format("byte {}: a vector of {} elements of {} bytes; {} bytes are left",
                            where, count, element_bytes, buffer_->bytes_.size() - begin));
  }
  TIDEMILL_TRY(buffer_->spend(size_t{count} * element_bytes));
  return Extent{begin, count};
}

Result<std::string_view> FlatBufferTable::bytes(uint32_t slot) const {
  TIDEMILL_TRY_LET(extent, this->extent(slot, 1));
  return buffer_->bytes_.substr(extent.begin, extent.count);
}

Result<std::vector<FlatBufferTable>> FlatBufferTable::tables(uint32_t slot) const {
  TIDEMILL_TRY_LET(extent, this->extent(slot, sizeof(uint32_t)));
  std::vector<FlatBufferTable> out;
  for (size_t i = 0; i < extent.count; ++i) {
    TIDEMILL_TRY_LET(where, buffer_->follow(extent.begin + i * sizeof(uint32_t)));
    out.push_back(FlatBufferTable(*buffer_, where));
  }
  return out;
}

Result<std::vector<std::string_view>> FlatBufferTable::texts(uint32_t slot) const {
  TIDEMILL_TRY_LET(extent, this->extent(slot, sizeof(uint32_t)));
  std::vector<std::string_view> out;
  for (size_t i = 0; i < extent.count; ++i) {
    TIDEMILL_TRY_LET(where, buffer_->follow(extent.begin + i * sizeof(uint32_t)));
    TIDEMILL_TRY_LET(text, buffer_->text_at(where));
    out.push_back(text);
  }
  return out;
}

}  // namespace tidemill::model
