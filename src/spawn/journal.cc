#include "spawn/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/bytes.h"
#include "spawn/protocol.h"
#include "spawn/system.h"

namespace tidemill::spawn {

namespace {

constexpr std::string_view kMagic = "TMSPAWN1";
constexpr size_t kRecordHeaderBytes = 12;  // u32 length, u64 checksum
constexpr uint32_t kMaxRecordBytes = 1u << 20;
constexpr int64_t kCompactFromBytes = 1 << 20;
constexpr int64_t kReserveBytes = 256 << 10;
constexpr size_t kFrameHeaderBytes = 6;

enum class RecordType : uint8_t { kToken = 0, kBegin = 1, kProcess = 2, kEnd = 3, kForget = 4 };

ByteWriter record(RecordType type) {
  ByteWriter w;
  w.u8(static_cast<uint8_t>(type));
  return w;
}

std::string begin_record(const std::string& id, const JournalEntry& entry) {
  ByteWriter w = record(RecordType::kBegin);
  w.text(id);
  w.text(entry.boot_id);
  w.i64(entry.started.us);
  return w.take();
}

std::string process_record(const std::string& id, const JournalEntry& entry) {
  ByteWriter w = record(RecordType::kProcess);
  w.text(id);
  w.i64(entry.pid);
  w.u64(entry.start_ticks);
  return w.take();
}

std::string end_record(const io::ProcessExit& exit) {
  ByteWriter w = record(RecordType::kEnd);
  w.text(encode_exit(exit).substr(kFrameHeaderBytes));
  return w.take();
}

std::string token_record(const std::string& token) {
  ByteWriter w = record(RecordType::kToken);
  w.text(token);
  return w.take();
}

void frame_record(std::string_view payload, std::string& out) {
  ByteWriter w;
  w.u32(static_cast<uint32_t>(payload.size()));
  w.u64(hash64(payload));
  out.append(w.bytes());
  out.append(payload);
}

}  // namespace

Journal::Journal(Journal&& other) noexcept
    : path_(std::move(other.path_)),
      token_(std::move(other.token_)),
      damage_(std::move(other.damage_)),
      entries_(std::move(other.entries_)),
      fd_(std::exchange(other.fd_, -1)),
      size_(other.size_),
      reserved_(other.reserved_) {}

Journal::~Journal() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Journal> Journal::open(const std::string& path, const std::string& fresh_token) {
  Journal journal;
  journal.path_ = path;
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0 && errno != ENOENT) return system_failure("open the spawner's journal", path);
  if (fd >= 0) {
    journal.fd_ = fd;
    TIDEMILL_TRY_LET(content, read_whole(fd, path));
    TIDEMILL_TRY(journal.read_all(content));
  }
  if (fd < 0 || !journal.damage_.empty()) {
    if (journal.token_.empty()) journal.token_ = fresh_token;
    if (fd >= 0 && ::rename(path.c_str(), (path + ".damaged").c_str()) != 0) {
      return system_failure("set aside the damaged journal", path);
    }
    TIDEMILL_TRY(journal.rewrite());
  }
  ::lseek(journal.fd_, 0, SEEK_END);
  return journal;
}

Status Journal::read_all(const std::string& content) {
  if (content.empty() || std::string_view(content).substr(0, kMagic.size()) != kMagic) {
    damage_ =
        fmt::format("{}: not a journal of the spawner (it must begin with {})", path_, kMagic);
    return {};
  }
  std::string_view rest = std::string_view(content).substr(kMagic.size());
  while (!rest.empty()) {
    ByteReader header(rest);
    const size_t length = header.u32();
    const uint64_t checksum = header.u64();
    const std::string_view payload =
        header.ok() && length <= kMaxRecordBytes && length <= rest.size() - kRecordHeaderBytes
            ? rest.substr(kRecordHeaderBytes, length)
            : std::string_view();
    if (payload.empty() || hash64(payload) != checksum || !apply(payload)) {
      damage_ = fmt::format("{}: the record at byte {} is torn or damaged; {} bytes are left out",
                            path_, content.size() - rest.size(), rest.size());
      break;
    }
    rest.remove_prefix(kRecordHeaderBytes + length);
  }
  if (token_.empty() && damage_.empty()) {
    damage_ =
        fmt::format("{}: the first record, which names the data directory, is missing", path_);
  }
  size_ = static_cast<int64_t>(content.size() - rest.size());
  return {};
}

