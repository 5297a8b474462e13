// Assertions for programmers' mistakes. On in every build, never used on input.
#pragma once

namespace tidemill {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}

#define TIDEMILL_CHECK(condition) \
  ((condition) ? (void)0 : ::tidemill::check_failed(#condition, __FILE__, __LINE__))
