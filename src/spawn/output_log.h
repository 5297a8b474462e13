// The output of one attempt: a pipe, whose other end the task writes, into its log file.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "spawn/mask.h"
#include "spawn/system.h"

namespace tidemill::spawn {

inline constexpr int64_t kMaxLogBytes = int64_t{1} << 30;

class OutputLog {
 public:
  // Makes missing folders; appends to a file that exists.
  static Result<OutputLog> open(const std::string& path, const std::vector<std::string>& secrets,
                                int64_t limit_bytes = kMaxLogBytes);
  OutputLog() = default;

  int read_end() const { return read_end_.get(); }
  int write_end() const { return write_end_.get(); }
  // Once the task has it. Without this the end of the output is never seen.
  void close_write_end() { write_end_.reset(-1); }

  // Moves what is in the pipe into the file, at most one buffer at a time and `most` buffers, so
  // that a flood costs neither memory nor the turn of others.
  enum class Pipe { kOpen, kEnded };
  Pipe drain(int most);
  // A line of the spawner's own: "[tidemill] ...".
  void note(const std::string& line);
  // Takes what is left in the pipe and closes both.
  void finish();
  const Masker& masker() const { return masker_; }

 private:
  void store(const std::string& text);

  Fd read_end_;
  Fd write_end_;
  Fd file_;
  Masker masker_;
  int64_t written_ = 0;
  int64_t limit_ = kMaxLogBytes;
  int64_t dropped_ = 0;
};

}  // namespace tidemill::spawn
