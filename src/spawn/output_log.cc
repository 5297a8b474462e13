#include "spawn/output_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

namespace tidemill::spawn {

namespace {
constexpr size_t kBufferBytes = 64u << 10;
constexpr int kWholePipe = 64;  // buffers; a pipe holds at most 1 MiB
}  // namespace

Result<OutputLog> OutputLog::open(const std::string& path, const std::vector<std::string>& secrets,
                                  int64_t limit_bytes) {
  OutputLog log;
  constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY;
  log.file_.reset(::open(path.c_str(), kFlags, 0640));
  if (!log.file_.open() && errno == ENOENT) {
    TIDEMILL_TRY(make_folders(parent_folder(path)));
    log.file_.reset(::open(path.c_str(), kFlags, 0640));
  }
  if (!log.file_.open()) return system_failure("open the log file", path);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_failure("make a pipe for", path);
  log.read_end_.reset(ends[0]);
  log.write_end_.reset(ends[1]);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  log.masker_ = Masker(secrets);
  log.limit_ = limit_bytes;
  return log;
}

void OutputLog::store(const std::string& text) {
  if (text.empty()) return;
  const int64_t size = static_cast<int64_t>(text.size());
  if (dropped_ > 0 || written_ + size > limit_) {
    if (dropped_ == 0) {
      write_whole(file_.get(), fmt::format("\n[tidemill] the output is over {} bytes; what follows "
                                           "is dropped\n",
                                           limit_));
    }
    dropped_ += size;
    return;
  }
  // A full disk loses output, never the task.
  if (write_whole(file_.get(), text)) {
    written_ += size;
  } else {
    dropped_ += size;
  }
}

OutputLog::Pipe OutputLog::drain(int most) {
  static char buffer[kBufferBytes];  // one thread, used within this call only
  for (int i = 0; i < most; ++i) {
    const ssize_t n = ::read(read_end_.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Pipe::kOpen;
    if (n == 0) return Pipe::kEnded;
    store(masker_.add(std::string_view(buffer, static_cast<size_t>(n))));
  }
  return Pipe::kOpen;
}

void OutputLog::note(const std::string& line) {
  store(masker_.whole(fmt::format("[tidemill] {}\n", line)));
}

void OutputLog::finish() {
  write_end_.reset(-1);
  if (read_end_.open()) drain(kWholePipe);
  store(masker_.finish());
  if (dropped_ > 0) {
    write_whole(file_.get(), fmt::format("[tidemill] {} bytes of output were dropped\n", dropped_));
  }
  read_end_.reset(-1);
  file_.reset(-1);
}

}  // namespace tidemill::spawn
