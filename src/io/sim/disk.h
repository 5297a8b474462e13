// The disk of a simulation under SQLite: what was written and not synced may be lost, torn or
// reordered when power fails; calls can fail; the server can die in the middle of any of them.
//
//   write ──► cached bytes (what reads see) + list of writes since the last sync
//   sync  ──► durable bytes
//   power lost: durable bytes + a seeded choice of the sectors of the list
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/sim/queue.h"

namespace tidemill::io {

enum class DiskCall { kOpen, kRead, kWrite, kSync, kTruncate, kRemove, kSyncFolder };
inline constexpr size_t kDiskCalls = 7;
std::string_view word(DiskCall call);

enum class DiskFault {
  kNone,
  kIoError,  // EIO: nothing was done; of a sync: the writes may or may not be on the disk
  kFull,     // ENOSPC
  kShort,    // a read that ends early; a write of which a part was done, then ENOSPC
  kDie,      // the server dies here: of a write some sectors are done, nothing of the rest
};

enum class DiskAnswer { kDone, kIoError, kFull, kShortRead, kNotFound };

// A file: shared by all who have it open, also after its name is gone.
struct SimInode {
  struct Write {
    size_t offset = 0;
    std::string bytes;
    bool is_truncate = false;  // to `offset`
  };
  std::string bytes;
  std::string durable;
  std::vector<Write> unsynced;

  // SQLite's locks and its shared index of the WAL. They die with the processes that hold them.
  struct Locks {
    int shared = 0;
    bool reserved = false;
    bool pending = false;
    bool exclusive = false;
    static constexpr size_t kSlots = 8;
    std::array<int, kSlots> index_shared{};
    std::array<bool, kSlots> index_exclusive{};
    int index_users = 0;
    std::vector<std::string> index;
  };
  std::shared_ptr<Locks> locks = std::make_shared<Locks>();
};

// What a process has open. It knows whether that process still lives.
struct SimDiskFile {
  std::string path;
  std::shared_ptr<SimInode> inode;
  std::shared_ptr<SimInode::Locks> locks;
  int64_t generation = 0;
};

// Single-threaded, as the whole simulation. Folders exist when they are named.
class SimDisk {
 public:
  explicit SimDisk(uint64_t seed);
  SimDisk(const SimDisk&) = delete;
  SimDisk& operator=(const SimDisk&) = delete;

  // Asked before each call, with its number since the disk was made. Not asked once the server is
  // dead.
  using Plan = std::function<DiskFault(DiskCall call, const std::string& path, int64_t number)>;
  void set_plan(Plan plan) { plan_ = std::move(plan); }
  // All bytes of all files. A write or truncate that needs more answers kFull.
  void set_capacity(std::optional<int64_t> bytes) { capacity_ = bytes; }
  // A disk that lies: syncs answer and do nothing. For showing that the loss is found.
  enum class Syncs { kWork, kLie };
  void set_syncs(Syncs syncs) { syncs_ = syncs; }
  int64_t calls() const { return calls_; }
  // Faults that were given out, by call and fault.
  const std::map<std::pair<DiskCall, DiskFault>, int64_t>& faults() const { return faults_; }
  // The server died within a call. Until kill() or lose_power() every call fails.
  bool is_dead() const { return is_dead_; }
  // The server ends here by itself.
  void die() { is_dead_ = true; }

  // kill -9: open files and locks are gone, all that was written is there.
  void kill();
  // The machine goes down.
  void lose_power();
  // What the disk holds for certain, and what is cached: for tests of this disk.
  std::optional<std::string> content(const std::string& path) const;

  // What the VFS calls.
  enum class Missing { kIsError, kIsMade };
  DiskAnswer open(const std::string& path, Missing missing, SimDiskFile& file);
  // A file without a name.
  SimDiskFile open_unnamed();
  DiskAnswer read(const SimDiskFile& file, size_t offset, char* into, size_t count);
  DiskAnswer write(const SimDiskFile& file, size_t offset, std::string_view bytes);
  DiskAnswer truncate(const SimDiskFile& file, size_t size);
  DiskAnswer sync(const SimDiskFile& file);
  DiskAnswer sync_folder(const std::string& path);
  DiskAnswer remove(const std::string& path);
  bool exists(const std::string& path) const { return names_.contains(path); }
  bool is_stale(const SimDiskFile& file) const { return file.generation != generation_; }
  uint64_t bits() { return bits_.next(); }

 private:
  struct NameChange {
    std::string path;
    std::shared_ptr<SimInode> inode;  // none: removed
  };
  DiskFault next_fault(DiskCall call, const std::string& path);
  int64_t used_bytes() const;
  void apply(std::string& image, const SimInode::Write& write, bool whole);
  void keep_some(SimInode& inode);

  SeededBits bits_;
  Plan plan_;
  Syncs syncs_ = Syncs::kWork;
  std::optional<int64_t> capacity_;
  std::map<std::string, std::shared_ptr<SimInode>> names_;
  std::map<std::string, std::shared_ptr<SimInode>> durable_names_;
  std::vector<NameChange> unsynced_names_;
  std::map<std::pair<DiskCall, DiskFault>, int64_t> faults_;
  int64_t calls_ = 0;
  int64_t generation_ = 1;
  bool is_dead_ = false;
};

}  // namespace tidemill::io
