// The hash by which Jenkins chooses for H, so that imported jobs keep their times.
#pragma once

#include <cstdint>
#include <string_view>

namespace tidemill::clock {

// Source: hudson.scheduler.Hash of Jenkins: MD5 of the job's full name, folded to 64 bits, seeds
// java.util.Random. Each H of an expression takes the next number, from left to right.
class JenkinsHash {
 public:
  explicit JenkinsHash(std::string_view seed);
  int next(int bound);  // 0..bound-1; bound is at least 1

 private:
  int32_t next_31();
  uint64_t state_;
};

}  // namespace tidemill::clock
