#include "io/real/errors.h"

#include <errno.h>
#include <fmt/format.h>
#include <string.h>

namespace tidemill::io {
namespace {

struct Meaning {
  int error_number;
  Code code;
  const char* advice;  // what to do, or ""
};

constexpr Meaning kMeanings[] = {
    {ENOSPC, Code::kExhausted, "free some space on that disk"},
    {EDQUOT, Code::kExhausted, "free some space or raise the disk quota"},
    {EFBIG, Code::kExhausted, "the file may not grow further"},
    {EMFILE, Code::kExhausted, "raise the limit of open files (ulimit -n, LimitNOFILE)"},
    {ENFILE, Code::kExhausted, "the machine has too many open files"},
    {ENOMEM, Code::kExhausted, ""},
    {ENOENT, Code::kNotFound, ""},
    {EACCES, Code::kDenied, "check the owner and mode of the path and its folders"},
    {EPERM, Code::kDenied, ""},
    {EROFS, Code::kDenied, "the file system is read-only"},
    {EEXIST, Code::kConflict, ""},
    {ENOTEMPTY, Code::kConflict, ""},
    {EADDRINUSE, Code::kConflict, "another program listens there"},
    {ENOTDIR, Code::kInvalid, "a part of the path is not a folder"},
    {EISDIR, Code::kInvalid, "it is a folder"},
    {ENAMETOOLONG, Code::kInvalid, ""},
    {ELOOP, Code::kInvalid, ""},
    {EINVAL, Code::kInvalid, ""},
    {EADDRNOTAVAIL, Code::kInvalid, "this machine has no such address"},
    {ECONNREFUSED, Code::kUnavailable, "nothing listens there"},
    {ECONNRESET, Code::kUnavailable, ""},
    {EPIPE, Code::kUnavailable, ""},
    {ETIMEDOUT, Code::kUnavailable, ""},
    {EAGAIN, Code::kUnavailable, ""},
    {EIO, Code::kUnavailable, "the disk reports an error"},
};

}  // namespace

Error system_error(int error_number, std::string_view action, std::string_view subject) {
  Meaning meaning{error_number, Code::kInternal, ""};
  for (const auto& row : kMeanings) {
    if (row.error_number == error_number) meaning = row;
  }
  char buffer[128];
  const char* reason = strerror_r(error_number, buffer, sizeof buffer);
  std::string message = fmt::format("cannot {} {}: {}", action, subject, reason);
  if (*meaning.advice != '\0') message += fmt::format(" ({})", meaning.advice);
  return Error{meaning.code, std::move(message), {}};
}

tl::unexpected<Error> fail_system(int error_number, std::string_view action,
                                  std::string_view subject) {
  return fail(system_error(error_number, action, subject));
}

}  // namespace tidemill::io
