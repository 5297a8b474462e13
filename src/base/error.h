// Errors are values. A code tells the caller what to do, the message tells a person what to mend.
#pragma once

#include <string>
#include <string_view>

namespace tidemill {

enum class Code {
  kInvalid,      // the input is wrong: mend it, repeating does not help
  kNotFound,     // the thing named does not exist
  kConflict,     // it exists already, with other content
  kDenied,       // the caller may not
  kUnavailable,  // not now: try again later
  kExhausted,    // a named limit is reached (queue, disk, memory, size)
  kTooLate,      // a deadline passed, or a newer attempt has taken over
  kUnknown,      // nobody knows whether it happened: never repeat blindly
  kInternal,     // a mistake of this program
};

// The word used in JSON, logs and documents: "invalid", "not_found", ...
std::string_view code_name(Code code);

struct Error {
  Code code = Code::kInternal;
  std::string message;  // what was found, where, what was expected, what to do
  std::string context;  // what was being done, outermost first; may be empty

  // The same error with an outer context put in front: "flow sweep: task decide: ...".
  Error in(std::string_view outer) const;
  // "context: message", for people.
  std::string text() const;
};

}  // namespace tidemill
