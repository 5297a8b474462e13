// A strict reader of UBJSON as XGBoost writes it: big-endian, typed arrays `[$type#L count` without
// a closing bracket. Untyped arrays and counted objects are read too. document_reader.h says what
// is refused; a length is compared with what is left of the file before anything is allocated.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/document_reader.h"

namespace tidemill::model {

class UbjsonReader final : public DocumentReader {
 public:
  explicit UbjsonReader(std::string_view bytes) : bytes_(bytes) {}

  char peek() override;  // '"' for a text
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

 private:
  // What stands between the bracket and the first element.
  struct Extent {
    char type = 0;         // of every element; 0 = each says its own
    bool counted = false;  // else a closing bracket ends it
    size_t count = 0;
  };
  struct Number {
    bool is_real = false;
    int64_t whole = 0;
    double real = 0;
  };
  tl::unexpected<Error> error(std::string_view expected) const;
  Status deeper();
  Result<char> marker();
  Result<Extent> extent();
  bool is_more(const Extent& extent, size_t index, char closing);
  Result<Number> number(char type);
  Result<size_t> length();  // of a text or a container
  Result<std::string> raw_text(size_t limit);
  // Calls `take(number)` for each element, at most `limit`.
  template <class Take>
  Status numbers(size_t limit, Take take);

  std::string_view bytes_;
  size_t at_ = 0;
  size_t depth_ = 0;
  char element_ = 0;  // the type of the next value, stated by its array; 0 = it says its own
};

}  // namespace tidemill::model
