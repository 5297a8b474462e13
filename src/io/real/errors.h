// The system's errors as ours.
#pragma once

#include <string_view>

#include "base/result.h"

namespace tidemill::io {

// "cannot <action> <subject>: <the system's reason>", with the code that tells the caller what to
// do: ENOSPC and its kin are `exhausted`, ENOENT `not_found`, EACCES `denied`...
Error system_error(int error_number, std::string_view action, std::string_view subject);
tl::unexpected<Error> fail_system(int error_number, std::string_view action,
                                  std::string_view subject);

}  // namespace tidemill::io
