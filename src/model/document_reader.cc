#include "model/document_reader.h"

#include <algorithm>

#include "base/hash.h"

namespace tidemill::model {
namespace {

constexpr size_t kMembersSearched = 32;

}  // namespace

bool MemberNames::add(std::string_view name) {
  const uint64_t hash = hash64(name);
  if (hashes_.size() < kMembersSearched &&
      std::find(hashes_.begin(), hashes_.end(), hash) != hashes_.end()) {
    return false;
  }
  hashes_.push_back(hash);
  return true;
}

bool MemberNames::distinct() {
  if (hashes_.size() <= kMembersSearched) return true;
  std::sort(hashes_.begin(), hashes_.end());
  return std::adjacent_find(hashes_.begin(), hashes_.end()) == hashes_.end();
}

}  // namespace tidemill::model
