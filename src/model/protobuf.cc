#include "model/protobuf.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

namespace tidemill::model {

tl::unexpected<Error> ProtoReader::error(std::string_view what) const {
  return fail(Code::kInvalid, fmt::format("byte {}: {}", base_ + at_, what));
}

Result<uint64_t> ProtoReader::varint() {
  uint64_t value = 0;
  for (uint32_t shift = 0; shift < 64; shift += 7) {
    if (at_ >= bytes_.size()) return error("the file ends within a number: it is cut");
    const auto byte = static_cast<unsigned char>(bytes_[at_++]);
    value |= static_cast<uint64_t>(byte & 127) << shift;
    if (byte < 128) return value;
  }
  return error("a number of more than 10 bytes");
}

Result<bool> ProtoReader::next() {
  if (at_ >= bytes_.size()) return false;
  TIDEMILL_TRY_LET(tag, varint());
  field_ = static_cast<uint32_t>(tag >> 3);
  const uint64_t wire = tag & 7;
  if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff) return error("a field with an impossible number");
  if (wire != 0 && wire != 1 && wire != 2 && wire != 5) {
    return error(fmt::format("wire type {} of field {} is not supported", wire, field_));
  }
  wire_ = static_cast<Wire>(wire);
  if (wire_ == Wire::kVarint) {
    TIDEMILL_TRY_LET(value, varint());
    number_ = value;
    return true;
  }
  uint64_t size = wire_ == Wire::kEight ? 8 : 4;
  if (wire_ == Wire::kBytes) {
    TIDEMILL_TRY_LET(stated, varint());
    size = stated;
  }
  if (size > bytes_.size() - at_) {
    return error(fmt::format("field {} has {} bytes, {} are left: the file is cut or damaged",
                             field_, size, bytes_.size() - at_));
  }
  content_ = bytes_.substr(at_, size);
  content_at_ = base_ + at_;
  at_ += size;
  return true;
}

Status ProtoReader::expect(Wire wire) const {
  if (wire == wire_) return {};
  return error(fmt::format("field {} has wire type {}, expected {}", field_,
                           static_cast<int>(wire_), static_cast<int>(wire)));
}

Result<int64_t> ProtoReader::integer() const {
  TIDEMILL_TRY(expect(Wire::kVarint));
  return static_cast<int64_t>(number_);
}

Result<float> ProtoReader::single() const {
  TIDEMILL_TRY(expect(Wire::kFour));
  float value = 0;
  std::memcpy(&value, content_.data(), sizeof value);
  return value;
}

Result<double> ProtoReader::real() const {
  TIDEMILL_TRY(expect(Wire::kEight));
  double value = 0;
  std::memcpy(&value, content_.data(), sizeof value);
  return value;
}

Result<std::string_view> ProtoReader::bytes() const {
  TIDEMILL_TRY(expect(Wire::kBytes));
  return content_;
}

Result<ProtoReader> ProtoReader::message() const {
  TIDEMILL_TRY(expect(Wire::kBytes));
  return ProtoReader(content_, content_at_);
}

Status ProtoReader::integers(std::vector<int64_t>& out) const {
  if (wire_ == Wire::kVarint) {
    out.push_back(static_cast<int64_t>(number_));
    return {};
  }
  TIDEMILL_TRY(expect(Wire::kBytes));
  ProtoReader packed(content_, content_at_);
  while (packed.at_ < packed.bytes_.size()) {
    TIDEMILL_TRY_LET(value, packed.varint());
    out.push_back(static_cast<int64_t>(value));
  }
  return {};
}

Status ProtoReader::singles(std::vector<double>& out) const {
  if (wire_ != Wire::kFour) TIDEMILL_TRY(expect(Wire::kBytes));
  if (content_.size() % sizeof(float) != 0) return error("a list of floats is cut");
  for (size_t i = 0; i < content_.size(); i += sizeof(float)) {
    float value = 0;
    std::memcpy(&value, content_.data() + i, sizeof value);
    out.push_back(static_cast<double>(value));
  }
  return {};
}

Status ProtoReader::reals(std::vector<double>& out) const {
  if (wire_ != Wire::kEight) TIDEMILL_TRY(expect(Wire::kBytes));
  if (content_.size() % sizeof(double) != 0) return error("a list of doubles is cut");
  for (size_t i = 0; i < content_.size(); i += sizeof(double)) {
    double value = 0;
    std::memcpy(&value, content_.data() + i, sizeof value);
    out.push_back(value);
  }
  return {};
}

}  // namespace tidemill::model
