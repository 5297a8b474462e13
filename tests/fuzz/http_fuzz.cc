// Any bytes as a stream of HTTP requests, in one piece and byte by byte: the same requests, or the
// same refusal.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/http.h"

namespace {

using namespace tidemill::server;

constexpr size_t kMostRequests = 64;

void note(const Request& request, std::string& seen) {
  seen += request.method + " " + request.target;
  for (const auto& [name, value] : request.headers) seen += "\n" + name + ": " + value;
  for (const std::string& segment : request.segments) {
    if (segment.empty() || segment == "." || segment == "..") std::abort();
    seen += "\n/" + segment;
  }
  seen += "\n\n" + request.body + "\n";
}

// What the parser makes of the bytes, given so many at a time.
std::string read(std::string_view bytes, size_t step) {
  HttpParser parser({.header_bytes = 1024, .body_bytes = 4096});
  std::string seen;
  size_t requests = 0;
  for (size_t at = 0; at < bytes.size(); at += step) {
    parser.feed(bytes.substr(at, step));
    while (requests < kMostRequests) {
      auto request = parser.next();
      if (!request) {
        if (request.error().status < 400 || request.error().message.empty()) std::abort();
        return seen + "refused";
      }
      if (!*request) break;
      ++requests;
      note(**request, seen);
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 16'384) return 0;
  std::string_view const bytes(reinterpret_cast<const char*>(data), size);
  std::string const whole = read(bytes, bytes.size() + 1);
  std::string const pieces = read(bytes, 1);
  // One of the two may see a refusal before the other has the rest: what came before it is equal.
  size_t const common = std::min(whole.size(), pieces.size());
  size_t const ends = std::min({common, whole.find("refused"), pieces.find("refused")});
  if (whole.substr(0, ends) != pieces.substr(0, ends)) std::abort();
  return 0;
}
