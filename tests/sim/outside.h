// The world around the server: what processes and receivers of requests do, and clients that ask.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "project.h"
#include "site.h"

namespace tidemill::sim {

// What a client asked and what it knows of the answer.
struct Question {
  int64_t number = 0;
  std::string method;
  std::string path;
  std::string key;  // the Idempotency-Key, if any
  Json body;
  int status = 0;  // 0: not answered (yet)
  Json answer;
  bool is_lost = false;  // the connection ended before an answer
};

class Outside {
 public:
  Outside(Site& site, Dice dice);

  // How often things go wrong out there; a subset of it is on in each history.
  struct Troubles {
    int64_t fails = 0;     // one in so many processes ends with 1; 0: none
    int64_t hangs = 0;     // runs for an hour unless it is stopped
    int64_t stubborn = 0;  // ignores TERM
    int64_t refused = 0;   // certainly not started
    int64_t http_500 = 0;
    int64_t http_lost = 0;   // has its effect, and no answer comes
    int64_t slow_ms = 1500;  // longest time of a process
  };
  Troubles troubles;

  std::shared_ptr<Question> ask(const std::string& method, const std::string& path, Json body,
                                const std::string& key = "");
  // The server is gone: who waits hears nothing.
  void server_gone();
  const std::vector<std::shared_ptr<Question>>& questions() const { return questions_; }

 private:
  struct Talk;
  io::SimProcessResult started(const io::ProcessSpec& spec);
  io::SimHttpAnswer sent(const io::HttpRequest& request);
  void read_on(const std::shared_ptr<Talk>& talk);
  bool happens(int64_t odds) { return odds > 0 && dice_.one_in(odds); }

  Site& site_;
  Dice dice_;
  std::vector<std::shared_ptr<Question>> questions_;
  std::vector<std::shared_ptr<Talk>> talks_;
  int64_t replies_ = 0;
};

}  // namespace tidemill::sim
