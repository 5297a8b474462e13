#include "spawn/client.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>

#include "spawn/spawner.h"

namespace tidemill::spawn {

namespace {
constexpr Duration kFirstDelay = Duration::millis(2);
constexpr Duration kMostDelay = Duration::millis(250);
}  // namespace

SpawnClient::SpawnClient(io::Loop& loop, io::Net& net, Options options, Log& log)
    : loop_(loop), net_(net), options_(std::move(options)), log_(log), delay_(kFirstDelay) {}

SpawnClient::~SpawnClient() {
  if (retry_timer_) loop_.cancel(*retry_timer_);
  if (give_up_timer_) loop_.cancel(*give_up_timer_);
}

void SpawnClient::on_exit(std::function<void(const io::ProcessExit&)> callback) {
  on_exit_ = std::move(callback);
}

void SpawnClient::on_lost(std::function<void()> callback) { on_lost_ = std::move(callback); }

void SpawnClient::connect() {
  phase_ = Phase::kConnecting;
  arm_give_up();
  try_connect();
}

// ---- the connection

void SpawnClient::try_connect() {
  retry_timer_.reset();
  Result<std::unique_ptr<io::Stream>> stream =
      net_.connect_unix(socket_path(options_.program.data_folder));
  if (!stream) {
    try_again();
    return;
  }
  stream_ = std::move(*stream);
  frames_ = FrameReader();
  out_.clear();
  writing_ = Writing::kNo;
  send(encode_hello());
  for (auto& [request, pending] : starts_) {
    pending.sent = PendingStart::Sent::kYes;
    send(pending.frame);
  }
  for (const auto& [id, grace] : stops_) send(encode_stop({id, grace}));
  for (auto& [request, pending] : lists_) {
    pending.list = {};
    send(encode_list(request));
  }
  read_more();
}

// Nobody answers: starts a spawner, unless one of ours is just coming up, and looks again soon.
void SpawnClient::try_again() {
  if (spawner_pid_ > 0) ::waitpid(static_cast<pid_t>(spawner_pid_), nullptr, WNOHANG);
  const bool coming = launched_ && ::waitpid(launched_->pid, nullptr, WNOHANG) == 0;
  if (!coming && phase_ == Phase::kConnecting) {
    Result<NewSpawner> launched = launch_spawner(options_.program);
    if (launched) {
      log_.info("no spawner answers; process {} is started as the new one", launched->pid);
      launched_ = std::move(*launched);
    } else {
      log_.error("{}", launched.error().text());
      launched_.reset();
    }
  }
  retry_timer_ = loop_.after(delay_, [this] { try_connect(); });
  delay_ = std::min(delay_ * 2, kMostDelay);
}

void SpawnClient::send(std::string frame) {
  if (!stream_) return;
  out_ += frame;
  write_more();
}

void SpawnClient::write_more() {
  if (writing_ == Writing::kYes || out_.empty() || !stream_) return;
  writing_ = Writing::kYes;
  stream_->write(std::exchange(out_, {}), [this](Status written) {
    writing_ = Writing::kNo;
    if (!written) {
      disconnected(written.error().text());
      return;
    }
    if (out_.empty() && goodbye_done_) {
      std::exchange(goodbye_done_, nullptr)();
      return;
    }
    write_more();
  });
}

void SpawnClient::read_more() {
  stream_->read([this](Result<std::string_view> bytes) { received(std::move(bytes)); });
}

void SpawnClient::received(Result<std::string_view> bytes) {
  if (!bytes || bytes->empty()) {
    disconnected(bytes ? "the spawner closed the connection" : bytes.error().text());
    return;
  }
  frames_.add(*bytes);
  const std::weak_ptr<int> alive = alive_;  // a callback may destroy this client
  while (true) {
    Result<std::optional<Frame>> frame = frames_.next();
    if (frame && !*frame) break;
    const Status good = frame ? handle(**frame) : fail(frame.error());
    if (alive.expired()) return;
    if (!good) {
      disconnected(good.error().text());
      return;
    }
    if (!stream_) return;
  }
  read_more();
}

void SpawnClient::disconnected(const std::string& why) {
  if (!stream_) return;
  // Not destroyed within its own callback.
  loop_.post([stream = std::shared_ptr<io::Stream>(std::move(stream_))] {});
  if (phase_ == Phase::kLeaving) {
    if (goodbye_done_) std::exchange(goodbye_done_, nullptr)();
    return;
  }
  if (phase_ == Phase::kServing) {
    log_.warn("the connection to the spawner is lost ({}); making it again", why);
    delay_ = kFirstDelay;
    arm_give_up();
  }
  phase_ = Phase::kConnecting;
  retry_timer_ = loop_.after(delay_, [this] { try_connect(); });
  delay_ = std::min(delay_ * 2, kMostDelay);
}

void SpawnClient::arm_give_up() {
  if (give_up_timer_) loop_.cancel(*give_up_timer_);
  give_up_timer_ = loop_.after(options_.give_up, [this] { give_up(); });
}

void SpawnClient::give_up() {
  give_up_timer_.reset();
  arm_give_up();
  const std::string why = fmt::format("no spawner can be reached in {}; see spawner.log there",
                                      options_.program.data_folder);
  log_.error("{}", why);
  const std::weak_ptr<int> alive = alive_;
  for (auto& [request, pending] : std::exchange(starts_, {})) {
    const bool sent = pending.sent == PendingStart::Sent::kYes;
    pending.done(fail(sent ? Code::kUnknown : Code::kUnavailable, why));
    if (alive.expired()) return;
  }
  for (auto& [request, pending] : std::exchange(lists_, {})) {
    pending.done(fail(Code::kUnavailable, why));
    if (alive.expired()) return;
  }
  held_exits_.clear();  // they come again with the next connection
}

// ---- what the spawner says

Status SpawnClient::handle(const Frame& frame) {
  switch (frame.type) {
    case MessageType::kWelcome: {
      TIDEMILL_TRY_LET(welcome, decode_welcome(frame.body));
      welcomed(welcome);
      return {};
    }
    case MessageType::kStarted: {
      TIDEMILL_TRY_LET(started, decode_started(frame.body));
      answered(started);
      return {};
    }
    case MessageType::kExit: {
      TIDEMILL_TRY_LET(exit, decode_exit(frame.body));
      exited(exit);
      return {};
    }
    case MessageType::kListed: {
      TIDEMILL_TRY_LET(part, decode_listed(frame.body));
      return listed(std::move(part));
    }
    case MessageType::kStopHeard: {
      TIDEMILL_TRY_LET(id, decode_stop_heard(frame.body));
      stops_.erase(id);
      return {};
    }
    case MessageType::kRefused: {
      TIDEMILL_TRY_LET(message, decode_refused(frame.body));
      return fail(Code::kInvalid, message);
    }
    default:
      return fail(Code::kInvalid, fmt::format("spawner protocol: message type {} is not known",
                                              static_cast<int>(frame.type)));
  }
}

void SpawnClient::welcomed(const Welcome& welcome) {
  const bool another = instance_ && *instance_ != welcome.instance;
  instance_ = welcome.instance;
  spawner_pid_ = welcome.pid;
  launched_.reset();
  phase_ = Phase::kServing;
  delay_ = kFirstDelay;
  if (give_up_timer_) loop_.cancel(*give_up_timer_);
  give_up_timer_.reset();
  if (!another) return;
  log_.warn("the spawner was lost; a new one, process {}, has taken over", welcome.pid);
  if (on_lost_) on_lost_();
}

void SpawnClient::answered(const Started& started) {
  const auto found = starts_.find(started.request);
  if (found == starts_.end()) return;
  const io::ProcessId id = found->second.id;
  const auto done = std::move(found->second.done);
  starts_.erase(found);
  const std::weak_ptr<int> alive = alive_;
  if (started.code) {
    done(fail(*started.code, started.message));
  } else {
    done(started.pid);
  }
  if (alive.expired()) return;
  const auto held = held_exits_.extract(id);
  if (held && on_exit_) on_exit_(held.mapped());
}

void SpawnClient::exited(const io::ProcessExit& exit) {
  const bool asked = std::any_of(starts_.begin(), starts_.end(),
                                 [&exit](const auto& entry) { return entry.second.id == exit.id; });
  if (asked) {
    held_exits_[exit.id] = exit;
  } else if (on_exit_) {
    on_exit_(exit);
  }
}

Status SpawnClient::listed(ListPart part) {
  const auto found = lists_.find(part.request);
  if (found == lists_.end()) return {};
  io::ProcessList& list = found->second.list;
  std::move(part.list.running.begin(), part.list.running.end(), std::back_inserter(list.running));
  std::move(part.list.exited.begin(), part.list.exited.end(), std::back_inserter(list.exited));
  if (part.more == ListPart::More::kYes) return {};
  const PendingList whole = std::move(found->second);
  lists_.erase(found);
  whole.done(whole.list);
  return {};
}

// ---- what the server asks

void SpawnClient::start(io::ProcessSpec spec, std::function<void(Result<int64_t>)> done) {
  const auto refuse = [&](Code code, std::string message) {
    loop_.post([done = std::move(done), error = Error{code, std::move(message), ""}] {
      done(fail(error));
    });
  };
  if (starts_.size() >= options_.most_waiting) {
    refuse(Code::kExhausted, fmt::format("process {}: {} starts wait for the spawner's answer",
                                         spec.id.value, starts_.size()));
    return;
  }
  const uint64_t request = next_request_++;
  std::string frame = encode_start(request, spec);
  if (frame.size() > kMaxFrameBytes) {
    refuse(Code::kInvalid, fmt::format("process {}: its input, arguments and environment have {} "
                                       "bytes together, {} are allowed",
                                       spec.id.value, frame.size(), kMaxFrameBytes));
    return;
  }
  PendingStart& pending = starts_[request];
  pending.id = spec.id;
  pending.frame = std::move(frame);
  pending.done = std::move(done);
  if (!stream_) return;
  pending.sent = PendingStart::Sent::kYes;
  send(pending.frame);
}

void SpawnClient::stop(const io::ProcessId& id, Duration grace) {
  stops_[id] = grace;
  send(encode_stop({id, grace}));
}

void SpawnClient::list(std::function<void(Result<io::ProcessList>)> done) {
  const uint64_t request = next_request_++;
  lists_[request].done = std::move(done);
  send(encode_list(request));
}

// Not repeated after a broken connection: the exit comes again then, and so does this.
void SpawnClient::acknowledge(const io::ProcessId& id) { send(encode_acknowledge(id)); }

void SpawnClient::say_goodbye(std::function<void()> done) {
  phase_ = Phase::kLeaving;
  if (retry_timer_) loop_.cancel(*retry_timer_);
  retry_timer_.reset();
  if (!stream_) {
    loop_.post(std::move(done));
    return;
  }
  goodbye_done_ = std::move(done);
  send(encode_goodbye());
}

}  // namespace tidemill::spawn
