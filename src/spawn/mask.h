// Takes secrets out of a stream of output before it reaches a file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidemill::spawn {

// Replaces each secret of at least 8 bytes by "***", also when it is cut by the borders of chunks,
// and also as JSON text, percent-encoded, or within base64 (both alphabets, any alignment). The
// lines of a secret of several lines are masked one by one too. Only bytes that may begin a secret
// are held back, so a log is readable while it grows.
//
//   Masker m({"hunter2-hunter2"});
//   m.add("pw=hunter2-") == "pw=";   m.add("hunter2\n") == "***\n";
class Masker {
 public:
  static constexpr size_t kLeastBytes = 8;

  Masker() = default;
  explicit Masker(const std::vector<std::string>& secrets);

  // What may be written after `chunk` has arrived.
  std::string add(std::string_view chunk);
  // The bytes held back, at the end of the stream.
  std::string finish();
  // A whole text at once; independent of the stream.
  std::string whole(std::string_view text) const;

 private:
  // Appends `text` to `out` with every whole match replaced; answers how many bytes were consumed:
  // all but what may be the beginning of a match.
  size_t replace(std::string_view text, std::string& out) const;
  size_t held_suffix(std::string_view text) const;

  std::vector<std::string> patterns_;  // longest first
  std::string held_;
};

}  // namespace tidemill::spawn