bool Journal::apply(std::string_view payload) {
  ByteReader r(payload);
  const RecordType type = static_cast<RecordType>(r.u8());
  if (type == RecordType::kEnd) {
    Result<io::ProcessExit> exit = decode_exit(r.text());
    if (!exit || !r.finished()) return false;
    entries_[exit->id.value].exit = std::move(*exit);
    return true;
  }
  const std::string name(r.text());
  if (type == RecordType::kToken) {
    token_ = name;
  } else if (type == RecordType::kBegin) {
    JournalEntry entry;
    entry.boot_id = r.text();
    entry.started.us = r.i64();
    entries_[name] = std::move(entry);
  } else if (type == RecordType::kProcess) {
    JournalEntry& entry = entries_[name];
    entry.pid = r.i64();
    entry.start_ticks = r.u64();
  } else if (type == RecordType::kForget) {
    entries_.erase(name);
  } else {
    return false;
  }
  return r.finished();
}

// Room on the disk beyond the end of the file, so that ends can still be written when it is full.
void Journal::reserve() {
  if (size_ + kReserveBytes / 2 < reserved_) return;
  if (::fallocate(fd_, FALLOC_FL_KEEP_SIZE, size_, kReserveBytes) == 0) {
    reserved_ = size_ + kReserveBytes;
  }
}

Status Journal::append(std::string_view payload) {
  if (fd_ < 0) TIDEMILL_TRY(rewrite());
  std::string bytes;
  frame_record(payload, bytes);
  if (!write_whole(fd_, bytes)) {
    const Error error = system_failure("write the spawner's journal", path_).value();
    // A torn record would hide every later one.
    if (::ftruncate(fd_, size_) != 0 || ::lseek(fd_, size_, SEEK_SET) < 0) {
      ::close(std::exchange(fd_, -1));
    }
    return fail(error);
  }
  size_ += static_cast<int64_t>(bytes.size());
  return {};
}

// A new file with what is still of interest. Everything comes from memory, so this also heals a
// file whose fsync failed.
Status Journal::rewrite() {
  std::string bytes(kMagic);
  frame_record(token_record(token_), bytes);
  for (const auto& [id, entry] : entries_) {
    frame_record(begin_record(id, entry), bytes);
    if (entry.pid != 0) frame_record(process_record(id, entry), bytes);
    if (entry.exit) frame_record(end_record(*entry.exit), bytes);
  }
  const std::string temporary = path_ + ".new";
  const int fd = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return system_failure("make the spawner's journal", temporary);
  if (!write_whole(fd, bytes) || ::fsync(fd) != 0 ||
      ::rename(temporary.c_str(), path_.c_str()) != 0) {
    Error error = system_failure("write the spawner's journal", temporary).value();
    ::close(fd);
    return fail(std::move(error));
  }
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  size_ = static_cast<int64_t>(bytes.size());
  reserved_ = 0;
  reserve();
  return sync_folder();
}

Status Journal::sync_folder() {
  const std::string folder = parent_folder(path_);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_failure("open", folder);
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  if (!synced) return system_failure("fsync", folder);
  return {};
}

Status Journal::begin(const io::ProcessId& id, const std::string& boot_id, Time started) {
  JournalEntry entry;
  entry.boot_id = boot_id;
  entry.started = started;
  TIDEMILL_TRY(append(begin_record(id.value, entry)));
  entries_[id.value] = std::move(entry);
  return {};
}

void Journal::note_process(const io::ProcessId& id, int64_t pid, uint64_t start_ticks) {
  JournalEntry& entry = entries_[id.value];
  entry.pid = pid;
  entry.start_ticks = start_ticks;
  (void)append(process_record(id.value, entry));
}

Status Journal::end(std::span<const io::ProcessExit> exits) {
  for (const io::ProcessExit& exit : exits) entries_[exit.id.value].exit = exit;
  bool written = true;
  for (const io::ProcessExit& exit : exits) written = written && append(end_record(exit));
  if (written && ::fdatasync(fd_) == 0) {
    reserve();
    return {};
  }
  return rewrite();
}

void Journal::forget(const io::ProcessId& id) {
  if (entries_.erase(id.value) == 0) return;
  ByteWriter w = record(RecordType::kForget);
  w.text(id.value);
  (void)append(w.bytes());
  // Most of a large file is about attempts that are forgotten; what lives is small.
  if (size_ > kCompactFromBytes && static_cast<int64_t>(entries_.size()) * 512 < size_ / 2) {
    (void)rewrite();
  }
}

}  // namespace tidemill::spawn
