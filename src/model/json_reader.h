// A strict reader of JSON model files that builds no tree of values.
//
// A model file is mostly long arrays of numbers. They go straight into vectors, so that the memory
// needed stays below a small multiple of the file, whatever the file says. (simdjson needs 6.7
// bytes for each byte of input before it reads the first value; the child that parses has 4.)
// Strict means RFC 8259, and what document_reader.h says. One thing more is read, since trainers
// write it: NaN, Infinity and -Infinity in arrays of floats. Numbers are rounded correctly, floats
// straight from the decimal text to float32.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/document_reader.h"

namespace tidemill::model {

class JsonReader final : public DocumentReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  // The first character of the next value: { [ " t f n N I - or a digit; 0 at the end.
  char peek() override;
  Status object(const std::function<Status(std::string_view name)>& member) override;
  Status array(const std::function<Status(size_t index)>& element) override;
  Status floats(std::vector<float>& out, size_t limit) override;
  Status doubles(std::vector<double>& out, size_t limit) override;
  Status integers(std::vector<int32_t>& out, size_t limit) override;
  Result<size_t> count_numbers() override;
  Result<std::string> text(size_t limit) override;
  Result<std::string> text_or_number(size_t limit) override;
  Status skip() override;
  Status end() override;

  Result<double> real();   // a number; too large becomes infinite
  Result<bool> boolean();  // true or false
  bool skip_null();        // consumes null, if it is next

  size_t offset() const { return at_; }

 private:
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
