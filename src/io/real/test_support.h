// For tests of this folder: a loop with a watchdog, and a folder that goes away.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

#include "io/real/loop.h"

namespace tidemill::io {

// Runs `loop` until something calls stop(); fails the test if that takes more than 20 seconds.
inline void run_to_stop(RealLoop& loop) {
  bool late = false;
  const TimerHandle watchdog = loop.after(Duration::seconds(20), [&] {
    late = true;
    loop.stop();
  });
  loop.run();
  loop.cancel(watchdog);
  EXPECT_FALSE(late) << "nothing stopped the loop within 20 s";
}

class TestFolder {
 public:
  TestFolder() {
    std::string pattern = ::testing::TempDir() + "tidemill_io_XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  ~TestFolder() { EXPECT_EQ(system(("rm -rf '" + path_ + "'").c_str()), 0); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace tidemill::io
