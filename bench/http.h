// A plain HTTP client and a stub, so that the harness costs little beside what it measures.
#pragma once

#include <string>

namespace tidemill::bench {

// A keep-alive connection to 127.0.0.1. Ends the program with a message on any failure.
class HttpConnection {
 public:
  HttpConnection(int port, std::string token);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;
  // The body of a 200, 201 or 202 answer.
  std::string post(const std::string& path, const std::string& body);
  std::string get(const std::string& path);

 private:
  std::string ask(const std::string& method, const std::string& path, const std::string& body);

  int socket_ = -1;
  std::string token_;
  std::string buffer_;
};

// Answers every request with 200 and a small JSON object. A thread a connection.
class Stub {
 public:
  Stub();
  int port() const { return port_; }

 private:
  void serve(int listener);
  int port_ = 0;
};

}  // namespace tidemill::bench
