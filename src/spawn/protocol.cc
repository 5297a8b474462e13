#include "spawn/protocol.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace tidemill::spawn {

namespace {

constexpr size_t kHeaderBytes = 4;
constexpr uint8_t kNoCode = 255;

ByteWriter begin(MessageType type) {
  ByteWriter w;
  w.u32(0);
  w.u8(kProtocolVersion);
  w.u8(static_cast<uint8_t>(type));
  return w;
}

std::string end(ByteWriter writer) {
  std::string frame = writer.take();
  const uint32_t length = static_cast<uint32_t>(frame.size() - kHeaderBytes);
  for (size_t i = 0; i < kHeaderBytes; ++i) frame[i] = static_cast<char>(length >> (8 * i));
  return frame;
}

template <class T>
Result<T> checked(const ByteReader& reader, T value, std::string_view what) {
  if (reader.finished()) return value;
  return fail(
      Code::kInvalid,
      fmt::format("spawner protocol: malformed {} message: lengths and content disagree", what));
}

void write_texts(ByteWriter& w, const std::vector<std::string>& texts) {
  w.u32(static_cast<uint32_t>(texts.size()));
  for (const std::string& text : texts) w.text(text);
}

std::vector<std::string> read_texts(ByteReader& r) {
  std::vector<std::string> texts;
  const size_t n = r.count(4);
  for (size_t i = 0; i < n && r.ok(); ++i) texts.emplace_back(r.text());
  return texts;
}

void write_exit(ByteWriter& w, const io::ProcessExit& exit) {
  w.text(exit.id.value);
  w.u8(static_cast<uint8_t>(exit.how));
  w.i64(exit.code);
  w.text(exit.message);
  w.text(exit.error);
  w.i64(exit.started.us);
  w.i64(exit.ended.us);
  w.i64(exit.user_cpu.us);
  w.i64(exit.system_cpu.us);
  w.i64(exit.max_rss_bytes);
}

constexpr size_t kLeastExitBytes = 4 + 1 + 8 + 4 + 4 + 5 * 8;

io::ProcessExit read_exit(ByteReader& r) {
  io::ProcessExit exit;
  exit.id = io::ProcessId(std::string(r.text()));
  const uint8_t how = r.u8();
  r.expect(how <= static_cast<uint8_t>(io::ProcessExit::How::kLost));
  exit.how = static_cast<io::ProcessExit::How>(how);
  exit.code = static_cast<int>(r.i64());
  exit.message = r.text();
  exit.error = r.text();
  exit.started.us = r.i64();
  exit.ended.us = r.i64();
  exit.user_cpu.us = r.i64();
  exit.system_cpu.us = r.i64();
  exit.max_rss_bytes = r.i64();
  return exit;
}

}  // namespace

std::string encode_hello() { return end(begin(MessageType::kHello)); }
std::string encode_goodbye() { return end(begin(MessageType::kGoodbye)); }

std::string encode_start(uint64_t request, const io::ProcessSpec& spec) {
  ByteWriter w = begin(MessageType::kStart);
  w.u64(request);
  w.text(spec.id.value);
  write_texts(w, spec.argv);
  w.u8(spec.python ? 1 : 0);
  if (spec.python) {
    w.text(spec.python->interpreter);
    w.text(spec.python->bundle);
    w.text(spec.python->target);
    write_texts(w, spec.python->preload);
  }
  w.u32(static_cast<uint32_t>(spec.env.size()));
  for (const auto& [name, value] : spec.env) {
    w.text(name);
    w.text(value);
  }
  w.text(spec.folder);
  w.text(spec.input);
  w.text(spec.log_path);
  w.text(spec.output_path);
  write_texts(w, spec.secrets);
  return end(std::move(w));
}

Result<StartRequest> decode_start(std::string_view body) {
  ByteReader r(body);
  StartRequest start;
  start.request = r.u64();
  io::ProcessSpec& spec = start.spec;
  spec.id = io::ProcessId(std::string(r.text()));
  spec.argv = read_texts(r);
  const uint8_t python = r.u8();
  r.expect(python <= 1);
  if (python == 1) {
    io::PythonCall call;
    call.interpreter = r.text();
    call.bundle = r.text();
    call.target = r.text();
    call.preload = read_texts(r);
    spec.python = std::move(call);
  }
  const size_t variables = r.count(8);
  for (size_t i = 0; i < variables && r.ok(); ++i) {
    std::string name(r.text());
    spec.env.emplace_back(std::move(name), std::string(r.text()));
  }
  spec.folder = r.text();
  spec.input = r.text();
  spec.log_path = r.text();
  spec.output_path = r.text();
  spec.secrets = read_texts(r);
  return checked(r, std::move(start), "start");
}

std::string encode_stop(const StopRequest& stop) {
  ByteWriter w = begin(MessageType::kStop);
  w.text(stop.id.value);
  w.i64(stop.grace.us);
  return end(std::move(w));
}

Result<StopRequest> decode_stop(std::string_view body) {
  ByteReader r(body);
  StopRequest stop;
  stop.id = io::ProcessId(std::string(r.text()));
  stop.grace.us = r.i64();
  r.expect(stop.grace.us >= 0);
  return checked(r, std::move(stop), "stop");
}

std::string encode_list(uint64_t request) {
  ByteWriter w = begin(MessageType::kList);
  w.u64(request);
  return end(std::move(w));
}

