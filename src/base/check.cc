#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace tidemill {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "tidemill: internal mistake: %s does not hold at %s:%d\n", condition, file,
               line);
  std::abort();
}

}  // namespace tidemill
