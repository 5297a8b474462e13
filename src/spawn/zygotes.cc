#include "spawn/zygotes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "spawn/launch.h"
#include "spawn/tree.h"

namespace tidemill::spawn {

namespace {

constexpr size_t kSentAtOnce = 16;  // calls on the socket that nobody has taken
constexpr size_t kMaxFailures = 64;
constexpr Duration kFailureRemembered = Duration::seconds(300);
constexpr size_t kMarkerRoom = 256;  // a child writes its id over these bytes
constexpr size_t kMaxPacketBytes = 4096;
constexpr size_t kTakenBytes = 13;   // type, pid, number
constexpr int kLeastChannelFd = 10;  // so that dup2 onto 3 is never onto itself

std::string key_of(const io::PythonCall& call) {
  std::string key = call.interpreter + '\0' + call.bundle;
  for (const std::string& module : call.preload) key += '\0' + module;
  return key;
}

bool send_call(int socket, uint64_t number, int request_fd, int output_fd) {
  iovec part{&number, sizeof number};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(2 * sizeof(int));
  const int fds[2] = {request_fd, output_fd};
  std::memcpy(CMSG_DATA(header), fds, sizeof fds);
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof number;
}

}  // namespace

struct Zygotes::Zygote {
  pid_t pid = 0;
  bool reaped = false;
  Fd channel;
  uint64_t next_number = 1;
  std::map<uint64_t, PythonRequest> sent;  // not yet taken
  std::deque<PythonRequest> waiting;
  Elapsed last_used;
  std::string why;  // it refused, or what happened to it
  bool idle() const { return sent.empty() && waiting.empty(); }
};

Result<Fd> make_request_file(const io::ProcessSpec& spec, const std::string& cgroup_path) {
  ByteWriter w;
  w.text(spec.id.value);
  w.text(spec.python->bundle);
  w.text(spec.python->target);
  w.text(spec.folder);
  w.text(spec.input);
  w.text(spec.output_path);
  w.text(cgroup_path.empty() ? "" : cgroup_path + "/cgroup.procs");
  for (const auto& [name, value] : spec.env) {
    w.text(name);
    w.text(value);
  }
  Fd file(::memfd_create("tidemill-call", MFD_CLOEXEC));
  if (!file.open() || !write_whole(file.get(), w.bytes())) {
    return system_failure("keep the request of", spec.id.value);
  }
  return file;
}

Zygotes::Zygotes(Poller& poller, std::string token, uint64_t open_files, Limits limits,
                 Events events)
    : poller_(poller),
      token_(std::move(token)),
      open_files_(open_files),
      limits_(limits),
      events_(std::move(events)) {}

Zygotes::~Zygotes() {
  for (auto& [key, zygote] : zygotes_) {
    kill(*zygote);
    poller_.forget(zygote->channel.get());
  }
}

void Zygotes::call(PythonRequest request, const std::string& worker_folder) {
  const Key key = key_of(request.call);
  const Elapsed now = elapsed_time();
  if (const auto failure = failures_.find(key); failure != failures_.end()) {
    if (now < failure->second.until) {
      events_.handed_back(std::move(request), failure->second.why);
      return;
    }
    failures_.erase(failure);
  }
  Zygote* zygote = find_or_make(key, request, worker_folder);
  if (zygote == nullptr) {
    events_.handed_back(std::move(request), "no warm interpreter could be made");
    return;
  }
  zygote->last_used = now;
  zygote->waiting.push_back(std::move(request));
  send_waiting(*zygote);
}

Zygotes::Zygote* Zygotes::find_or_make(const Key& key, const PythonRequest& request,
                                       const std::string& folder) {
  if (const auto found = zygotes_.find(key); found != zygotes_.end()) return found->second.get();
  make_room();
  if (zygotes_.size() >= limits_.zygotes) return nullptr;
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return nullptr;
  auto zygote = std::make_unique<Zygote>();
  zygote->channel.reset(ends[0]);
  const Fd low(ends[1]);
  const Fd theirs(::fcntl(low.get(), F_DUPFD_CLOEXEC, kLeastChannelFd));
  LaunchSpec spec;
  spec.argv = worker_command(request.call.interpreter, folder, "zygote");
  spec.argv.push_back(request.call.bundle);
  spec.argv.insert(spec.argv.end(), request.call.preload.begin(), request.call.preload.end());
  spec.env = {{std::string(kSpawnerVariable), token_},
              {std::string(kProcessVariable), std::string(kMarkerRoom, kZygoteId.front())},
              {"PATH", "/usr/local/bin:/usr/bin:/bin"},
              {"LANG", "C.UTF-8"}};
  spec.output_fd = STDERR_FILENO;
  spec.channel_fd = theirs.get();
  spec.open_files = open_files_;
  const Result<Launched> launched = launch(spec);
  if (!launched) return nullptr;
  zygote->pid = launched->pid;
  zygote->why = launched->failure;
  poller_.watch(zygote->channel.get(), [this, key] { drain(key); });
  return zygotes_.emplace(key, std::move(zygote)).first->second.get();
}

// Ends the zygote that was not used for the longest time, if one is idle and there are too many.
void Zygotes::make_room() {
  if (zygotes_.size() < limits_.zygotes) return;
  const Key* oldest = nullptr;
  Elapsed since{INT64_MAX};
  for (const auto& [key, zygote] : zygotes_) {
    if (!zygote->idle() || since <= zygote->last_used) continue;
    since = zygote->last_used;
    oldest = &key;
  }
  if (oldest != nullptr) end(Key(*oldest), "");
}

void Zygotes::send_waiting(Zygote& zygote) {
  while (!zygote.waiting.empty() && zygote.sent.size() < kSentAtOnce) {
    PythonRequest& request = zygote.waiting.front();
    if (!send_call(zygote.channel.get(), zygote.next_number, request.request_file.get(),
                   request.output_fd)) {
      return;  // it has ended; its end of the channel will tell
    }
    zygote.sent.emplace(zygote.next_number++, std::move(request));
    zygote.waiting.pop_front();
  }
}

void Zygotes::drain(const Key& key) {
  while (true) {
    const auto found = zygotes_.find(key);
    if (found == zygotes_.end()) return;
    Zygote& zygote = *found->second;
    char packet[kMaxPacketBytes];
    const ssize_t n = ::recv(zygote.channel.get(), packet, sizeof packet, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    // A reset comes before what was sent ahead of it: calls may have been taken.
    if (n < 0 && (errno == EINTR || errno == ECONNRESET)) continue;
    if (n <= 0) {
      const std::string why = zygote.why.empty() ? "the warm interpreter ended" : zygote.why;
      end(key, why);
      return;
    }
    ByteReader r(std::string_view(packet, static_cast<size_t>(n)));
    const uint8_t type = r.u8();
    if (type == 'X') {
      zygote.why.assign(packet + 1, static_cast<size_t>(n) - 1);
    } else if (type == 'T' && n == static_cast<ssize_t>(kTakenBytes)) {
      const pid_t pid = static_cast<pid_t>(r.u32());
      const auto sent = zygote.sent.find(r.u64());
      if (sent == zygote.sent.end()) continue;
      const io::ProcessId id = sent->second.id;
      zygote.sent.erase(sent);
      zygote.last_used = elapsed_time();
      send_waiting(zygote);
      events_.taken(id, pid);
    }
  }
}

// Everybody who could take its calls is gone, or it is told to go.
void Zygotes::end(const Key& key, const std::string& why) {
  const auto found = zygotes_.find(key);
  const std::unique_ptr<Zygote> zygote = std::move(found->second);
  zygotes_.erase(found);
  kill(*zygote);
  poller_.forget(zygote->channel.get());
  if (!why.empty()) remember_failure(key, why);
  for (auto& [number, request] : zygote->sent) events_.handed_back(std::move(request), why);
  for (PythonRequest& request : zygote->waiting) events_.handed_back(std::move(request), why);
}

// The zygote and its spare are one process group, which cannot be another's as long as the zygote
// has not been waited for.
void Zygotes::kill(Zygote& zygote) {
  if (!zygote.reaped && zygote.pid > 0) ::kill(-zygote.pid, SIGKILL);
}

void Zygotes::remember_failure(const Key& key, const std::string& why) {
  if (failures_.size() >= kMaxFailures) failures_.erase(failures_.begin());
  failures_[key] = {elapsed_time() + kFailureRemembered, why};
}

bool Zygotes::owns(pid_t pid) const {
  return std::any_of(zygotes_.begin(), zygotes_.end(),
                     [pid](const auto& entry) { return entry.second->pid == pid; });
}

bool Zygotes::before_reap(pid_t pid) {
  for (auto& [key, zygote] : zygotes_) {
    if (zygote->pid != pid) continue;
    kill(*zygote);  // its spare; the end of the channel follows
    zygote->reaped = true;
    return true;
  }
  return false;
}

void Zygotes::drain_all() {
  std::vector<Key> keys;
  for (const auto& [key, zygote] : zygotes_) keys.push_back(key);
  for (const Key& key : keys) drain(key);
}

void Zygotes::tick(Elapsed now) {
  std::vector<Key> idle;
  for (auto& [key, zygote] : zygotes_) {
    if (zygote->idle()) {
      if (zygote->last_used + limits_.idle <= now) idle.push_back(key);
    } else if (zygote->last_used + limits_.taking <= now) {
      // Nobody takes its calls. Once its processes are dead the channel ends, and not before that
      // is it certain that no child still takes one.
      zygote->why = "the warm interpreter did not answer";
      zygote->last_used = now;
      kill(*zygote);
    }
  }
  for (const Key& key : idle) end(key, "");
}

std::optional<Elapsed> Zygotes::next_deadline() const {
  std::optional<Elapsed> next;
  for (const auto& [key, zygote] : zygotes_) {
    const Elapsed due = zygote->last_used + (zygote->idle() ? limits_.idle : limits_.taking);
    if (!next || due < *next) next = due;
  }
  return next;
}

void Zygotes::retire_all() {
  while (!zygotes_.empty()) end(Key(zygotes_.begin()->first), "");
}

}  // namespace tidemill::spawn
