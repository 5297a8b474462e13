// What the spawner must not forget: which attempts it started, and how each ended until the server
// says that it has stored the end. Format in docs/formats/spawner.md.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/processes.h"

namespace tidemill::spawn {

struct JournalEntry {
  int64_t pid = 0;           // 0 until it is known
  uint64_t start_ticks = 0;  // of the process, as /proc/<pid>/stat gives it
  std::string boot_id;
  Time started;
  std::optional<io::ProcessExit> exit;
};

// One file, written by one thread. A start is in the page cache before the process exists, which
// survives the death of the spawner (after the death of the machine no process is left to find); an
// exit is on the disk before anybody hears of it.
class Journal {
 public:
  // Reads what is there, or makes the file with `fresh_token`. A damaged tail is cut off, and the
  // file as found is kept beside it as "<path>.damaged".
  static Result<Journal> open(const std::string& path, const std::string& fresh_token);
  Journal(Journal&&) noexcept;
  Journal& operator=(Journal&&) = delete;
  ~Journal();

  // Names this data directory's processes; the same over all spawners of the directory.
  const std::string& token() const { return token_; }
  const std::map<std::string, JournalEntry>& entries() const { return entries_; }
  // What was wrong with the file when it was opened; empty if nothing.
  const std::string& damage() const { return damage_; }

  // Before the process exists. After an error it must not be started.
  Status begin(const io::ProcessId& id, const std::string& boot_id, Time started);
  // Once it exists. Failure only makes it harder to find after a crash.
  void note_process(const io::ProcessId& id, int64_t pid, uint64_t start_ticks);
  // Durable when this answers; one fsync for all. After an error nothing may be told; try again.
  Status end(std::span<const io::ProcessExit> exits);
  // The server has it, or the start did not happen.
  void forget(const io::ProcessId& id);

 private:
  Journal() = default;
  Status read_all(const std::string& content);
  bool apply(std::string_view payload);
  Status append(std::string_view payload);
  Status rewrite();
  Status sync_folder();
  void reserve();

  std::string path_;
  std::string token_;
  std::string damage_;
  std::map<std::string, JournalEntry> entries_;
  int fd_ = -1;
  int64_t size_ = 0;
  int64_t reserved_ = 0;
};

}  // namespace tidemill::spawn
