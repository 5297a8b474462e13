#include "io/real/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "io/http_rules.h"
#include "io/real/http_transfer.h"
#include "io/real/loop.h"

namespace tidemill::io {
namespace {

constexpr size_t kIdleHandles = 32;

}  // namespace

// libcurl says which descriptors and which timeout it waits for; the loop waits, and calls back.
class RealHttpClient::Impl : public std::enable_shared_from_this<Impl> {
 public:
  using Done = std::function<void(HttpOutcome)>;

  explicit Impl(RealLoop& loop) : loop_(loop) {}

  // Ends everything; no callback runs after this, though one may be running.
  void shut_down() {
    closed_ = true;
    loop_.cancel(timer_);
    for (auto& [handle, transfer] : transfers_) {
      curl_multi_remove_handle(multi_, transfer.http->easy());
      curl_easy_cleanup(transfer.http->easy());
      loop_.cancel(transfer.stall_timer);
    }
    // Callbacks may own things that call back here: they go last.
    const auto dropped = std::exchange(transfers_, {});
    for (void* easy : idle_) curl_easy_cleanup(easy);
    idle_.clear();
    if (multi_ == nullptr) return;
    curl_multi_cleanup(multi_);
    multi_ = nullptr;
    watches_.clear();
    curl_global_cleanup();
  }

  HttpHandle send(HttpRequest request, Done done) {
    const HttpHandle handle{++last_handle_};
    if (auto failure = refuse(request)) {
      answer_later(std::move(done), std::move(*failure));
      return handle;
    }
    auto http =
        std::make_unique<HttpTransfer>(handle, std::move(request), std::move(done), answering_);
    http->prepare(take_easy());
    void* easy = http->easy();
    transfers_.emplace(handle.value, Transfer{std::move(http), {}, 0});
    TIDEMILL_CHECK(curl_multi_add_handle(multi_, easy) == CURLM_OK);
    kick();
    return handle;
  }

  void cancel(HttpHandle handle) {
    const auto found = transfers_.find(handle.value);
    if (found == transfers_.end()) return;
    const auto http = take(found);
    answer_later(std::move(http->done()), http->cancelled());
  }

 private:
  struct Transfer {
    std::unique_ptr<HttpTransfer> http;
    TimerHandle stall_timer;
    int64_t pieces_seen = 0;
  };
  using Transfers = std::unordered_map<int64_t, Transfer>;

  std::optional<HttpFailure> refuse(const HttpRequest& request) {
    if (auto failure = check_request(request)) return failure;
    if (transfers_.size() >= kMaxRequests) {
      return HttpFailure{HttpFailure::Kind::kUnreachable,
                         fmt::format("{} requests are under way (the limit): nothing was sent; try "
                                     "again later",
                                     kMaxRequests)};
    }
    if (multi_ == nullptr && !set_up()) {
      return HttpFailure{HttpFailure::Kind::kUnreachable, "libcurl could not be set up"};
    }
    return std::nullopt;
  }

  bool set_up() {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return false;
    multi_ = curl_multi_init();
    if (multi_ == nullptr) return false;
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Impl::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Impl::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kMaxConnections);
    curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
    return true;
  }

  void* take_easy() {
    if (idle_.empty()) {
      void* easy = curl_easy_init();
      TIDEMILL_CHECK(easy != nullptr);
      return easy;
    }
    void* easy = idle_.back();
    idle_.pop_back();
    return easy;
  }

  // Takes a transfer out of libcurl and out of the table.
  std::unique_ptr<HttpTransfer> take(Transfers::iterator found) {
    auto http = std::move(found->second.http);
    loop_.cancel(found->second.stall_timer);
    transfers_.erase(found);
    curl_multi_remove_handle(multi_, http->easy());
    if (idle_.size() < kIdleHandles) {
      curl_easy_reset(http->easy());
      idle_.push_back(http->easy());
    } else {
      curl_easy_cleanup(http->easy());
    }
    return http;
  }

