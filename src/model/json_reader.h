// A strict reader of JSON model files that builds no tree of values.
//
// A model file is mostly long arrays of numbers. They go straight into vectors, so that the memory
// needed stays below a small multiple of the file, whatever the file says. (simdjson needs 6.7
// bytes for each byte of input before it reads the first value; the child that parses has 4.)
// Strict means: RFC 8259, duplicate names refused, depth at most 64, nothing after the document.
// One thing more is read, since trainers write it: NaN, Infinity and -Infinity in arrays of floats.
// Floats are rounded correctly, straight from the decimal text to float32.
//
//   JsonReader reader(text);
//   reader.object([&](std::string_view name) -> Status {   // each member's value must be consumed
//     if (name == "weights") return reader.floats(weights, 1000);
//     return reader.skip();
//   });
//   reader.end();
//
// After an error the reader must not be used further. Errors name the byte offset. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidemill::model {

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  // The first character of the next value: { [ " t f n N I - or a digit; 0 at the end.
  char peek();

  // The callback gets the name, valid until the next call of the reader, and consumes the value.
  Status object(const std::function<Status(std::string_view name)>& member);
  // The callback gets the index and consumes the element.
  Status array(const std::function<Status(size_t index)>& element);

  // The array's elements replace `out`; more than `limit` are refused. Values beyond float32 become
  // infinite: the caller checks what must be finite.
  Status floats(std::vector<float>& out, size_t limit);
  // Whole numbers within int32; true and false are read as 1 and 0.
  Status integers(std::vector<int32_t>& out, size_t limit);
  // The number of elements of an array of numbers that nobody needs.
  Result<size_t> count_numbers();

  // At most `limit` bytes after escapes are resolved; valid UTF-8, no zero byte.
  Result<std::string> text(size_t limit);
  // A string, or a number as it is written.
  Result<std::string> text_or_number(size_t limit);

  Status skip();  // the next value, whatever it is; checked all the same
  Status end();   // nothing but blanks may follow

  size_t offset() const { return at_; }

 private:
  class Names;
  tl::unexpected<Error> error(std::string_view expected) const;
  bool consume(char c);
  Status word(std::string_view word);
  Status deeper();
  // Calls `element()` for each element; it returns false after it has set failure_.
  template <class Element>
  Status elements(Element element);
  bool number(std::string_view& token);  // the characters of one number, grammar checked
  bool float_literal(float& value);      // NaN, Infinity, -Infinity
  Status escape(std::string& out);
  Result<uint32_t> hex4();

  std::string_view text_;
  size_t at_ = 0;
  size_t depth_ = 0;
  std::string_view failure_;  // what `elements` should have found
};

}  // namespace tidemill::model
