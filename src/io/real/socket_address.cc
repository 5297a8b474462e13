#include "io/real/socket_address.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <cstring>

namespace tidemill::io {

SocketAddress to_socket_address(const Address& address, uint16_t port) {
  SocketAddress out;
  if (address.family == Address::Family::kV4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes.data(), 4);
    std::memcpy(&out.storage, &v4, sizeof v4);
    out.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.bytes.data(), 16);
    std::memcpy(&out.storage, &v6, sizeof v6);
    out.size = sizeof v6;
  }
  return out;
}

std::optional<Address> to_address(const sockaddr* from) {
  Address address;
  if (from->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, from, sizeof v4);
    std::memcpy(address.bytes.data(), &v4.sin_addr, 4);
    return address;
  }
  if (from->sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 v6;
  std::memcpy(&v6, from, sizeof v6);
  address.family = Address::Family::kV6;
  std::memcpy(address.bytes.data(), &v6.sin6_addr, 16);
  return address;
}

std::string address_text(const SocketAddress& from) {
  const auto* pointer = reinterpret_cast<const sockaddr*>(&from.storage);
  const auto address = to_address(pointer);
  if (!address) return "unknown address";
  // The port stands at the same place in both families.
  sockaddr_in any;
  std::memcpy(&any, &from.storage, sizeof any);
  const bool v4 = address->family == Address::Family::kV4;
  return fmt::format("{}{}{}:{}", v4 ? "" : "[", to_text(*address), v4 ? "" : "]",
                     ntohs(any.sin_port));
}

}  // namespace tidemill::io
