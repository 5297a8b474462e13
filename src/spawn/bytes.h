// Little-endian writing and checked reading of messages and journal records.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemill::spawn {

class Writer {
 public:
  void u8(uint8_t v) { out_.push_back(static_cast<char>(v)); }
  void u32(uint32_t v) { integer(v, 4); }
  void u64(uint64_t v) { integer(v, 8); }
  void i64(int64_t v) { integer(static_cast<uint64_t>(v), 8); }
  void text(std::string_view v) {
    u32(static_cast<uint32_t>(v.size()));
    out_.append(v);
  }
  const std::string& bytes() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  void integer(uint64_t v, int width) {
    for (int i = 0; i < width; ++i) out_.push_back(static_cast<char>(v >> (8 * i)));
  }
  std::string out_;
};

// A read beyond the end, or a count that cannot fit, turns the reader bad for good; every later
// read gives zero or nothing. The caller asks once, at the end, whether all was well.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  uint8_t u8() { return static_cast<uint8_t>(integer(1)); }
  uint32_t u32() { return static_cast<uint32_t>(integer(4)); }
  uint64_t u64() { return integer(8); }
  int64_t i64() { return static_cast<int64_t>(integer(8)); }
  std::string_view text() {
    const size_t size = u32();
    if (size > rest_.size()) return spoil();
    const std::string_view got = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return got;
  }
  // A number of elements of at least `least_bytes` each.
  size_t count(size_t least_bytes) {
    const size_t n = u32();
    if (n > rest_.size() / least_bytes) {
      spoil();
      return 0;
    }
    return n;
  }
  void expect(bool holds) {
    if (!holds) spoil();
  }
  bool ok() const { return ok_; }
  bool finished() const { return ok_ && rest_.empty(); }

 private:
  std::string_view spoil() {
    ok_ = false;
    rest_ = {};
    return {};
  }
  uint64_t integer(size_t width) {
    if (rest_.size() < width) {
      spoil();
      return 0;
    }
    uint64_t v = 0;
    for (size_t i = 0; i < width; ++i) {
      v |= static_cast<uint64_t>(static_cast<uint8_t>(rest_[i])) << (8 * i);
    }
    rest_.remove_prefix(width);
    return v;
  }
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace tidemill::spawn
