// Result<T>: a value or an Error.
#pragma once

#include <tl/expected.hpp>

#include "base/error.h"

namespace tidemill {

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(Code code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message), {}});
}
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

}  // namespace tidemill

// Returns the error of `expression` from the enclosing function, if it has one.
#define TIDEMILL_TRY(expression)                                         \
  do {                                                                   \
    if (auto tidemill_try_status = (expression); !tidemill_try_status) { \
      return ::tidemill::fail(std::move(tidemill_try_status).error());   \
    }                                                                    \
  } while (false)

// Declares `name` as the value of `expression`, or returns its error.
#define TIDEMILL_TRY_LET(name, expression)                                           \
  auto name##_or_error = (expression);                                               \
  if (!name##_or_error) return ::tidemill::fail(std::move(name##_or_error).error()); \
  auto& name = *name##_or_error
