// Wraps RE2; no type of it leaves this file.
#include "vendor/schema_pattern.h"

#include <fmt/format.h>
#include <re2/re2.h>

namespace tidemill::vendor {
namespace {

class Re2Pattern final : public SchemaPattern {
 public:
  explicit Re2Pattern(const std::string& text) : regex_(text, RE2::Quiet) {}
  bool matches(std::string_view text) const override {
    return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex_);
  }
  const RE2& regex() const { return regex_; }

 private:
  RE2 regex_;
};

}  // namespace

Result<std::unique_ptr<SchemaPattern>> SchemaPattern::compile(const std::string& text) {
  auto pattern = std::make_unique<Re2Pattern>(text);
  if (!pattern->regex().ok()) {
    return fail(Code::kInvalid, fmt::format("not a regular expression of RE2's syntax: {}",
                                            pattern->regex().error()));
  }
  return std::unique_ptr<SchemaPattern>(std::move(pattern));
}

}  // namespace tidemill::vendor
