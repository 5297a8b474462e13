// Little-endian writing and checked reading: messages, journals, files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace tidemill {

class ByteWriter {
 public:
  void u8(uint8_t v) { bytes_.push_back(static_cast<char>(v)); }
  void u16(uint16_t v) { integer(v, 2); }
  void u32(uint32_t v) { integer(v, 4); }
  void u64(uint64_t v) { integer(v, 8); }
  void i64(int64_t v) { integer(static_cast<uint64_t>(v), 8); }
  void varint(uint64_t v) {
    for (; v >= 0x80; v >>= 7) u8(static_cast<uint8_t>(v | 0x80));
    u8(static_cast<uint8_t>(v));
  }
  void raw(std::string_view v) { bytes_.append(v); }
  void text(std::string_view v) {
    u32(static_cast<uint32_t>(v.size()));
    raw(v);
  }
  size_t size() const { return bytes_.size(); }
  const std::string& bytes() const { return bytes_; }
  std::string take() { return std::move(bytes_); }

 private:
  void integer(uint64_t v, int width) {
    for (int i = 0; i < width; ++i) bytes_.push_back(static_cast<char>(v >> (8 * i)));
  }
  std::string bytes_;
};

// A read beyond the end, or a count that cannot fit, turns the reader bad for good; every later
// read gives zero or nothing. The caller asks once, at the end, whether all was well.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  uint8_t u8() { return static_cast<uint8_t>(integer(1)); }
  uint16_t u16() { return static_cast<uint16_t>(integer(2)); }
  uint32_t u32() { return static_cast<uint32_t>(integer(4)); }
  uint64_t u64() { return integer(8); }
  int64_t i64() { return static_cast<int64_t>(integer(8)); }
  uint64_t varint() {
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      uint8_t const byte = u8();
      v |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return v;
    }
    spoil();
    return 0;
  }
  std::string_view raw(size_t size) {
    if (size > rest_.size()) return spoil();
    std::string_view const got = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return got;
  }
  std::string_view text() { return raw(u32()); }
  // A number of elements of at least `least_bytes` each.
  size_t count(size_t least_bytes) {
    size_t const n = u32();
    if (n <= rest_.size() / least_bytes) return n;
    spoil();
    return 0;
  }
  void expect(bool holds) {
    if (!holds) spoil();
  }
  size_t left() const { return rest_.size(); }
  bool ok() const { return ok_; }
  bool finished() const { return ok_ && rest_.empty(); }

 private:
  std::string_view spoil() {
    ok_ = false;
    rest_ = {};
    return {};
  }
  uint64_t integer(size_t width) {
    std::string_view const bytes = raw(width);
    uint64_t v = 0;
    for (size_t i = 0; i < bytes.size(); ++i) {
      v |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
    }
    return v;
  }
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace tidemill