Result<uint64_t> decode_list(std::string_view body) {
  ByteReader r(body);
  const uint64_t request = r.u64();
  return checked(r, request, "list");
}

std::string encode_acknowledge(const io::ProcessId& id) {
  ByteWriter w = begin(MessageType::kAcknowledge);
  w.text(id.value);
  return end(std::move(w));
}

Result<io::ProcessId> decode_acknowledge(std::string_view body) {
  ByteReader r(body);
  io::ProcessId id{std::string(r.text())};
  return checked(r, std::move(id), "acknowledge");
}

std::string encode_welcome(const Welcome& welcome) {
  ByteWriter w = begin(MessageType::kWelcome);
  w.i64(welcome.pid);
  w.u64(welcome.instance);
  return end(std::move(w));
}

Result<Welcome> decode_welcome(std::string_view body) {
  ByteReader r(body);
  Welcome welcome;
  welcome.pid = r.i64();
  welcome.instance = r.u64();
  return checked(r, welcome, "welcome");
}

std::string encode_started(const Started& started) {
  ByteWriter w = begin(MessageType::kStarted);
  w.u64(started.request);
  w.i64(started.pid);
  w.u8(started.code ? static_cast<uint8_t>(*started.code) : kNoCode);
  w.text(started.message);
  return end(std::move(w));
}

Result<Started> decode_started(std::string_view body) {
  ByteReader r(body);
  Started started;
  started.request = r.u64();
  started.pid = r.i64();
  const uint8_t code = r.u8();
  r.expect(code == kNoCode || code <= static_cast<uint8_t>(Code::kInternal));
  if (code != kNoCode) started.code = static_cast<Code>(code);
  started.message = r.text();
  return checked(r, std::move(started), "started");
}

std::string encode_exit(const io::ProcessExit& exit) {
  ByteWriter w = begin(MessageType::kExit);
  write_exit(w, exit);
  return end(std::move(w));
}

Result<io::ProcessExit> decode_exit(std::string_view body) {
  ByteReader r(body);
  io::ProcessExit exit = read_exit(r);
  return checked(r, std::move(exit), "exit");
}

std::string encode_listed(const ListPart& part) {
  ByteWriter w = begin(MessageType::kListed);
  w.u64(part.request);
  w.u8(static_cast<uint8_t>(part.more));
  w.u32(static_cast<uint32_t>(part.list.running.size()));
  for (const io::ProcessId& id : part.list.running) w.text(id.value);
  w.u32(static_cast<uint32_t>(part.list.exited.size()));
  for (const io::ProcessExit& exit : part.list.exited) write_exit(w, exit);
  return end(std::move(w));
}

Result<ListPart> decode_listed(std::string_view body) {
  ByteReader r(body);
  ListPart part;
  part.request = r.u64();
  const uint8_t more = r.u8();
  r.expect(more <= 1);
  part.more = static_cast<ListPart::More>(more);
  const size_t running = r.count(4);
  for (size_t i = 0; i < running && r.ok(); ++i) {
    part.list.running.emplace_back(std::string(r.text()));
  }
  const size_t exited = r.count(kLeastExitBytes);
  for (size_t i = 0; i < exited && r.ok(); ++i) part.list.exited.push_back(read_exit(r));
  return checked(r, std::move(part), "listed");
}

std::string encode_refused(std::string_view message) {
  ByteWriter w = begin(MessageType::kRefused);
  w.text(message);
  return end(std::move(w));
}

Result<std::string> decode_refused(std::string_view body) {
  ByteReader r(body);
  std::string message(r.text());
  return checked(r, std::move(message), "refused");
}

std::string encode_stop_heard(const io::ProcessId& id) {
  ByteWriter w = begin(MessageType::kStopHeard);
  w.text(id.value);
  return end(std::move(w));
}

Result<io::ProcessId> decode_stop_heard(std::string_view body) {
  ByteReader r(body);
  io::ProcessId id{std::string(r.text())};
  return checked(r, std::move(id), "stop-heard");
}

Result<std::optional<Frame>> FrameReader::next() {
  const std::string_view rest = std::string_view(buffer_).substr(used_);
  if (rest.size() < kHeaderBytes) {
    buffer_.erase(0, used_);
    used_ = 0;
    if (buffer_.empty()) buffer_.shrink_to_fit();
    return std::optional<Frame>();
  }
  const size_t length = ByteReader(rest).u32();
  if (length < 2 || length > kMaxFrameBytes) {
    return fail(Code::kInvalid,
                fmt::format("spawner protocol: a frame of {} bytes; 2 to {} are allowed", length,
                            kMaxFrameBytes));
  }
  if (rest.size() - kHeaderBytes < length) {
    buffer_.erase(0, used_);
    used_ = 0;
    return std::optional<Frame>();
  }
  const uint8_t version = static_cast<uint8_t>(rest[kHeaderBytes]);
  if (version != kProtocolVersion) {
    return fail(
        Code::kInvalid,
        fmt::format("spawner protocol: version {} was sent, this program speaks version {}; "
                    "server and spawner must be the same build",
                    version, kProtocolVersion));
  }
  Frame frame;
  frame.type = static_cast<MessageType>(static_cast<uint8_t>(rest[kHeaderBytes + 1]));
  frame.body = rest.substr(kHeaderBytes + 2, length - 2);
  used_ += kHeaderBytes + length;
  return std::optional<Frame>(std::move(frame));
}

}  // namespace tidemill::spawn
