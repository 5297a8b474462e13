// Reads protobuf's wire form without trusting it: no length is believed before it is compared with
// what is left; groups are refused.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidemill::model {

// The fields of one message, in the order of the file.
class ProtoReader {
 public:
  // `base` is where `bytes` begin in the file, for messages.
  explicit ProtoReader(std::string_view bytes, size_t base = 0) : bytes_(bytes), base_(base) {}

  // Moves to the next field; false at the end of the message.
  Result<bool> next();
  uint32_t field() const { return field_; }

  // Of the field. Refused: another wire type than the one that is meant.
  Result<int64_t> integer() const;
  Result<float> single() const;
  Result<double> real() const;
  Result<std::string_view> bytes() const;
  Result<ProtoReader> message() const;
  // Repeated numbers, packed or one at a time: appended to `out`.
  Status integers(std::vector<int64_t>& out) const;
  Status singles(std::vector<double>& out) const;
  Status reals(std::vector<double>& out) const;

 private:
  enum class Wire { kVarint = 0, kEight = 1, kBytes = 2, kFour = 5 };
  tl::unexpected<Error> error(std::string_view what) const;
  Result<uint64_t> varint();
  Status expect(Wire wire) const;

  std::string_view bytes_;
  size_t base_, at_ = 0;
  uint32_t field_ = 0;
  Wire wire_ = Wire::kVarint;
  uint64_t number_ = 0;
  std::string_view content_;
  size_t content_at_ = 0;
};

}  // namespace tidemill::model
