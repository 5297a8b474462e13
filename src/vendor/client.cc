#include "vendor/client.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "vendor/client_metrics.h"
#include "vendor/explain.h"
#include "vendor/vendor_state.h"

namespace tidemill::vendor {
namespace {

constexpr Duration kMinUseful = Duration::millis(50);  // with less left, nothing is begun
constexpr Duration kReserve = Duration::millis(20);    // left to record and answer
constexpr Elapsed kNoDeadline{INT64_MAX / 4000};

enum class Stage { kNew, kProductQueue, kVendorQueue, kPermit, kInFlight, kBackOff };

struct Call {
  CallId id;
  CallRequest request;
  const Product* product = nullptr;
  std::function<void(CallResult)> done;
  Stage stage = Stage::kNew;
  Elapsed deadline = kNoDeadline;
  Elapsed waiting_since;
  Elapsed queued_since;
  std::optional<io::TimerHandle> timer;
  std::optional<io::HttpHandle> http;
  bool holds_product_slot = false;
  bool holds_vendor_slot = false;
  bool holds_retry = false;
  bool cancelled = false;
  CallResult result;
};

}  // namespace

Error CallResult::error() const {
  TIDEMILL_CHECK(!succeeded());
  Code code = row(id).code;
  if (code == Code::kUnknown && repeatable) code = Code::kUnavailable;
  return Error{code, message, ""};
}

class Client::Impl {
 public:
  Impl(io::Loop& loop, io::Clock& clock, io::HttpClient& http, io::Random& random, Metrics& metrics)
      : loop_(loop), clock_(clock), http_(http), random_(random), metrics_(metrics) {}

  ~Impl() {
    for (auto& [id, call] : calls_) {
      if (call->timer) loop_.cancel(*call->timer);
    }
  }

  CallHandle call(CallRequest request, std::function<void(CallResult)> done) {
    auto call = std::make_unique<Call>();
    call->id = CallId(++last_id_);
    call->product = request.spec->product(request.product);
    TIDEMILL_CHECK(call->product != nullptr);
    call->request = std::move(request);
    call->done = std::move(done);
    call->deadline = std::min(call->request.deadline.value_or(kNoDeadline), kNoDeadline);
    call->waiting_since = clock_.elapsed();
    call->result.repeatable = call->product->repeatable();
    VendorState& vendor = state(*call);
    if (vendor.apply(call->request.spec)) grant_added_slots(vendor);
    vendor.budget.call_began();
    CallId const id = call->id;
    calls_.emplace(id, std::move(call));
    post(id, &Impl::begin_try);
    return id;
  }

  void cancel(CallHandle id) {
    Call* const call = find(id);
    if (!call || call->cancelled) return;
    call->cancelled = true;
    if (call->stage != Stage::kInFlight) {
      post(id, &Impl::end_cancelled);
      return;
    }
    // What is sent and may be billed or have an effect is worth its answer.
    bool const priced = call->product->price && !call->product->price->is_zero;
    if (call->product->effect == Effect::kRead && !priced) http_.cancel(*call->http);
  }

  size_t open_calls() const { return calls_.size(); }

 private:
  using Step = void (Impl::*)(Call&);

  Call* find(CallId id) {
    auto const found = calls_.find(id);
    return found == calls_.end() ? nullptr : found->second.get();
  }

  VendorState& state(const Call& call) { return vendors_[call.request.spec->name]; }
  LimitState& product_state(const Call& call) { return state(call).products[call.product->name]; }

  // Runs `step` in a later turn: a line of waiters must not become a stack of calls.
  void post(CallId id, Step step) {
    loop_.post([this, alive = std::weak_ptr<int>(alive_), id, step] {
      if (alive.expired()) return;
      if (Call* const call = find(id)) (this->*step)(*call);
    });
  }

