#include "model/ubjson_reader.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "base/text.h"

namespace tidemill::model {
namespace {

constexpr size_t kSkippedText = 1 << 20;

// The size of a number by its marker; 0: it is none.
size_t number_bytes(char type) {
  switch (type) {
    case 'i':
    case 'U':
      return 1;
    case 'I':
      return 2;
    case 'l':
    case 'd':
      return 4;
    case 'L':
    case 'D':
      return 8;
    default:
      return 0;
  }
}

uint64_t big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

}  // namespace

tl::unexpected<Error> UbjsonReader::error(std::string_view expected) const {
  if (at_ >= bytes_.size()) {
    return fail(Code::kInvalid,
                fmt::format("byte {}: the file ends where {} is expected: it is cut", bytes_.size(),
                            expected));
  }
  return fail(Code::kInvalid, fmt::format("byte {}: expected {}, found the byte 0x{:02x}", at_,
                                          expected, static_cast<unsigned char>(bytes_[at_])));
}

Status UbjsonReader::deeper() {
  if (++depth_ <= kDocumentDepth) return {};
  return fail(Code::kInvalid, fmt::format("byte {}: nested deeper than {} levels; no model is", at_,
                                          kDocumentDepth));
}

char UbjsonReader::peek() {
  while (element_ == 0 && at_ < bytes_.size() && bytes_[at_] == 'N') ++at_;  // a no-op
  const char type = element_ != 0 ? element_ : at_ < bytes_.size() ? bytes_[at_] : '\0';
  return type == 'S' || type == 'C' ? '"' : type;
}

// The type of the next value.
Result<char> UbjsonReader::marker() {
  peek();
  if (element_ != 0) return std::exchange(element_, '\0');
  if (at_ >= bytes_.size()) return error("a value");
  return bytes_[at_++];
}

Result<UbjsonReader::Number> UbjsonReader::number(char type) {
  const size_t size = number_bytes(type);
  Number value;
  if (type == 'T' || type == 'F') {
    value.whole = type == 'T' ? 1 : 0;
    value.real = static_cast<double>(value.whole);
    return value;
  }
  if (size == 0) {
    --at_;
    return error("a number");
  }
  if (bytes_.size() - at_ < size) {
    at_ = bytes_.size();
    return error("the rest of a number");
  }
  const uint64_t bits = big_endian(bytes_.substr(at_, size));
  at_ += size;
  value.is_real = type == 'd' || type == 'D';
  if (type == 'd') {
    value.real = static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  } else if (type == 'D') {
    value.real = std::bit_cast<double>(bits);
  } else {
    const auto unused = static_cast<int>(64 - 8 * size);
    value.whole =
        type == 'U' ? static_cast<int64_t>(bits) : static_cast<int64_t>(bits << unused) >> unused;
    value.real = static_cast<double>(value.whole);
  }
  return value;
}

Result<size_t> UbjsonReader::length() {
  if (at_ >= bytes_.size()) return error("a length");
  const size_t start = at_;
  const char type = bytes_[at_++];
  if (type == 'd' || type == 'D' || number_bytes(type) == 0) {
    --at_;
    return error("a length: one of the markers i U I l L");
  }
  TIDEMILL_TRY_LET(value, number(type));
  if (value.whole < 0 || static_cast<uint64_t>(value.whole) > bytes_.size() - at_) {
    return fail(Code::kInvalid, fmt::format("byte {}: a length of {}; {} bytes are left", start,
                                            value.whole, bytes_.size() - at_));
  }
  return static_cast<size_t>(value.whole);
}

Result<UbjsonReader::Extent> UbjsonReader::extent() {
  Extent found;
  if (at_ < bytes_.size() && bytes_[at_] == '$') {
    ++at_;
    if (at_ >= bytes_.size()) return error("the type of an array");
    found.type = bytes_[at_++];
    if (number_bytes(found.type) == 0) {
      --at_;
      return error("a type of numbers");
    }
    if (at_ >= bytes_.size() || bytes_[at_] != '#') return error("\"#\" and a count");
  }
  if (at_ < bytes_.size() && bytes_[at_] == '#') {
    ++at_;
    const size_t start = at_;
    TIDEMILL_TRY_LET(count, length());
    found.counted = true;
    found.count = count;
    const size_t size = std::max<size_t>(number_bytes(found.type), 1);
    if (count > (bytes_.size() - at_) / size) {
      return fail(Code::kInvalid, fmt::format("byte {}: {} elements of {} bytes; {} bytes are left",
                                              start, count, size, bytes_.size() - at_));
    }
  }
  return found;
}

// Whether there is an element `index`; consumes the closing bracket if not.
bool UbjsonReader::is_more(const Extent& extent, size_t index, char closing) {
  if (extent.counted) return index < extent.count;
  element_ = 0;
  if (peek() != closing) return true;
  ++at_;
  return false;
}

Status UbjsonReader::object(const std::function<Status(std::string_view name)>& member) {
  if (peek() != '{' || element_ != 0) return error("an object");
  ++at_;
  TIDEMILL_TRY(deeper());
  TIDEMILL_TRY_LET(extent, this->extent());
  if (extent.type != 0) return error("an object without a type");
  MemberNames names;
  for (size_t i = 0; is_more(extent, i, '}'); ++i) {
    const size_t start = at_;
    TIDEMILL_TRY_LET(name, raw_text(kMemberNameBytes));
    if (!names.add(name)) {
      return fail(Code::kInvalid, fmt::format("byte {}: the name \"{}\" occurs twice in one object",
                                              start, printable(name, 60)));
    }
    TIDEMILL_TRY(member(name));
  }
  if (!names.distinct()) {
    return fail(Code::kInvalid,
                fmt::format("a name occurs twice in the object that ends at byte {}", at_));
  }
  --depth_;
  return {};
}

Status UbjsonReader::array(const std::function<Status(size_t index)>& element) {
  if (peek() != '[' || element_ != 0) return error("an array");
  ++at_;
  TIDEMILL_TRY(deeper());
  TIDEMILL_TRY_LET(extent, this->extent());
  for (size_t i = 0; is_more(extent, i, ']'); ++i) {
    element_ = extent.type;
    TIDEMILL_TRY(element(i));
  }
  element_ = 0;
  --depth_;
  return {};
}

template <class Take>
Status UbjsonReader::numbers(size_t limit, Take take) {
  if (peek() != '[' || element_ != 0) return error("an array of numbers");
  const size_t start = at_++;
  TIDEMILL_TRY_LET(extent, this->extent());
  if (extent.counted && extent.count > limit) {
    return fail(Code::kInvalid, fmt::format("byte {}: an array of {} numbers; {} are the most here",
                                            start, extent.count, limit));
  }
  for (size_t i = 0; is_more(extent, i, ']'); ++i) {
    if (i >= limit) return error("the end of the array: it is longer than anything allowed here");
    element_ = extent.type;
    TIDEMILL_TRY_LET(type, marker());
    TIDEMILL_TRY_LET(value, number(type));
    if (!take(value)) {
      return fail(Code::kInvalid,
                  fmt::format("byte {}: expected a whole number from -2147483648 to "
                              "2147483647",
                              at_));
    }
  }
  return {};
}

Status UbjsonReader::floats(std::vector<float>& out, size_t limit) {
  out.clear();
  return numbers(limit, [&](const Number& n) {
    out.push_back(static_cast<float>(n.real));
    return true;
  });
}

Status UbjsonReader::doubles(std::vector<double>& out, size_t limit) {
  out.clear();
  return numbers(limit, [&](const Number& n) {
    out.push_back(n.real);
    return true;
  });
}

Status UbjsonReader::integers(std::vector<int32_t>& out, size_t limit) {
  out.clear();
  return numbers(limit, [&](const Number& n) {
    if (n.is_real || n.whole < INT32_MIN || n.whole > INT32_MAX) return false;
    out.push_back(static_cast<int32_t>(n.whole));
    return true;
  });
}

Result<size_t> UbjsonReader::count_numbers() {
  size_t count = 0;
  TIDEMILL_TRY(numbers(std::numeric_limits<size_t>::max(), [&](const Number&) {
    ++count;
    return true;
  }));
  return count;
}

// A length and as many bytes: a name, or what follows the marker S.
Result<std::string> UbjsonReader::raw_text(size_t limit) {
  const size_t start = at_;
  TIDEMILL_TRY_LET(size, length());
  if (size > limit) {
    return fail(Code::kInvalid,
                fmt::format("byte {}: a string of more than {} bytes", start, limit));
  }
  std::string out(bytes_.substr(at_, size));
  at_ += size;
  if (!is_utf8(out) || out.find('\0') != std::string::npos) {
    return fail(Code::kInvalid,
                fmt::format("byte {}: a string that is not UTF-8 or has a zero byte", start));
  }
  return out;
}

Result<std::string> UbjsonReader::text(size_t limit) {
  if (peek() != '"' || element_ != 0 || bytes_[at_] != 'S') return error("a string");
  ++at_;
  return raw_text(limit);
}

Result<std::string> UbjsonReader::text_or_number(size_t limit) {
  if (peek() == '"') return text(limit);
  TIDEMILL_TRY_LET(type, marker());
  TIDEMILL_TRY_LET(value, number(type));
  if (type == 'd') return fmt::format("{}", static_cast<float>(value.real));
  return value.is_real ? fmt::format("{}", value.real) : fmt::format("{}", value.whole);
}

Status UbjsonReader::skip() {
  switch (peek()) {
    case '{':
      return object([this](std::string_view) { return skip(); });
    case '[':
      return array([this](size_t) { return skip(); });
    case '"': {
      TIDEMILL_TRY(text(kSkippedText));
      return {};
    }
    case 'Z':
      ++at_;
      return {};
    default: {
      TIDEMILL_TRY_LET(type, marker());
      TIDEMILL_TRY(number(type));
      return {};
    }
  }
}

Status UbjsonReader::end() {
  peek();
  if (at_ == bytes_.size()) return {};
  return error("the end of the file after the document");
}

}  // namespace tidemill::model