  void answer_later(Done done, HttpFailure failure) {
    loop_.post([weak = weak_from_this(), done = std::move(done), failure = std::move(failure)] {
      const auto self = weak.lock();
      if (self && !self->closed_) done(tl::unexpected(failure));
    });
  }

  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
    static_cast<Impl*>(self)->watch(socket, what);
    return 0;
  }

  // libcurl tells of the end of its interest before it closes a descriptor, so a watch never
  // outlives what it watches.
  void watch(curl_socket_t socket, int what) {
    if (what == CURL_POLL_REMOVE) {
      watches_.erase(socket);
      return;
    }
    auto& watch = watches_[socket];
    if (!watch) {
      watch = loop_.watch_descriptor(socket, [this, socket](Readiness ready) {
        drive(socket,
              (ready.readable ? CURL_CSELECT_IN : 0) | (ready.writable ? CURL_CSELECT_OUT : 0));
      });
    }
    watch->want({.readable = (what & CURL_POLL_IN) != 0, .writable = (what & CURL_POLL_OUT) != 0});
  }

  // libcurl must not be called from here.
  static int on_timer(CURLM*, long timeout_ms, void* self) {
    auto* impl = static_cast<Impl*>(self);
    if (impl->closed_) return 0;
    impl->loop_.cancel(std::exchange(impl->timer_, {}));
    if (timeout_ms == 0) impl->kick();
    if (timeout_ms > 0) {
      impl->timer_ = impl->loop_.after(Duration::millis(timeout_ms), [impl] {
        impl->timer_ = {};
        impl->drive(CURL_SOCKET_TIMEOUT, 0);
      });
    }
    return 0;
  }

  // One call for all requests of this turn.
  void kick() {
    if (std::exchange(kicked_, true)) return;
    loop_.post([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || self->closed_) return;
      self->kicked_ = false;
      self->drive(CURL_SOCKET_TIMEOUT, 0);
    });
  }

  void drive(curl_socket_t socket, int events) {
    const auto self = shared_from_this();  // a callback may destroy the client
    int running = 0;
    TIDEMILL_CHECK(curl_multi_socket_action(multi_, socket, events, &running) == CURLM_OK);
    std::vector<std::pair<Done, HttpOutcome>> ready;
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      char* pointer = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &pointer);
      auto* http = reinterpret_cast<HttpTransfer*>(pointer);
      HttpOutcome outcome = http->outcome(message->data.result);
      const auto taken = take(transfers_.find(http->handle().value));
      ready.emplace_back(std::move(taken->done()), std::move(outcome));
    }
    watch_for_stalls();
    for (auto& [done, outcome] : ready) {
      if (closed_) return;
      done(std::move(outcome));
    }
  }

  // For answers whose body did not come together with its headers.
  void watch_for_stalls() {
    for (const HttpHandle handle : answering_) {
      const auto found = transfers_.find(handle.value);
      if (found != transfers_.end()) watch_for_stall(handle.value, found->second);
    }
    answering_.clear();
  }

  void watch_for_stall(int64_t handle, Transfer& transfer) {
    transfer.pieces_seen = transfer.http->pieces();
    transfer.stall_timer = loop_.after(transfer.http->request().stall_timeout, [this, handle] {
      const auto found = transfers_.find(handle);
      if (found == transfers_.end()) return;
      if (found->second.http->pieces() != found->second.pieces_seen) {
        return watch_for_stall(handle, found->second);
      }
      const auto self = shared_from_this();
      const auto http = take(found);
      http->done()(tl::unexpected(http->stalled()));
    });
  }

  RealLoop& loop_;
  CURLM* multi_ = nullptr;
  std::unordered_map<curl_socket_t, std::unique_ptr<DescriptorWatch>> watches_;
  Transfers transfers_;
  std::vector<HttpHandle> answering_;
  std::vector<void*> idle_;
  TimerHandle timer_;
  int64_t last_handle_ = 0;
  bool kicked_ = false;
  bool closed_ = false;
};

RealHttpClient::RealHttpClient(RealLoop& loop) : impl_(std::make_shared<Impl>(loop)) {}
RealHttpClient::~RealHttpClient() { impl_->shut_down(); }
HttpHandle RealHttpClient::send(HttpRequest request, std::function<void(HttpOutcome)> done) {
  return impl_->send(std::move(request), std::move(done));
}
void RealHttpClient::cancel(HttpHandle handle) { impl_->cancel(handle); }

}  // namespace tidemill::io