  void arm(Call& call, Duration delay, Step step) {
    disarm(call);
    call.timer = loop_.after(delay, [this, alive = std::weak_ptr<int>(alive_), id = call.id, step] {
      if (alive.expired()) return;
      if (Call* const found = find(id)) {
        found->timer.reset();
        (this->*step)(*found);
      }
    });
  }

  void disarm(Call& call) {
    if (call.timer) loop_.cancel(*call.timer);
    call.timer.reset();
  }

  // Gate: enough time left. Then the product's slots.
  void begin_try(Call& call) {
    if (call.cancelled) return end_cancelled(call);
    Elapsed const now = clock_.elapsed();
    call.queued_since = now;
    if (call.deadline - now < kMinUseful) {
      return refuse(call, Class::kDeadline,
                    fmt::format("less than {} left before the deadline. Nothing was sent",
                                format_duration(kMinUseful)));
    }
    enter(call, Stage::kProductQueue, product_state(call));
  }

  void enter(Call& call, Stage stage, LimitState& limits) {
    call.stage = stage;
    switch (limits.slots->enter(call.id, call.request.priority)) {
      case Bulkhead::Entry::kGranted:
        return granted(call);
      case Bulkhead::Entry::kRefused:
        return refuse(call, Class::kOverloaded,
                      fmt::format("{} calls are in flight and {} wait, the most that limits.queue "
                                  "allows. Nothing was sent",
                                  limits.slots->in_flight(), limits.slots->waiting()));
      case Bulkhead::Entry::kQueued:
        break;
    }
    metrics(call).queue.add(1);
    Duration const left = call.deadline - clock_.elapsed() - kMinUseful;
    arm(call, std::clamp(queue_wait(call), Duration{}, std::max(left, Duration{})),
        &Impl::queue_wait_over);
  }

  Duration queue_wait(const Call& call) const {
    bool const of_product = call.stage == Stage::kProductQueue;
    return (of_product ? call.product->limits : call.request.spec->limits).queue_wait;
  }

  LimitState& queue_of(Call& call) {
    return call.stage == Stage::kProductQueue ? product_state(call) : state(call).vendor;
  }

  void queue_wait_over(Call& call) {
    queue_of(call).slots->abandon(call.id, call.request.priority);
    metrics(call).queue.add(-1);
    refuse(call, Class::kOverloaded,
           fmt::format("no free slot within {}. Nothing was sent",
                       format_duration(clock_.elapsed() - call.queued_since)));
  }

  // A waiter was taken out of its queue.
  void granted_later(CallId id) {
    Call* const call = find(id);
    TIDEMILL_CHECK(call != nullptr);
    metrics(*call).queue.add(-1);
    disarm(*call);
    (call->stage == Stage::kProductQueue ? call->holds_product_slot : call->holds_vendor_slot) =
        true;
    post(id, &Impl::granted);
  }

  void granted(Call& call) {
    if (call.stage == Stage::kProductQueue) {
      call.holds_product_slot = true;
      return enter(call, Stage::kVendorQueue, state(call).vendor);
    }
    call.holds_vendor_slot = true;
    metrics(call).wait_for_slot.observe((clock_.elapsed() - call.queued_since).to_ms() / 1000);
    call.queued_since = clock_.elapsed();
    take_permit(call);
  }

  void take_permit(Call& call) {
    call.stage = Stage::kPermit;
    Elapsed const now = clock_.elapsed();
    Permit const permit =
        state(call).permit(call.product->name, now, Elapsed{call.deadline.us - kMinUseful.us});
    if (!permit.granted) {
      call.result.retry_at = clock_.wall() + (permit.at - now);
      return refuse(call, Class::kOverRate,
                    fmt::format("the rate allows the next call in {}, after the deadline. Nothing "
                                "was sent",
                                format_duration(permit.at - now)));
    }
    if (permit.at <= now) return send(call);
    arm(call, permit.at - now, &Impl::permit_due);
  }

