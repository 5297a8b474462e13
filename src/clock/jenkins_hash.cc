#include "clock/jenkins_hash.h"

#include <array>
#include <bit>
#include <cmath>
#include <string>

namespace tidemill::clock {
namespace {

constexpr uint64_t kMask48 = (uint64_t{1} << 48) - 1;
constexpr uint64_t kMultiplier = 0x5DEECE66D;

// RFC 1321. Not for secrets: it is here because Jenkins uses it.
std::array<uint8_t, 16> md5(std::string_view text) {
  constexpr std::array<std::array<int, 4>, 4> kTurns = {
      {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}};
  std::string padded(text);
  padded += '\x80';
  while (padded.size() % 64 != 56) padded += '\0';
  uint64_t const bits = text.size() * 8;
  for (int i = 0; i < 8; ++i) padded += static_cast<char>(bits >> (8 * i) & 0xFF);
  std::array<uint32_t, 4> sum = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  for (size_t block = 0; block < padded.size(); block += 64) {
    std::array<uint32_t, 16> word{};
    for (size_t i = 0; i < 64; ++i) {
      word[i / 4] |= uint32_t{static_cast<uint8_t>(padded[block + i])} << (8 * (i % 4));
    }
    auto [a, b, c, d] = sum;
    for (uint32_t i = 0; i < 64; ++i) {
      uint32_t const round = i / 16;
      uint32_t const f = round == 0   ? (b & c) | (~b & d)
                         : round == 1 ? (d & b) | (~d & c)
                         : round == 2 ? b ^ c ^ d
                                      : c ^ (b | ~d);
      constexpr uint32_t kStep[] = {1, 5, 3, 7};
      constexpr uint32_t kStart[] = {0, 1, 5, 0};
      auto const sine = static_cast<uint32_t>(std::floor(std::abs(std::sin(i + 1.0)) * 0x1p32));
      uint32_t const sum_f = a + f + sine + word[(kStep[round] * i + kStart[round]) % 16];
      a = d;
      d = c;
      c = b;
      b += std::rotl(sum_f, kTurns[round][i % 4]);
    }
    sum = {sum[0] + a, sum[1] + b, sum[2] + c, sum[3] + d};
  }
  std::array<uint8_t, 16> digest{};
  for (size_t i = 0; i < 16; ++i) digest[i] = static_cast<uint8_t>(sum[i / 4] >> (8 * (i % 4)));
  return digest;
}

}  // namespace

JenkinsHash::JenkinsHash(std::string_view seed) {
  std::array<uint8_t, 16> digest = md5(seed);
  for (size_t i = 8; i < digest.size(); ++i) digest[i % 8] ^= digest[i];
  uint64_t folded = 0;
  for (size_t i = 0; i < 8; ++i) folded = folded << 8 | digest[i];
  state_ = (folded ^ kMultiplier) & kMask48;
}

int32_t JenkinsHash::next_31() {
  state_ = (state_ * kMultiplier + 0xB) & kMask48;
  return static_cast<int32_t>(state_ >> 17);
}

// java.util.Random.nextInt(bound).
int JenkinsHash::next(int bound) {
  int32_t const most = bound - 1;
  int32_t drawn = next_31();
  if ((bound & most) == 0) return static_cast<int>(int64_t{bound} * drawn >> 31);
  while (true) {
    int32_t const rest = drawn % bound;
    if (int64_t{drawn} - rest + most <= INT32_MAX) return rest;
    drawn = next_31();
  }
}

}  // namespace tidemill::clock
