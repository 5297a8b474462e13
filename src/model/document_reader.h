// A document of objects, arrays, numbers and text, read once from front to back: what JsonReader
// and UbjsonReader have in common, so that a trainer's format in both spellings has one reader.
//
//   reader.object([&](std::string_view name) -> Status {   // each member's value must be consumed
//     if (name == "weights") return reader.floats(weights, 1000);
//     return reader.skip();
//   });
//   reader.end();
//
// Strict: duplicate names refused, depth at most 64, nothing after the document, and no length is
// believed before it is compared with what is left. After an error the reader must not be used
// further. Errors name the byte offset. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidemill::model {

class DocumentReader {
 public:
  virtual ~DocumentReader() = default;

  // The first character of the next value: '{' and '[' are an object and an array, '"' a text; 0 at
  // the end.
  virtual char peek() = 0;

  // The callback gets the name, valid until the next call of the reader, and consumes the value.
  virtual Status object(const std::function<Status(std::string_view name)>& member) = 0;
  // The callback gets the index and consumes the element.
  virtual Status array(const std::function<Status(size_t index)>& element) = 0;

  // The array's elements replace `out`; more than `limit` are refused. Values beyond float32 become
  // infinite: the caller checks what must be finite.
  virtual Status floats(std::vector<float>& out, size_t limit) = 0;
  virtual Status doubles(std::vector<double>& out, size_t limit) = 0;
  // Whole numbers within int32; true and false are read as 1 and 0.
  virtual Status integers(std::vector<int32_t>& out, size_t limit) = 0;
  // The number of elements of an array of numbers that nobody needs.
  virtual Result<size_t> count_numbers() = 0;

  // At most `limit` bytes after escapes are resolved; valid UTF-8, no zero byte.
  virtual Result<std::string> text(size_t limit) = 0;
  // A string, or a number as it is written.
  virtual Result<std::string> text_or_number(size_t limit) = 0;

  virtual Status skip() = 0;  // the next value, whatever it is; checked all the same
  virtual Status end() = 0;   // nothing but blanks may follow
};

// The names seen in one object, as hashes: 8 bytes a member. Small objects are searched at once,
// large ones sorted at their end, so that a hostile file cannot make this slow.
class MemberNames {
 public:
  bool add(std::string_view name);  // false: seen before
  bool distinct();                  // at the end of the object

 private:
  std::vector<uint64_t> hashes_;
};

inline constexpr size_t kDocumentDepth = 64;
inline constexpr size_t kMemberNameBytes = 4096;

}  // namespace tidemill::model
