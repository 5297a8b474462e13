// Vendors of a simulation: a function of the test answers.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "io/http_client.h"
#include "io/sim/queue.h"

namespace tidemill::io {

struct SimHttpAnswer {
  HttpOutcome outcome;
  Duration latency;  // longer than the request's timeout: kTimeout, though the handler has seen it
};

// The handler sees a request at the instant it is sent, also when the server dies before the
// answer. Refused beforehand, as by the real client: bad requests and addresses that are not
// public.
class SimHttpClient final : public HttpClient {
 public:
  using Handler = std::function<SimHttpAnswer(const HttpRequest&)>;

  explicit SimHttpClient(SimQueue& queue) : queue_(queue) {}

  // Without one, every request is unreachable.
  void set_handler(Handler handler) { handler_ = std::move(handler); }
  // Every request that reached the handler.
  const std::vector<HttpRequest>& sent() const { return sent_; }
  // The requests of a dead server get no answer.
  void drop_all() { under_way_.clear(); }

  HttpHandle send(HttpRequest request, std::function<void(HttpOutcome)> done) override;
  void cancel(HttpHandle handle) override;

 private:
  struct UnderWay {
    std::function<void(HttpOutcome)> done;
    HttpOutcome outcome;
    TimerHandle timer;
  };
  SimHttpAnswer answer(const HttpRequest& request);
  void finish(int64_t handle);

  SimQueue& queue_;
  Handler handler_;
  std::vector<HttpRequest> sent_;
  std::map<int64_t, UnderWay> under_way_;
  int64_t last_handle_ = 0;
};

}  // namespace tidemill::io
