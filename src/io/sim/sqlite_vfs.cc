#include "io/sim/sqlite_vfs.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <atomic>
#include <cstring>
#include <new>
#include <string_view>

#include "base/check.h"

namespace tidemill::io {
namespace {

// What SQLite holds of an open file. It allocates the memory and knows only the first member.
struct OpenFile {
  sqlite3_file base;
  SimDisk* disk;
  SimDiskFile* file;
  int lock;           // SQLITE_LOCK_...
  bool syncs_folder;  // a journal: the first sync makes its name durable too
  bool removes_at_close;
  bool uses_index;
  unsigned index_shared;  // slots, as bits
  unsigned index_exclusive;
};

OpenFile& of(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }
SimDisk& disk_of(sqlite3_vfs* vfs) { return *static_cast<SimDisk*>(vfs->pAppData); }

int unlock(sqlite3_file* file, int wanted) {
  OpenFile& open = of(file);
  SimInode::Locks& locks = *open.file->locks;
  if (open.lock <= wanted) return SQLITE_OK;
  if (open.lock == SQLITE_LOCK_EXCLUSIVE) locks.exclusive = false;
  if (open.lock >= SQLITE_LOCK_PENDING) locks.pending = false;
  if (open.lock >= SQLITE_LOCK_RESERVED) locks.reserved = false;
  if (wanted == SQLITE_LOCK_NONE) --locks.shared;
  open.lock = wanted;
  return SQLITE_OK;
}

// The steps of SQLite's own locking: shared, reserved, pending, exclusive.
int lock(sqlite3_file* file, int wanted) {
  OpenFile& open = of(file);
  SimInode::Locks& locks = *open.file->locks;
  if (open.disk->is_stale(*open.file) || open.disk->is_dead()) return SQLITE_IOERR_LOCK;
  if (open.lock >= wanted) return SQLITE_OK;
  if (open.lock == SQLITE_LOCK_NONE) {
    if (locks.pending || locks.exclusive) return SQLITE_BUSY;
    ++locks.shared;
    open.lock = SQLITE_LOCK_SHARED;
  }
  if (wanted >= SQLITE_LOCK_RESERVED && open.lock < SQLITE_LOCK_RESERVED) {
    if (locks.reserved) return SQLITE_BUSY;
    locks.reserved = true;
    open.lock = SQLITE_LOCK_RESERVED;
  }
  if (wanted == SQLITE_LOCK_EXCLUSIVE) {
    locks.pending = true;
    open.lock = SQLITE_LOCK_PENDING;
    if (locks.shared > 1) return SQLITE_BUSY;
    locks.exclusive = true;
    open.lock = SQLITE_LOCK_EXCLUSIVE;
  }
  return SQLITE_OK;
}

int check_reserved(sqlite3_file* file, int* answer) {
  *answer = of(file).file->locks->reserved ? 1 : 0;
  return SQLITE_OK;
}

int close(sqlite3_file* file) {
  OpenFile& open = of(file);
  unlock(file, SQLITE_LOCK_NONE);
  if (open.removes_at_close && !open.file->path.empty()) (void)open.disk->remove(open.file->path);
  delete open.file;
  open.file = nullptr;
  return SQLITE_OK;
}

int read(sqlite3_file* file, void* into, int count, sqlite3_int64 offset) {
  OpenFile& open = of(file);
  switch (open.disk->read(*open.file, static_cast<size_t>(offset), static_cast<char*>(into),
                          static_cast<size_t>(count))) {
    case DiskAnswer::kDone:
      return SQLITE_OK;
    case DiskAnswer::kShortRead:
      return SQLITE_IOERR_SHORT_READ;
    default:
      return SQLITE_IOERR_READ;
  }
}

int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
  OpenFile& open = of(file);
  std::string_view const text(static_cast<const char*>(bytes), static_cast<size_t>(count));
  switch (open.disk->write(*open.file, static_cast<size_t>(offset), text)) {
    case DiskAnswer::kDone:
      return SQLITE_OK;
    case DiskAnswer::kFull:
      return SQLITE_FULL;
    default:
      return SQLITE_IOERR_WRITE;
  }
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  OpenFile& open = of(file);
  auto const answer = open.disk->truncate(*open.file, static_cast<size_t>(size));
  return answer == DiskAnswer::kDone ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

int sync(sqlite3_file* file, int) {
  OpenFile& open = of(file);
  if (open.disk->sync(*open.file) != DiskAnswer::kDone) return SQLITE_IOERR_FSYNC;
  if (!open.syncs_folder) return SQLITE_OK;
  if (open.disk->sync_folder(open.file->path) != DiskAnswer::kDone) return SQLITE_IOERR_DIR_FSYNC;
  open.syncs_folder = false;
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(of(file).file->inode->bytes.size());
  return SQLITE_OK;
}

int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) { return 4096; }
int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

// The shared index of the WAL: memory that all connections to one file see.
int index_map(sqlite3_file* file, int region, int size, int is_extended, void volatile** memory) {
  OpenFile& open = of(file);
  *memory = nullptr;
  if (open.disk->is_stale(*open.file)) return SQLITE_IOERR_SHMMAP;
  SimInode::Locks& locks = *open.file->locks;
  if (!open.uses_index) ++locks.index_users;
  open.uses_index = true;
  auto const wanted = static_cast<size_t>(region);
  if (wanted >= locks.index.size()) {
    if (is_extended == 0) return SQLITE_OK;
    // Mapped regions must not move: each string keeps its bytes on the heap.
    while (locks.index.size() <= wanted) {
      locks.index.emplace_back(static_cast<size_t>(size), '\0');
    }
  }
  *memory = locks.index[wanted].data();
  return SQLITE_OK;
}

int index_lock(sqlite3_file* file, int first, int count, int flags) {
  OpenFile& open = of(file);
  if (open.disk->is_stale(*open.file)) return SQLITE_IOERR_SHMLOCK;
  SimInode::Locks& locks = *open.file->locks;
  bool const is_shared = (flags & SQLITE_SHM_SHARED) != 0;
  for (int slot = first; slot < first + count; ++slot) {
    auto const at = static_cast<size_t>(slot);
    unsigned const bit = 1u << at;
    if ((flags & SQLITE_SHM_UNLOCK) != 0) continue;
    int const others = locks.index_shared[at] - ((open.index_shared & bit) != 0 ? 1 : 0);
    bool const is_taken = locks.index_exclusive[at] && (open.index_exclusive & bit) == 0;
    if (is_taken || (!is_shared && others > 0)) return SQLITE_BUSY;
  }
  for (int slot = first; slot < first + count; ++slot) {
    auto const at = static_cast<size_t>(slot);
    unsigned const bit = 1u << at;
    bool const has = ((is_shared ? open.index_shared : open.index_exclusive) & bit) != 0;
    bool const wants = (flags & SQLITE_SHM_LOCK) != 0;
    if (has == wants) continue;
    if (is_shared) {
      locks.index_shared[at] += wants ? 1 : -1;
      open.index_shared ^= bit;
    } else {
      locks.index_exclusive[at] = wants;
      open.index_exclusive ^= bit;
    }
  }
  return SQLITE_OK;
}

void index_barrier(sqlite3_file*) {}

int index_unmap(sqlite3_file* file, int) {
  OpenFile& open = of(file);
  SimInode::Locks& locks = *open.file->locks;
  for (size_t slot = 0; slot < SimInode::Locks::kSlots; ++slot) {
    unsigned const bit = 1u << slot;
    if ((open.index_shared & bit) != 0) --locks.index_shared[slot];
    if ((open.index_exclusive & bit) != 0) locks.index_exclusive[slot] = false;
  }
  open.index_shared = open.index_exclusive = 0;
  if (open.uses_index && --locks.index_users == 0) locks.index.clear();
  open.uses_index = false;
  return SQLITE_OK;
}

const sqlite3_io_methods kMethods = {2,
                                     close,
                                     read,
                                     write,
                                     truncate,
                                     sync,
                                     file_size,
                                     lock,
                                     unlock,
                                     check_reserved,
                                     control,
                                     sector_size,
                                     characteristics,
                                     index_map,
                                     index_lock,
                                     index_barrier,
                                     index_unmap,
                                     nullptr,
                                     nullptr};

int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* into, int flags, int* out_flags) {
  OpenFile& open_file = of(into);
  open_file = {};
  SimDisk& disk = disk_of(vfs);
  SimDiskFile file;
  if (name == nullptr) {
    file = disk.open_unnamed();
  } else {
    bool const is_made = (flags & SQLITE_OPEN_CREATE) != 0;
    auto const answer =
        disk.open(name, is_made ? SimDisk::Missing::kIsMade : SimDisk::Missing::kIsError, file);
    if (answer == DiskAnswer::kFull) return SQLITE_FULL;
    if (answer == DiskAnswer::kIoError) return SQLITE_IOERR;
    if (answer != DiskAnswer::kDone) return SQLITE_CANTOPEN;
    constexpr int kJournals =
        SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
    open_file.syncs_folder = is_made && (flags & kJournals) != 0;
    open_file.removes_at_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  }
  open_file.disk = &disk;
  open_file.file = new SimDiskFile(std::move(file));
  open_file.base.pMethods = &kMethods;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int remove(sqlite3_vfs* vfs, const char* name, int syncs_folder) {
  SimDisk& disk = disk_of(vfs);
  auto const answer = disk.remove(name);
  if (answer == DiskAnswer::kNotFound) return SQLITE_IOERR_DELETE_NOENT;
  if (answer != DiskAnswer::kDone) return SQLITE_IOERR_DELETE;
  if (syncs_folder != 0 && disk.sync_folder(name) != DiskAnswer::kDone) {
    return SQLITE_IOERR_DIR_FSYNC;
  }
  return SQLITE_OK;
}

int access(sqlite3_vfs* vfs, const char* name, int, int* answer) {
  *answer = disk_of(vfs).exists(name) ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* name, int size, char* into) {
  size_t const length = std::strlen(name);
  if (length + 1 > static_cast<size_t>(size)) return SQLITE_CANTOPEN;
  std::memcpy(into, name, length + 1);
  return SQLITE_OK;
}

int random_bytes(sqlite3_vfs* vfs, int count, char* into) {
  for (int i = 0; i < count; ++i) into[i] = static_cast<char>(disk_of(vfs).bits() & 0xFF);
  return count;
}

// Nobody else runs while SQLite waits: it gives up at once.
int sleep(sqlite3_vfs*, int micros) { return micros; }

constexpr sqlite3_int64 kSomeDay = 2461042LL * 86'400'000;  // Julian, in milliseconds

int current_time(sqlite3_vfs*, double* days) {
  *days = static_cast<double>(kSomeDay) / 86'400'000.0;
  return SQLITE_OK;
}
int current_time_ms(sqlite3_vfs*, sqlite3_int64* ms) {
  *ms = kSomeDay;
  return SQLITE_OK;
}
int last_error(sqlite3_vfs*, int, char*) { return 0; }

std::string next_name() {
  static std::atomic<int64_t> count{0};
  return fmt::format("tidemill-sim-{}", ++count);
}

}  // namespace