  void permit_due(Call& call) {
    // The vendor asked for a pause meanwhile: the permits within it are void.
    if (state(call).paused_until > clock_.elapsed()) return take_permit(call);
    send(call);
  }

  void send(Call& call) {
    if (call.cancelled) return end_cancelled(call);
    CallRequest& request = call.request;
    auto built = build_request(*request.spec, *call.product, request.rendered, request.secret,
                               request.idempotency_key);
    if (!built)
      return refuse(call, Class::kInvalidRequest, built.error().message + ". Nothing was sent");
    Elapsed const now = clock_.elapsed();
    built->timeout = std::min(built->timeout, call.deadline - now - kReserve);
    if (built->timeout < kMinUseful - kReserve) {
      return refuse(call, Class::kDeadline, "the deadline came before a permit. Nothing was sent");
    }
    metrics(call).wait_for_permit.observe((now - call.queued_since).to_ms() / 1000);
    metrics(call).in_flight.add(1);
    call.stage = Stage::kInFlight;
    Try attempt;
    attempt.started = clock_.wall();
    attempt.waited = now - call.waiting_since;
    call.result.tries.push_back(std::move(attempt));
    call.waiting_since = now;  // until the answer: the start of the try
    call.http = http_.send(std::move(*built), [this, alive = std::weak_ptr<int>(alive_),
                                               id = call.id](io::HttpOutcome outcome) {
      if (alive.expired()) return;
      Call* const found = find(id);
      TIDEMILL_CHECK(found != nullptr && found->stage == Stage::kInFlight);
      answered(*found, std::move(outcome));
    });
  }

  void answered(Call& call, io::HttpOutcome outcome) {
    call.http.reset();
    Elapsed const now = clock_.elapsed();
    Classified classified = classify(outcome, *call.product, call.request.evaluate);
    Try& attempt = call.result.tries.back();
    attempt.took = now - call.waiting_since;
    attempt.id = classified.id;
    attempt.message = classified.message;
    call.waiting_since = now;
    metrics(call).in_flight.add(-1);
    metrics(call).tries(classified.id).add();
    metrics(call).try_seconds.observe(attempt.took.to_ms() / 1000);
    if (call.holds_retry) state(call).budget.give_back();
    call.holds_retry = false;
    release_slots(call);

    std::optional<RetryAfter> const asked = pause_asked(call, classified.id, outcome);
    keep_answer(call, std::move(outcome), std::move(classified));
    if (call.result.succeeded()) return end(call, call.result.id, "");
    again(call, asked);
  }

  std::optional<RetryAfter> pause_asked(Call& call, Class id, const io::HttpOutcome& outcome) {
    if (!row(id).pauses || !outcome) return std::nullopt;
    auto const asked =
        parse_retry_after(outcome->header("retry-after"), outcome->header("date"), clock_.wall());
    if (asked) state(call).pause(clock_.elapsed() + asked->wait);
    return asked;
  }

  static void keep_answer(Call& call, io::HttpOutcome outcome, Classified classified) {
    CallResult& result = call.result;
    result.id = classified.id;
    result.body = std::move(classified.body);
    result.status = outcome ? outcome->status : 0;
    result.tries.back().status = result.status;
    result.headers = outcome ? std::move(outcome->headers) : io::HttpHeaders{};
    result.raw = outcome ? std::move(outcome->body) : std::string();
  }

