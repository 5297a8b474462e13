// Messages between the server and the spawner, as docs/formats/spawner.md states them.
//
//   frame = u32 length of the rest | u8 version | u8 type | body        integers little-endian
//
// Encoders return a whole frame, decoders take a body. Every length and count is checked against
// the bytes that are left before anything is reserved, so a hostile peer costs no memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/processes.h"

namespace tidemill::spawn {

inline constexpr uint8_t kProtocolVersion = 1;
inline constexpr uint32_t kMaxFrameBytes = 32u << 20;
inline constexpr size_t kMaxIdBytes = 255;
inline constexpr size_t kMaxErrorBytes = 64u << 10;

enum class MessageType : uint8_t {
  // server to spawner
  kHello = 1,
  kStart = 2,
  kStop = 3,
  kList = 4,
  kAcknowledge = 5,
  kGoodbye = 6,
  // spawner to server
  kWelcome = 129,
  kStarted = 130,
  kExit = 131,
  kListed = 132,
  kRefused = 133,
  kStopHeard = 134,
};

struct Welcome {
  int64_t pid = 0;
  uint64_t instance = 0;  // drawn when the spawner starts: another number is another spawner
};

struct StartRequest {
  uint64_t request = 0;
  io::ProcessSpec spec;
};

struct StopRequest {
  io::ProcessId id;
  Duration grace;
};

// The answer to a start. `code` is set when it was refused.
struct Started {
  uint64_t request = 0;
  int64_t pid = 0;
  std::optional<Code> code;
  std::string message;
};

// One part of the answer to a list; the last part has no more.
struct ListPart {
  uint64_t request = 0;
  enum class More { kNo, kYes } more = More::kNo;
  io::ProcessList list;
};

std::string encode_hello();
std::string encode_start(uint64_t request, const io::ProcessSpec& spec);
std::string encode_stop(const StopRequest& stop);
std::string encode_list(uint64_t request);
std::string encode_acknowledge(const io::ProcessId& id);
std::string encode_goodbye();
std::string encode_welcome(const Welcome& welcome);
std::string encode_started(const Started& started);
std::string encode_exit(const io::ProcessExit& exit);
std::string encode_listed(const ListPart& part);
std::string encode_refused(std::string_view message);
// A stop has arrived, whether or not its process is known; it need not be asked again.
std::string encode_stop_heard(const io::ProcessId& id);

// Each answers `invalid` for a body that is too short, too long or has a value out of range.
Result<StartRequest> decode_start(std::string_view body);
Result<StopRequest> decode_stop(std::string_view body);
Result<uint64_t> decode_list(std::string_view body);
Result<io::ProcessId> decode_acknowledge(std::string_view body);
Result<Welcome> decode_welcome(std::string_view body);
Result<Started> decode_started(std::string_view body);
Result<io::ProcessExit> decode_exit(std::string_view body);
Result<ListPart> decode_listed(std::string_view body);
Result<std::string> decode_refused(std::string_view body);
Result<io::ProcessId> decode_stop_heard(std::string_view body);

struct Frame {
  MessageType type = MessageType::kHello;
  std::string body;
};

// Cuts a byte stream into frames. Buffers at most one frame and what came behind it.
class FrameReader {
 public:
  void add(std::string_view bytes) { buffer_.append(bytes); }
  // The next whole frame, nothing if more bytes are needed, or `invalid`: close the connection
  // then.
  Result<std::optional<Frame>> next();

 private:
  std::string buffer_;
  size_t used_ = 0;
};

}  // namespace tidemill::spawn
