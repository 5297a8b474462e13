#include "http.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <thread>

#include "report.h"

namespace tidemill::bench {
namespace {

void write_all(int descriptor, const std::string& bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    ssize_t const n = ::send(descriptor, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) die("send");
    sent += static_cast<size_t>(n);
  }
}

// Reads one message with a Content-Length; its body, or nothing at the end of the stream.
bool read_message(int descriptor, std::string& buffer, std::string& head, std::string& body) {
  char chunk[16384];
  size_t end;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
    ssize_t const n = ::recv(descriptor, chunk, sizeof chunk, 0);
    if (n <= 0) return false;
    buffer.append(chunk, static_cast<size_t>(n));
  }
  head = buffer.substr(0, end + 4);
  size_t length = 0;
  for (const char* name : {"Content-Length: ", "content-length: "}) {
    size_t const at = head.find(name);
    if (at != std::string::npos) length = std::strtoul(head.c_str() + at + 16, nullptr, 10);
  }
  while (buffer.size() < end + 4 + length) {
    ssize_t const n = ::recv(descriptor, chunk, sizeof chunk, 0);
    if (n <= 0) return false;
    buffer.append(chunk, static_cast<size_t>(n));
  }
  body = buffer.substr(end + 4, length);
  buffer.erase(0, end + 4 + length);
  return true;
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void send_at_once(int socket) {
  int const on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

HttpConnection::HttpConnection(int port, std::string token) : token_(std::move(token)) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in const address = loopback(port);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    die("connect to the server");
  }
  send_at_once(socket_);
}

HttpConnection::~HttpConnection() { ::close(socket_); }

std::string HttpConnection::post(const std::string& path, const std::string& body) {
  return ask("POST", path, body);
}

std::string HttpConnection::get(const std::string& path) { return ask("GET", path, ""); }

std::string HttpConnection::ask(const std::string& method, const std::string& path,
                                const std::string& body) {
  write_all(socket_, method + " " + path +
                         " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token_ +
                         "\r\nContent-Type: application/json\r\nContent-Length: " +
                         std::to_string(body.size()) + "\r\n\r\n" + body);
  std::string head;
  std::string answer;
  if (!read_message(socket_, buffer_, head, answer)) die("the server closed the connection");
  if (head.compare(9, 2, "20") != 0) {
    errno = 0;
    die("the server answered " + head.substr(9, 3) + " to " + path + ": " + answer);
  }
  return answer;
}

Stub::Stub() {
  int const listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("bind");
  if (::listen(listener, 1024) != 0) die("listen");
  socklen_t size = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  std::thread([this, listener] { serve(listener); }).detach();
}

void Stub::serve(int listener) {
  while (true) {
    int const client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    send_at_once(client);
    std::thread([client] {
      std::string buffer, head, body;
      while (read_message(client, buffer, head, body)) {
        write_all(client,
                  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                  "Content-Length: 11\r\n\r\n{\"ok\":true}");
      }
      ::close(client);
    }).detach();
  }
}

}  // namespace tidemill::bench