  // The question of a further try, after one that did not succeed.
  void again(Call& call, std::optional<RetryAfter> asked) {
    CallResult& result = call.result;
    std::string const detail = result.tries.back().message;
    int64_t const tries = static_cast<int64_t>(result.tries.size());
    if (call.cancelled || !may_repeat(result.id, *call.product, tries)) {
      return end(call, result.id, detail);
    }
    const RetryPolicy& policy = call.product->retry;
    Duration wait = asked ? asked->wait + jitter(policy.base, random_.next())
                          : jitter(backoff_bound(policy, tries - 1), random_.next());
    if (clock_.elapsed() + wait > Elapsed{call.deadline.us - kMinUseful.us}) {
      if (asked) result.retry_at = clock_.wall() + asked->wait;
      return end(call, result.id,
                 fmt::format("{}; the next try would be in {}, after the deadline", detail,
                             format_duration(wait)));
    }
    if (!state(call).budget.take()) {
      result.retry_suppressed = true;
      return end(
          call, result.id,
          detail + "; not repeated because too many calls of this vendor are being repeated");
    }
    call.holds_retry = true;
    metrics(call).retries.add();
    call.stage = Stage::kBackOff;
    arm(call, wait, &Impl::begin_try);
  }

  // A gate does not let the call pass. After a try, what that try came to is the outcome: "nothing
  // was sent" would not be true of the call.
  void refuse(Call& call, Class id, const std::string& why) {
    if (call.result.tries.empty()) return end(call, id, why);
    end(call, call.result.id,
        fmt::format("{}; not repeated: {}", call.result.tries.back().message, why));
  }

  void end_cancelled(Call& call) {
    if (call.stage == Stage::kInFlight) return;  // its answer ends it
    if (call.stage == Stage::kProductQueue || call.stage == Stage::kVendorQueue) {
      if (queue_of(call).slots->abandon(call.id, call.request.priority)) {
        metrics(call).queue.add(-1);
      }
    }
    refuse(call, Class::kCancelled, "cancelled");
  }

  void end(Call& call, Class id, const std::string& detail) {
    CallMetrics& counts = metrics(call);
    disarm(call);
    VendorState& vendor = state(call);
    if (call.holds_retry) vendor.budget.give_back();
    vendor.budget.call_ended();
    release_slots(call);
    counts.calls(id).add();
    CallResult result = std::move(call.result);
    result.id = id;
    if (!result.succeeded()) {
      result.message = explain(*call.request.spec, *call.product, id, detail,
                               static_cast<int64_t>(result.tries.size()));
    }
    auto const done = std::move(call.done);
    calls_.erase(call.id);
    done(std::move(result));
  }

  void release_slots(Call& call) {
    if (call.holds_vendor_slot) {
      if (auto const next = state(call).vendor.slots->leave()) granted_later(*next);
    }
    if (call.holds_product_slot) {
      if (auto const next = product_state(call).slots->leave()) granted_later(*next);
    }
    call.holds_vendor_slot = call.holds_product_slot = false;
  }

  // A newer file may allow more calls at once.
  void grant_added_slots(VendorState& vendor) {
    while (auto const next = vendor.vendor.slots->grant_next()) granted_later(*next);
    for (auto& [name, product] : vendor.products) {
      while (auto const next = product.slots->grant_next()) granted_later(*next);
    }
  }

  CallMetrics& metrics(const Call& call) {
    auto& slot = call_metrics_[{call.request.spec->name, call.product->name}];
    if (!slot) slot = std::make_unique<CallMetrics>(metrics_, *call.request.spec, *call.product);
    return *slot;
  }

  io::Loop& loop_;
  io::Clock& clock_;
  io::HttpClient& http_;
  io::Random& random_;
  Metrics& metrics_;
  int64_t last_id_ = 0;
  std::map<CallId, std::unique_ptr<Call>> calls_;
  std::map<std::string, VendorState> vendors_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<CallMetrics>> call_metrics_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

Client::Client(io::Loop& loop, io::Clock& clock, io::HttpClient& http, io::Random& random,
               Metrics& metrics)
    : impl_(std::make_unique<Impl>(loop, clock, http, random, metrics)) {}
Client::~Client() = default;

CallHandle Client::call(CallRequest request, std::function<void(CallResult)> done) {
  return impl_->call(std::move(request), std::move(done));
}
void Client::cancel(CallHandle call) { impl_->cancel(call); }
size_t Client::open_calls() const { return impl_->open_calls(); }

}  // namespace tidemill::vendor
