#include "io/sim/http_client.h"

#include <fmt/format.h>

#include "io/http_rules.h"

namespace tidemill::io {

using Kind = HttpFailure::Kind;

HttpHandle SimHttpClient::send(HttpRequest request, std::function<void(HttpOutcome)> done) {
  const int64_t handle = ++last_handle_;
  SimHttpAnswer given = answer(request);
  const TimerHandle timer =
      queue_.after(SimQueue::Owner::kServer, given.latency, [this, handle] { finish(handle); });
  under_way_.emplace(handle, UnderWay{std::move(done), std::move(given.outcome), timer});
  return HttpHandle{handle};
}

void SimHttpClient::cancel(HttpHandle handle) {
  const auto found = under_way_.find(handle.value);
  if (found == under_way_.end()) return;
  UnderWay& request = found->second;
  queue_.cancel(request.timer);
  request.outcome = tl::unexpected(HttpFailure{Kind::kCancelled, "cancelled"});
  request.timer =
      queue_.after(SimQueue::Owner::kServer, {}, [this, handle] { finish(handle.value); });
}

SimHttpAnswer SimHttpClient::answer(const HttpRequest& request) {
  if (auto failure = check_request(request)) return {tl::unexpected(*failure), {}};
  if (!handler_) {
    return {tl::unexpected(HttpFailure{Kind::kUnreachable, "nobody answers in this simulation"}),
            {}};
  }
  sent_.push_back(request);
  SimHttpAnswer given = handler_(request);
  if (given.latency > request.timeout) {
    return {tl::unexpected(HttpFailure{Kind::kTimeout,
                                       fmt::format("{} {}: no answer within {}", request.method,
                                                   request.url, format_duration(request.timeout))}),
            request.timeout};
  }
  if (given.outcome) {
    given.outcome->took = given.latency;
    if (given.outcome->body.size() > request.max_response_bytes) {
      given.outcome = tl::unexpected(HttpFailure{
          Kind::kTooLarge,
          fmt::format("the answer is over its cap ({} bytes)", request.max_response_bytes)});
    }
  }
  return given;
}

void SimHttpClient::finish(int64_t handle) {
  const auto found = under_way_.find(handle);
  if (found == under_way_.end()) return;
  const UnderWay ended = std::move(found->second);
  under_way_.erase(found);
  ended.done(ended.outcome);
}

}  // namespace tidemill::io
