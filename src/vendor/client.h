// Calls of vendors, each through its gates: deadline, slots, rate, try, and again if that is
// allowed.
//
//   call -> [deadline] -> [slots of product, vendor] -> [permit] -> try -> class -> done
//              ^                                                             |
//              +------------------- back-off, retry budget <-----------------+
//
// What must be kept before and after a call is the caller's business; one call makes 1..n tries on
// the wire and none after `done`.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "io/clock.h"
#include "io/http_client.h"
#include "io/loop.h"
#include "io/random.h"
#include "vendor/bulkhead.h"
#include "vendor/classify.h"
#include "vendor/request.h"
#include "vendor/spec.h"

namespace tidemill::vendor {

struct CallRequest {
  std::shared_ptr<const Spec> spec;
  std::string product;  // one of the spec's
  Rendered rendered;
  std::string secret;  // the value of spec->auth.secret; unused without auth
  std::string
      idempotency_key;  // one per call, sent with every try; unused unless the product has it
  std::optional<Elapsed> deadline;
  Priority priority = Priority::kLive;
  Evaluate evaluate;  // needed if the product has `no_hit` or `classify`
};

// One try on the wire.
struct Try {
  Time started;
  Duration waited;  // from the call, or the last try's end, to this start
  Duration took;
  int status = 0;  // 0: no answer
  Class id = Class::kOk;
  std::string message;
};

struct CallResult {
  Class id = Class::kOk;
  std::string message;  // for people; "" if succeeded
  std::vector<Try> tries;
  // The last answer, as it came; empty if there is none.
  int status = 0;
  io::HttpHeaders headers;
  std::string raw;
  Json body;                      // raw as JSON, if it is that
  bool repeatable = false;        // of the product: asking again is safe
  bool retry_suppressed = false;  // the vendor's retry budget was used up
  std::optional<Time> retry_at;  // when asking again makes sense, if the vendor or the rate says so

  bool succeeded() const { return id == Class::kOk || id == Class::kNoHit; }
  bool no_hit() const { return id == Class::kNoHit; }
  // Of a call that did not succeed. kUnknown only if repeating may do something twice.
  Error error() const;
};

using CallHandle = CallId;

// Loop thread only. Limits, pauses and retry budgets belong to the vendor, whoever calls: the
// contract is with the company. `loop`, `clock`, `http`, `random` and `metrics` must outlive it.
class Client {
 public:
  Client(io::Loop& loop, io::Clock& clock, io::HttpClient& http, io::Random& random,
         Metrics& metrics);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // `done` is called once, later, on the loop's thread; never after the client is destroyed.
  CallHandle call(CallRequest request, std::function<void(CallResult)> done);
  // Waits end at once, as kCancelled. A try that is sent and may be billed or have an effect is
  // left to finish and its answer is given. A call that has ended is ignored.
  void cancel(CallHandle call);

  size_t open_calls() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidemill::vendor
