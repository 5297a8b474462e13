#include "base/error.h"

#include <array>

namespace tidemill {

std::string_view code_name(Code code) {
  static constexpr std::array<std::string_view, 9> kNames = {"invalid",  "not_found",   "conflict",
                                                             "denied",   "unavailable", "exhausted",
                                                             "too_late", "unknown",     "internal"};
  return kNames[static_cast<size_t>(code)];
}

Error Error::in(std::string_view outer) const {
  Error wrapped = *this;
  wrapped.context = context.empty() ? std::string(outer) : std::string(outer) + ": " + context;
  return wrapped;
}

std::string Error::text() const { return context.empty() ? message : context + ": " + message; }

}  // namespace tidemill
