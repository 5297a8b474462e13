#include "io/sim/disk.h"

#include <algorithm>
#include <cstring>

namespace tidemill::io {
namespace {

constexpr std::array<std::string_view, kDiskCalls> kWords = {
    "open", "read", "write", "sync", "truncate", "remove", "sync_folder"};
constexpr std::array<size_t, 2> kSectors = {512, 4096};

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// Copies `bytes` to `offset`; a hole before it reads as zeros.
void put(std::string& image, size_t offset, std::string_view bytes) {
  if (image.size() < offset + bytes.size()) image.resize(offset + bytes.size(), '\0');
  std::copy(bytes.begin(), bytes.end(), image.begin() + static_cast<std::ptrdiff_t>(offset));
}

}  // namespace

std::string_view word(DiskCall call) { return kWords[static_cast<size_t>(call)]; }

SimDisk::SimDisk(uint64_t seed) : bits_(seed) {}

DiskFault SimDisk::next_fault(DiskCall call, const std::string& path) {
  if (is_dead_) return DiskFault::kIoError;
  ++calls_;
  DiskFault const fault = plan_ ? plan_(call, path, calls_) : DiskFault::kNone;
  if (fault != DiskFault::kNone) ++faults_[{call, fault}];
  if (fault == DiskFault::kDie) is_dead_ = true;
  return fault;
}

int64_t SimDisk::used_bytes() const {
  int64_t used = 0;
  for (const auto& [path, inode] : names_) used += static_cast<int64_t>(inode->bytes.size());
  return used;
}

// A write that is not done as a whole is done sector by sector, each or not, in no order.
void SimDisk::apply(std::string& image, const SimInode::Write& write, bool whole) {
  if (write.is_truncate) {
    if (whole || bits_.next() % 2 == 0) image.resize(std::min(image.size(), write.offset));
    return;
  }
  if (whole) {
    put(image, write.offset, write.bytes);
    return;
  }
  size_t const sector = kSectors[bits_.next() % kSectors.size()];
  uint64_t const odds = 1 + bits_.next() % 7;  // of eight
  for (size_t at = 0; at < write.bytes.size();) {
    // Sectors are those of the disk, not of the write.
    size_t const end = (write.offset + at) / sector * sector + sector - write.offset;
    size_t const count = std::min(end, write.bytes.size()) - at;
    if (bits_.next() % 8 < odds) {
      put(image, write.offset + at, std::string_view(write.bytes).substr(at, count));
    }
    at += count;
  }
}

// What of the writes since the last sync reached the disk when power failed.
void SimDisk::keep_some(SimInode& inode) {
  enum Fate { kNone, kAll, kPrefix, kSubset };
  uint64_t const fate = bits_.next() % 4;
  size_t const count = inode.unsynced.size();
  size_t const prefix = count == 0 ? 0 : bits_.next() % count;
  for (size_t i = 0; i < count; ++i) {
    if (fate == kAll || (fate == kPrefix && i < prefix)) {
      apply(inode.durable, inode.unsynced[i], true);
    } else if (fate == kSubset || (fate == kPrefix && i == prefix)) {
      apply(inode.durable, inode.unsynced[i], false);
    }
  }
  inode.unsynced.clear();
}

void SimDisk::kill() {
  ++generation_;
  is_dead_ = false;
  for (auto& [path, inode] : names_) inode->locks = std::make_shared<SimInode::Locks>();
}

void SimDisk::lose_power() {
  kill();
  uint64_t const odds = bits_.next() % 9;  // of eight
  for (NameChange& change : unsynced_names_) {
    if (bits_.next() % 8 >= odds) continue;
    if (change.inode) {
      durable_names_[change.path] = change.inode;
    } else {
      durable_names_.erase(change.path);
    }
  }
  unsynced_names_.clear();
  names_ = durable_names_;
  for (auto& [path, inode] : names_) {
    keep_some(*inode);
    inode->bytes = inode->durable;
  }
}

std::optional<std::string> SimDisk::content(const std::string& path) const {
  auto const found = names_.find(path);
  if (found == names_.end()) return std::nullopt;
  return found->second->bytes;
}

DiskAnswer SimDisk::open(const std::string& path, Missing missing, SimDiskFile& file) {
  DiskFault const fault = next_fault(DiskCall::kOpen, path);
  auto found = names_.find(path);
  if (fault == DiskFault::kFull && found == names_.end()) return DiskAnswer::kFull;
  if (fault != DiskFault::kNone && fault != DiskFault::kFull) return DiskAnswer::kIoError;
  if (found == names_.end()) {
    if (missing == Missing::kIsError) return DiskAnswer::kNotFound;
    found = names_.emplace(path, std::make_shared<SimInode>()).first;
    unsynced_names_.push_back({path, found->second});
  }
  file = {path, found->second, found->second->locks, generation_};
  return DiskAnswer::kDone;
}

SimDiskFile SimDisk::open_unnamed() {
  auto inode = std::make_shared<SimInode>();
  return {"", inode, inode->locks, generation_};
}

DiskAnswer SimDisk::read(const SimDiskFile& file, size_t offset, char* into, size_t count) {
  if (is_stale(file)) return DiskAnswer::kIoError;
  DiskFault const fault = next_fault(DiskCall::kRead, file.path);
  std::memset(into, 0, count);
  if (fault != DiskFault::kNone && fault != DiskFault::kShort) return DiskAnswer::kIoError;
  const std::string& bytes = file.inode->bytes;
  size_t const there = offset < bytes.size() ? std::min(count, bytes.size() - offset) : 0;
  size_t const got = fault == DiskFault::kShort && there > 0 ? bits_.next() % there : there;
  if (got > 0) std::memcpy(into, bytes.data() + offset, got);
  return got < count ? DiskAnswer::kShortRead : DiskAnswer::kDone;
}

DiskAnswer SimDisk::write(const SimDiskFile& file, size_t offset, std::string_view bytes) {
  if (is_stale(file)) return DiskAnswer::kIoError;
  DiskFault const fault = next_fault(DiskCall::kWrite, file.path);
  SimInode& inode = *file.inode;
  if (fault == DiskFault::kIoError) return DiskAnswer::kIoError;
  if (fault == DiskFault::kFull) return DiskAnswer::kFull;
  if (fault == DiskFault::kShort || fault == DiskFault::kDie) {
    std::string_view const part = bytes.substr(0, bits_.next() % (bytes.size() + 1));
    put(inode.bytes, offset, part);
    if (!part.empty()) inode.unsynced.push_back({offset, std::string(part), false});
    return fault == DiskFault::kShort ? DiskAnswer::kFull : DiskAnswer::kIoError;
  }
  size_t const end = offset + bytes.size();
  if (capacity_ && end > inode.bytes.size() &&
      used_bytes() + static_cast<int64_t>(end - inode.bytes.size()) > *capacity_) {
    return DiskAnswer::kFull;
  }
  put(inode.bytes, offset, bytes);
  inode.unsynced.push_back({offset, std::string(bytes), false});
  return DiskAnswer::kDone;
}

DiskAnswer SimDisk::truncate(const SimDiskFile& file, size_t size) {
  if (is_stale(file)) return DiskAnswer::kIoError;
  DiskFault const fault = next_fault(DiskCall::kTruncate, file.path);
  if (fault == DiskFault::kFull) return DiskAnswer::kFull;
  if (fault != DiskFault::kNone) return DiskAnswer::kIoError;
  SimInode& inode = *file.inode;
  if (size < inode.bytes.size()) {
    inode.bytes.resize(size);
    inode.unsynced.push_back({size, {}, true});
  }
  return DiskAnswer::kDone;
}

// After a failed sync the cache takes its pages for clean: a later sync does not write them again.
DiskAnswer SimDisk::sync(const SimDiskFile& file) {
  if (is_stale(file)) return DiskAnswer::kIoError;
  DiskFault const fault = next_fault(DiskCall::kSync, file.path);
  if (is_dead_) return DiskAnswer::kIoError;
  if (syncs_ == Syncs::kLie) return DiskAnswer::kDone;
  if (fault != DiskFault::kNone) {
    keep_some(*file.inode);
    return DiskAnswer::kIoError;
  }
  for (const SimInode::Write& write : file.inode->unsynced) {
    apply(file.inode->durable, write, true);
  }
  file.inode->unsynced.clear();
  return DiskAnswer::kDone;
}

DiskAnswer SimDisk::sync_folder(const std::string& path) {
  DiskFault const fault = next_fault(DiskCall::kSyncFolder, path);
  if (fault != DiskFault::kNone) return DiskAnswer::kIoError;
  if (syncs_ == Syncs::kLie) return DiskAnswer::kDone;
  std::string const folder = folder_of(path);
  std::erase_if(unsynced_names_, [&](const NameChange& change) {
    if (folder_of(change.path) != folder) return false;
    if (change.inode) {
      durable_names_[change.path] = change.inode;
    } else {
      durable_names_.erase(change.path);
    }
    return true;
  });
  return DiskAnswer::kDone;
}

DiskAnswer SimDisk::remove(const std::string& path) {
  DiskFault const fault = next_fault(DiskCall::kRemove, path);
  if (fault != DiskFault::kNone) return DiskAnswer::kIoError;
  if (names_.erase(path) == 0) return DiskAnswer::kNotFound;
  unsynced_names_.push_back({path, nullptr});
  return DiskAnswer::kDone;
}

}  // namespace tidemill::io
