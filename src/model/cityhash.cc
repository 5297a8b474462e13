#include "model/cityhash.h"

#include <bit>
#include <cstring>
#include <utility>

namespace tidemill::model {
namespace {

constexpr uint64_t k0 = 0xc3a5c85c97cb3127, k1 = 0xb492b66fbe98f273;
constexpr uint64_t k2 = 0x9ae16a3b2f90404f, k3 = 0xc949d7c7509e6557;

template <class Word>
uint64_t fetch(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);  // little-endian, as flat_layout.h requires
  return word;
}
uint64_t fetch64(const char* at) { return fetch<uint64_t>(at); }
uint64_t fetch32(const char* at) { return fetch<uint32_t>(at); }

uint64_t rotate(uint64_t value, size_t by) { return std::rotr(value, static_cast<int>(by)); }
uint64_t shift_mix(uint64_t value) { return value ^ (value >> 47); }

uint64_t hash16(uint64_t u, uint64_t v) {
  constexpr uint64_t kMultiplier = 0x9ddfea08eb382d69;
  const uint64_t a = shift_mix((u ^ v) * kMultiplier);
  return shift_mix((v ^ a) * kMultiplier) * kMultiplier;
}

uint64_t hash_to_16(const char* s, size_t n) {
  if (n > 8) {
    const uint64_t a = fetch64(s), b = fetch64(s + n - 8);
    return hash16(a, rotate(b + n, n)) ^ b;
  }
  if (n >= 4) return hash16(n + (fetch32(s) << 3), fetch32(s + n - 4));
  if (n == 0) return k2;
  const auto byte = [s](size_t i) { return uint32_t{static_cast<unsigned char>(s[i])}; };
  const uint32_t y = byte(0) + (byte(n >> 1) << 8);
  const uint32_t z = static_cast<uint32_t>(n) + (byte(n - 1) << 2);
  return shift_mix(y * k2 ^ z * k3) * k2;
}

uint64_t hash_to_32(const char* s, size_t n) {
  const uint64_t a = fetch64(s) * k1, b = fetch64(s + 8);
  const uint64_t c = fetch64(s + n - 8) * k2, d = fetch64(s + n - 16) * k0;
  return hash16(rotate(a - b, 43) + rotate(c, 30) + d, a + rotate(b ^ k3, 20) - c + n);
}

// Half of hash_to_64: of the 32 bytes that begin at `s`; `z` comes from their end.
std::pair<uint64_t, uint64_t> half(uint64_t a, uint64_t z, uint64_t second, uint64_t third) {
  const uint64_t b = rotate(a + z, 52);
  uint64_t c = rotate(a, 37);
  a += second;
  c += rotate(a, 7);
  a += third;
  return {a + z, b + rotate(a, 31) + c};
}

uint64_t hash_to_64(const char* s, size_t n) {
  const auto [vf, vs] = half(fetch64(s) + (n + fetch64(s + n - 16)) * k0, fetch64(s + 24),
                             fetch64(s + 8), fetch64(s + 16));
  const auto [wf, ws] = half(fetch64(s + 16) + fetch64(s + n - 32), fetch64(s + n - 8),
                             fetch64(s + n - 24), fetch64(s + n - 16));
  const uint64_t r = shift_mix((vf + ws) * k2 + (wf + vs) * k0);
  return shift_mix(r * k0 + vs) * k2;
}

std::pair<uint64_t, uint64_t> weak_hash(const char* s, uint64_t a, uint64_t b) {
  const uint64_t w = fetch64(s), x = fetch64(s + 8), y = fetch64(s + 16), z = fetch64(s + 24);
  a += w;
  b = rotate(b + a + z, 21);
  const uint64_t c = a;
  a += x + y;
  b += rotate(a, 44);
  return {a + z, b + c};
}

}  // namespace

uint64_t city_hash(std::string_view text) {
  const char* s = text.data();
  const size_t n = text.size();
  if (n <= 16) return hash_to_16(s, n);
  if (n <= 32) return hash_to_32(s, n);
  if (n <= 64) return hash_to_64(s, n);
  uint64_t x = fetch64(s + n - 40);
  uint64_t y = fetch64(s + n - 16) + fetch64(s + n - 56);
  uint64_t z = hash16(fetch64(s + n - 48) + n, fetch64(s + n - 24));
  auto v = weak_hash(s + n - 64, n, z);
  auto w = weak_hash(s + n - 32, y + k1, x);
  x = x * k1 + fetch64(s);
  for (size_t left = (n - 1) / 64 * 64; left != 0; left -= 64, s += 64) {
    x = rotate(x + y + v.first + fetch64(s + 8), 37) * k1;
    y = rotate(y + v.second + fetch64(s + 48), 42) * k1;
    x ^= w.second;
    y += v.first + fetch64(s + 40);
    z = rotate(z + w.first, 33) * k1;
    v = weak_hash(s, v.second * k1, x + w.first);
    w = weak_hash(s + 32, z + w.second, y + fetch64(s + 16));
    std::swap(z, x);
  }
  return hash16(hash16(v.first, w.first) + shift_mix(y) * k1 + z, hash16(v.second, w.second) + x);
}

}  // namespace tidemill::model
