#include "io/real/random.h"

#include <errno.h>
#include <sys/random.h>

#include <utility>

#include "base/check.h"

namespace tidemill::io {

uint64_t RealRandom::next() {
  if (used_ == bits_.size()) {
    // Up to 256 bytes come whole once the kernel's pool is ready; only a signal before that
    // interrupts the wait.
    ssize_t got = -1;
    do {
      got = getrandom(bits_.data(), sizeof bits_, 0);
    } while (got < 0 && errno == EINTR);
    TIDEMILL_CHECK(got == static_cast<ssize_t>(sizeof bits_));
    used_ = 0;
  }
  return std::exchange(bits_[used_++], 0);
}

}  // namespace tidemill::io
