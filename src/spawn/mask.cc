#include "spawn/mask.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>

#include "base/json.h"

namespace tidemill::spawn {

namespace {

constexpr std::string_view kMask = "***";
constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// The characters of a base64 text that depend on `secret` alone when it begins at byte `shift` of a
// group of three.
std::string base64_core(std::string_view secret, size_t shift, std::string_view alphabet) {
  const std::string bytes = std::string(shift, '\0') + std::string(secret);
  std::string core;
  for (size_t bit = 0; bit + 6 <= bytes.size() * 8; bit += 6) {
    if (bit < shift * 8) continue;
    const size_t at = bit / 8;
    unsigned pair = static_cast<unsigned char>(bytes[at]) << 8;
    if (at + 1 < bytes.size()) pair |= static_cast<unsigned char>(bytes[at + 1]);
    core.push_back(alphabet[(pair >> (10 - bit % 8)) & 63]);
  }
  return core;
}

std::string percent_encoded(std::string_view secret, const char* digits) {
  std::string out;
  for (const unsigned char c : secret) {
    if (std::isalnum(c) ||
        std::string_view("-._~").find(static_cast<char>(c)) != std::string::npos) {
      out.push_back(static_cast<char>(c));
    } else {
      out.push_back('%');
      out.push_back(digits[c >> 4]);
      out.push_back(digits[c & 15]);
    }
  }
  return out;
}

void add_forms(std::string_view secret, std::vector<std::string>& patterns) {
  if (secret.size() < Masker::kLeastBytes) return;
  patterns.emplace_back(secret);
  patterns.push_back(percent_encoded(secret, "0123456789ABCDEF"));
  patterns.push_back(percent_encoded(secret, "0123456789abcdef"));
  std::string json;
  append_json_string(json, secret);
  patterns.push_back(json.substr(1, json.size() - 2));
  for (size_t shift = 0; shift < 3; ++shift) {
    for (const std::string_view alphabet : {kStandard, kUrl}) {
      std::string core = base64_core(secret, shift, alphabet);
      if (core.size() >= Masker::kLeastBytes) patterns.push_back(std::move(core));
    }
  }
}

}  // namespace

Masker::Masker(const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    add_forms(secret, patterns_);
    if (secret.find('\n') == std::string::npos) continue;
    size_t begin = 0;
    while (begin < secret.size()) {
      const size_t end = std::min(secret.find('\n', begin), secret.size());
      add_forms(std::string_view(secret).substr(begin, end - begin), patterns_);
      begin = end + 1;
    }
  }
  std::sort(patterns_.begin(), patterns_.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  patterns_.erase(std::unique(patterns_.begin(), patterns_.end()), patterns_.end());
}

size_t Masker::held_suffix(std::string_view text) const {
  size_t held = 0;
  for (const std::string& pattern : patterns_) {
    for (size_t n = std::min(pattern.size() - 1, text.size()); n > held; --n) {
      if (std::memcmp(text.data() + text.size() - n, pattern.data(), n) == 0) {
        held = n;
        break;
      }
    }
  }
  return held;
}

size_t Masker::replace(std::string_view text, std::string& out) const {
  size_t at = 0;
  std::vector<size_t> next(patterns_.size(), 0);  // where each pattern is found next
  while (true) {
    size_t first = std::string_view::npos;
    size_t length = 0;
    for (size_t i = 0; i < patterns_.size(); ++i) {
      if (next[i] != std::string_view::npos && next[i] <= at) next[i] = text.find(patterns_[i], at);
      if (next[i] < first) {
        first = next[i];
        length = patterns_[i].size();
      }
    }
    // A longer secret that is still arriving may contain the shorter one that is already here.
    const std::string_view rest = text.substr(at);
    const size_t held_from = text.size() - held_suffix(rest);
    if (first == std::string_view::npos || held_from <= first) {
      out.append(text.substr(at, held_from - at));
      return held_from;
    }
    out.append(text.substr(at, first - at));
    out.append(kMask);
    at = first + length;
  }
}

std::string Masker::add(std::string_view chunk) {
  if (patterns_.empty()) return std::string(chunk);
  held_.append(chunk);
  std::string out;
  const size_t used = replace(held_, out);
  held_.erase(0, used);
  return out;
}

std::string Masker::finish() {
  // The end may be a shorter secret within the beginning of a longer one.
  std::string out = whole(held_);
  held_.clear();
  return out;
}

std::string Masker::whole(std::string_view text) const {
  std::string out;
  while (!text.empty()) {
    size_t first = std::string_view::npos;
    size_t length = 0;
    for (const std::string& pattern : patterns_) {
      const size_t found = text.find(pattern);
      if (found < first) {
        first = found;
        length = pattern.size();
      }
    }
    if (first == std::string_view::npos) break;
    out.append(text.substr(0, first)).append(kMask);
    text.remove_prefix(first + length);
  }
  return out.append(text);
}

}  // namespace tidemill::spawn