struct SimSqliteVfs::Registered {
  std::string name;
  sqlite3_vfs vfs{};
};

SimSqliteVfs::SimSqliteVfs(SimDisk& disk) : registered_(std::make_unique<Registered>()) {
  registered_->name = next_name();
  sqlite3_vfs& vfs = registered_->vfs;
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(OpenFile);
  vfs.mxPathname = 1024;
  vfs.zName = registered_->name.c_str();
  vfs.pAppData = &disk;
  vfs.xOpen = open;
  vfs.xDelete = remove;
  vfs.xAccess = access;
  vfs.xFullPathname = full_path;
  vfs.xRandomness = random_bytes;
  vfs.xSleep = sleep;
  vfs.xCurrentTime = current_time;
  vfs.xCurrentTimeInt64 = current_time_ms;
  vfs.xGetLastError = last_error;
  TIDEMILL_CHECK(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK);
  // SQLite's own random numbers (salts of the WAL) begin anew, from the seed.
  int const seed = 1 + static_cast<int>(disk.bits() & 0x3FFFFFFF);
  sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, seed, nullptr);
  sqlite3_randomness(0, nullptr);
}

SimSqliteVfs::~SimSqliteVfs() { sqlite3_vfs_unregister(&registered_->vfs); }

const std::string& SimSqliteVfs::name() const { return registered_->name; }

}  // namespace tidemill::io
