// URLs and IP addresses of outgoing requests: what may be asked, and which addresses are public.
// Pure. The rules are those against server-side request forgery: one strict parser, no clever host
// forms, and every address that a name leads to is looked at.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tidemill::io {

struct Address {
  enum class Family { kV4, kV6 } family = Family::kV4;
  std::array<uint8_t, 16> bytes{};  // network order; the first four for kV4
};

// Dotted decimal with four parts and no leading zeros, or IPv6 without brackets and zone.
std::optional<Address> parse_address(std::string_view text);

// "10.1.2.3", "2001:db8::1".
std::string to_text(const Address& address);

// Why an address is not public: "private 10.0.0.0/8"; "" if it is public. An IPv4 address inside an
// IPv6 one (mapped, NAT64, 6to4) is judged as that IPv4 address.
std::string special_range(const Address& address);
inline bool is_public(const Address& address) { return special_range(address).empty(); }

// "address 10.1.2.3 of bureau.example is refused: it is private 10.0.0.0/8, not public; ..." with
// what to set to allow it.
std::string refusal_text(std::string_view host, const Address& address);

struct Url {
  enum class Scheme { kHttp, kHttps } scheme = Scheme::kHttp;
  std::string host;                // lower case, without brackets
  std::optional<Address> address;  // if the host is one
  uint16_t port = 0;               // the scheme's if none is given
};

// Accepts "http(s)://host[:port][/path][?query][#fragment]". Refused: other schemes, userinfo,
// hosts in decimal, octal, hexadecimal or short form (http://2130706433, http://0x7f.1), blanks,
// control and non-ASCII bytes, backslashes, ports outside 1..65535, over 8 KiB.
Result<Url> parse_url(std::string_view text);

}  // namespace tidemill::io
