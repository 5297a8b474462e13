// What the world outside the server saw, in order. The checks read it and the store, and nothing of
// the server's memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace tidemill::sim {

enum class What {
  kServerUp,
  kServerKilled,  // kill -9, or it ended by itself
  kPowerLost,
  kSpawnerLost,
  kSpawnerCut,  // the connection broke; the spawner goes on
  kClockStepped,
  kDiskFault,
  kSyncFailed,
  kStoreRefuses,
  kFileWritten,
  kStarted,   // a process
  kEnded,     // a process; number: exit code, or -1 by a signal, or -2 with its spawner
  kSent,      // an HTTP request reached its receiver
  kReplied,   // its answer was given, heard or not; number: status, 0 for none
  kAsked,     // a client asks; subject: its question
  kAnswered,  // a client was answered; number: status
  kUnheard,   // a client got no answer: its outcome is unknown to it
};
std::string_view word(What what);

struct Happening {
  Now at = {};
  What what = What::kServerUp;
  std::string subject = {};
  std::string run = {};
  std::string task = {};
  int64_t item = -1;
  int64_t attempt = 0;
  int64_t number = 0;
  std::string detail = {};
};

std::string text_of(const Happening& one);

class History {
 public:
  void add(Happening one) { list_.push_back(std::move(one)); }
  const std::vector<Happening>& list() const { return list_; }
  // One line each; the same seed gives the same text.
  std::string text() const;

 private:
  std::vector<Happening> list_;
};

// "<run>/<task>[<item>].<attempt>" taken apart; a whole task has no item.
void read_attempt_id(const std::string& id, Happening& into);

}  // namespace tidemill::sim
