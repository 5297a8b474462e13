#include "io/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace tidemill::io {
namespace {

constexpr size_t kMaxUrl = 8192;

struct Range {
  const char* prefix;
  int bits;
  const char* meaning;
};

constexpr Range kSpecialV4[] = {
    {"0.0.0.0", 8, "this network"},
    {"10.0.0.0", 8, "private"},
    {"100.64.0.0", 10, "carrier-grade NAT"},
    {"127.0.0.0", 8, "loopback"},
    {"169.254.0.0", 16, "link-local (cloud metadata)"},
    {"172.16.0.0", 12, "private"},
    {"192.0.0.0", 24, "protocol assignments"},
    {"192.0.2.0", 24, "documentation"},
    {"192.168.0.0", 16, "private"},
    {"198.18.0.0", 15, "benchmarking"},
    {"198.51.100.0", 24, "documentation"},
    {"203.0.113.0", 24, "documentation"},
    {"224.0.0.0", 4, "multicast"},
    {"240.0.0.0", 4, "reserved and broadcast"},
};

constexpr Range kSpecialV6[] = {
    {"::", 128, "unspecified"},
    {"::1", 128, "loopback"},
    {"::", 96, "IPv4-compatible (obsolete)"},
    {"64:ff9b:1::", 48, "local NAT64"},
    {"100::", 64, "discard-only"},
    {"2001::", 23, "protocol assignments (Teredo)"},
    {"2001:db8::", 32, "documentation"},
    {"fc00::", 7, "private"},
    {"fe80::", 10, "link-local"},
    {"fec0::", 10, "site-local (obsolete)"},
    {"ff00::", 8, "multicast"},
};

// IPv4 addresses inside IPv6 ones.
struct Embedding {
  const char* prefix;
  int bits;
  size_t at;  // index of the first byte of the IPv4 address
};

constexpr Embedding kEmbeddings[] = {
    {"::ffff:0:0", 96, 12},
    {"64:ff9b::", 96, 12},
    {"2002::", 16, 2},
};

bool starts_with_bits(const Address& address, const char* prefix_text, int bits) {
  const auto prefix = parse_address(prefix_text);
  if (!prefix || prefix->family != address.family) return false;
  for (int i = 0; i < bits; ++i) {
    const size_t byte = static_cast<size_t>(i) / 8;
    const int mask = 0x80 >> (i % 8);
    if ((address.bytes[byte] & mask) != (prefix->bytes[byte] & mask)) return false;
  }
  return true;
}

template <size_t N>
std::string find_range(const Range (&ranges)[N], const Address& address) {
  for (const auto& range : ranges) {
    if (starts_with_bits(address, range.prefix, range.bits)) {
      return fmt::format("{} {}/{}", range.meaning, range.prefix, range.bits);
    }
  }
  return "";
}

std::optional<Address> parse_v4(std::string_view text) {
  const auto parts = split(text, '.');
  if (parts.size() != 4) return std::nullopt;
  Address address;
  for (size_t i = 0; i < 4; ++i) {
    const auto part = parts[i];
    if (part.empty() || part.size() > 3 || (part.size() > 1 && part[0] == '0')) return std::nullopt;
    int value = 0;
    for (const char c : part) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    if (value > 255) return std::nullopt;
    address.bytes[i] = static_cast<uint8_t>(value);
  }
  return address;
}

tl::unexpected<Error> refuse(std::string_view url, std::string_view found,
                             std::string_view expected) {
  return fail(Code::kInvalid,
              fmt::format("URL \"{}\": {}; expected {}", printable(url, 200), found, expected));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_host_char(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

// A host whose last label is a number would be read as an IPv4 address by many libraries, each in
// its own way: octal, hexadecimal, short.
bool looks_like_a_number(std::string_view label) {
  if (label.empty()) return false;
  if (std::all_of(label.begin(), label.end(), is_digit)) return true;
  return label.size() >= 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X');
}

Status check_name(std::string_view url, std::string_view host) {
  if (host.size() > 253) return refuse(url, "the host is longer than 253 bytes", "a shorter name");
  if (host.ends_with('.')) host.remove_suffix(1);
  for (const auto label : split(host, '.')) {
    if (label.empty() || label.size() > 63) {
      return refuse(url, "the host has a part that is empty or longer than 63 bytes",
                    "a name like api.vendor.example");
    }
    if (!std::all_of(label.begin(), label.end(), is_host_char)) {
      return refuse(url,
                    fmt::format("the host part \"{}\" has a character that is not allowed",
                                printable(label, 70)),
                    "letters, digits, '-' and '_' (international names in their xn-- form)");
    }
  }
  return {};
}

Status parse_host(std::string_view url, std::string_view host, Url& out) {
  if (host.empty()) return refuse(url, "the host is missing", "http://host/ or https://host/");
  if (host.front() == '[') {
    if (host.back() == ']') out.address = parse_address(host.substr(1, host.size() - 2));
    if (!out.address || out.address->family != Address::Family::kV6) {
      return refuse(url, "what is in brackets is not an IPv6 address", "[2001:db8::1]");
    }
    out.host = to_lower_ascii(host.substr(1, host.size() - 2));
    return {};
  }
  TIDEMILL_TRY(check_name(url, host));
  out.host = to_lower_ascii(host);
  out.address = parse_v4(host);
  std::string_view bare = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
  const std::string_view last = bare.substr(bare.find_last_of('.') + 1);
  if (!out.address && looks_like_a_number(last)) {
    return refuse(url, "the host is a number in decimal, octal, hexadecimal or short form",
                  "four decimal parts without leading zeros, like 192.0.2.1, or a name");
  }
  return {};
}

Status parse_port(std::string_view url, std::string_view text, Url& out) {
  int port = 0;
  const bool digits =
      !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), is_digit);
  for (const char c : digits ? text : "") port = port * 10 + (c - '0');
  if (port < 1 || port > 65535) {
    return refuse(url, fmt::format("port \"{}\"", printable(text, 20)), "a number from 1 to 65535");
  }
  out.port = static_cast<uint16_t>(port);
  return {};
}

Status check_bytes(std::string_view text) {
  if (text.size() > kMaxUrl) {
    return refuse(text, fmt::format("it has {} bytes", text.size()), "at most 8192");
  }
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f || c == '\\') {
      return refuse(text, fmt::format("it has the byte 0x{:02x}", byte),
                    "printable ASCII; write other bytes as %XX");
    }
  }
  return {};
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return parse_v4(text);
  if (text.size() > 45) return std::nullopt;
  const std::string terminated(text);
  Address address{.family = Address::Family::kV6};
  if (inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

std::string to_text(const Address& address) {
  char buffer[INET6_ADDRSTRLEN];
  const int family = address.family == Address::Family::kV4 ? AF_INET : AF_INET6;
  return inet_ntop(family, address.bytes.data(), buffer, sizeof buffer);
}

std::string special_range(const Address& address) {
  if (address.family == Address::Family::kV4) return find_range(kSpecialV4, address);
  for (const auto& embedding : kEmbeddings) {
    if (!starts_with_bits(address, embedding.prefix, embedding.bits)) continue;
    Address inside;
    std::copy_n(address.bytes.begin() + static_cast<std::ptrdiff_t>(embedding.at), 4,
                inside.bytes.begin());
    const std::string range = find_range(kSpecialV4, inside);
    return range.empty() ? "" : fmt::format("{} (as {} inside IPv6)", range, to_text(inside));
  }
  std::string range = find_range(kSpecialV6, address);
  // Only 2000::/3 is given out for global use.
  if (range.empty() && (address.bytes[0] & 0xe0) != 0x20) return "not global unicast 2000::/3";
  return range;
}

std::string refusal_text(std::string_view host, const Address& address) {
  const std::string text = to_text(address);
  const std::string of = host == text ? "" : fmt::format(" of {}", printable(host, 100));
  return fmt::format(
      "address {}{} is refused: it is not public ({}); set private_addresses: allowed for this "
      "request if it is meant to go there",
      text, of, special_range(address));
}

Result<Url> parse_url(std::string_view text) {
  TIDEMILL_TRY(check_bytes(text));
  const size_t colon = text.find("://");
  if (colon == std::string_view::npos) {
    return refuse(text, "it has no scheme", "http://host/ or https://host/");
  }
  Url url;
  const std::string scheme = to_lower_ascii(text.substr(0, colon));
  if (scheme != "http" && scheme != "https") {
    return refuse(text, fmt::format("scheme \"{}\"", printable(scheme, 20)), "http or https");
  }
  url.scheme = scheme == "http" ? Url::Scheme::kHttp : Url::Scheme::kHttps;
  url.port = scheme == "http" ? 80 : 443;
  std::string_view authority = text.substr(colon + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos) {
    return refuse(text, "it carries a user name or password before the host",
                  "credentials in a header");
  }
  const size_t bracket = authority.find(']');
  const size_t port_at = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  TIDEMILL_TRY(parse_host(text, authority.substr(0, port_at), url));
  if (port_at != std::string_view::npos) {
    TIDEMILL_TRY(parse_port(text, authority.substr(port_at + 1), url));
  }
  return url;
}

}  // namespace tidemill::io
