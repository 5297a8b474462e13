// Readers on connections of their own.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "store/reader.h"

namespace tidemill::store {

// Any thread may ask at any time, and it waits for nobody else's query: the lock guards only the
// list.
class ReaderPool {
 public:
  ReaderPool(std::string folder, std::string vfs, io::Files& files)
      : folder_(std::move(folder)), vfs_(std::move(vfs)), files_(files) {}

  template <class Call>
  auto use(Call call) -> decltype(call(std::declval<Reader&>())) {
    std::unique_ptr<Reader> reader;
    {
      std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        reader = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (!reader) {
      auto opened = Reader::open(folder_, files_, vfs_);
      if (!opened) return fail(opened.error());
      reader = std::move(*opened);
    }
    auto answer = call(*reader);
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(reader));
    return answer;
  }

 private:
  std::string folder_;
  std::string vfs_;
  io::Files& files_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Reader>> idle_;
};

}  // namespace tidemill::store
