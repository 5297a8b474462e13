// Small helpers over system calls that the files of this room share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace tidemill::spawn {

// "cannot <act> <path>: <reason of errno>", with the code that the reason calls for.
tl::unexpected<Error> system_failure(std::string_view act, std::string_view path);

// The spawner runs without the io room's loop and so has its own look at the clocks.
Time wall_time();
Elapsed elapsed_time();

bool write_whole(int fd, std::string_view bytes);
// From the beginning of the file to its end.
Result<std::string> read_whole(int fd, const std::string& path);
// A small file, at most `limit` bytes; empty if it cannot be read.
std::string read_small(const std::string& path, size_t limit);
std::string parent_folder(const std::string& path);
// Makes the folder and those above it that are missing.
Status make_folders(const std::string& path);
// /proc/sys/kernel/random/boot_id
std::string boot_id();
uint64_t random_number();

// Closes on destruction.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~Fd() { reset(-1); }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset(int fd);

 private:
  int fd_ = -1;
};

}  // namespace tidemill::spawn
