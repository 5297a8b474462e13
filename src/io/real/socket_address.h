// Addresses in the system's form.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>

#include "io/address.h"

namespace tidemill::io {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);
  sockaddr* pointer() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress to_socket_address(const Address& address, uint16_t port);
// Nothing for what is neither IPv4 nor IPv6.
std::optional<Address> to_address(const sockaddr* from);
// "127.0.0.1:7070", "[::1]:7070".
std::string address_text(const SocketAddress& from);

}  // namespace tidemill::io
