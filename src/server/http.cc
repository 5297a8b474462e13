#include "server/http.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"

namespace tidemill::server {
namespace {

std::string_view reason(int status) {
  struct Entry {
    int status;
    std::string_view text;
  };
  static constexpr std::array<Entry, 18> kReasons = {{{200, "OK"},
                                                      {201, "Created"},
                                                      {202, "Accepted"},
                                                      {204, "No Content"},
                                                      {400, "Bad Request"},
                                                      {401, "Unauthorized"},
                                                      {403, "Forbidden"},
                                                      {404, "Not Found"},
                                                      {405, "Method Not Allowed"},
                                                      {409, "Conflict"},
                                                      {411, "Length Required"},
                                                      {413, "Content Too Large"},
                                                      {415, "Unsupported Media Type"},
                                                      {429, "Too Many Requests"},
                                                      {431, "Request Header Fields Too Large"},
                                                      {500, "Internal Server Error"},
                                                      {503, "Service Unavailable"},
                                                      {504, "Gateway Timeout"}}};
  for (const Entry& entry : kReasons) {
    if (entry.status == status) return entry.text;
  }
  return "Unknown";
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    int const high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    int const low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return fail(Code::kInvalid, "a '%' without two hexadecimal digits");
    char const byte = static_cast<char>(high * 16 + low);
    if (byte == '/' || byte == '\\' || byte == '\0') {
      return fail(Code::kInvalid, "an escaped slash, backslash or zero byte in the path");
    }
    out += byte;
    i += 2;
  }
  return out;
}

Result<std::string> decode_query(std::string_view text) {
  std::string plain(text);
  std::string out;
  for (size_t i = 0; i < plain.size(); ++i) {
    if (plain[i] == '+') {
      out += ' ';
    } else if (plain[i] == '%' && i + 2 < plain.size() + 0 && hex_digit(plain[i + 1]) >= 0 &&
               hex_digit(plain[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(plain[i + 1]) * 16 + hex_digit(plain[i + 2]));
      i += 2;
    } else if (plain[i] == '%') {
      return fail(Code::kInvalid, "a '%' without two hexadecimal digits");
    } else {
      out += plain[i];
    }
  }
  if (!is_utf8(out)) return fail(Code::kInvalid, "the query is not UTF-8");
  return out;
}

}  // namespace

std::string_view Request::header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return value;
  }
  return {};
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

int status_of(Code code) {
  switch (code) {
    case Code::kInvalid:
      return 400;
    case Code::kNotFound:
      return 404;
    case Code::kConflict:
      return 409;
    case Code::kDenied:
      return 403;
    case Code::kUnavailable:
      return 503;
    case Code::kExhausted:
      return 429;
    case Code::kTooLate:
      return 504;
    case Code::kUnknown:
    case Code::kInternal:
      return 500;
  }
  return 500;
}

Response Response::json(int status, const Json& body) {
  Response response;
  response.status = status;
  response.body = body.dump();
  return response;
}

Response Response::text(int status, std::string body) {
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  return response;
}

Response Response::error(const Error& error) {
  return Response::error(status_of(error.code), error);
}

Response Response::error(int status, const Error& error) {
  Json inner = Json::object();
  inner.set("code", code_name(error.code)).set("message", error.text());
  return json(status, Json::object().set("error", std::move(inner)));
}

std::string serialize(const Response& response, bool keep_alive) {
  std::string out;
  out.reserve(response.body.size() + 256);
  out += fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason(response.status));
  out += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n", response.content_type,
                     response.body.size());
  out += "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n";
  for (const auto& [name, value] : response.headers) out += fmt::format("{}: {}\r\n", name, value);
  out += keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
  out += response.body;
  return out;
}

Status parse_target(std::string_view target, Request& request) {
  if (!target.starts_with('/')) {
    return fail(Code::kInvalid, "the request target must be a path that begins with '/'");
  }
  size_t const mark = target.find('?');
  std::string_view const path = target.substr(0, mark);
  if (path.find('\\') != std::string_view::npos || path.find('#') != std::string_view::npos) {
    return fail(Code::kInvalid, "the path holds a character that is not accepted");
  }
  if (path != "/") {
    for (std::string_view part : split(path.substr(1), '/')) {
      TIDEMILL_TRY_LET(segment, decode(part));
      if (segment.empty() || segment == "." || segment == "..") {
        return fail(Code::kInvalid, "the path holds an empty or a dot segment");
      }
      if (!is_utf8(segment)) return fail(Code::kInvalid, "the path is not UTF-8");
      request.segments.push_back(std::move(segment));
    }
  }
  if (mark == std::string_view::npos) return {};
  for (std::string_view pair : split(target.substr(mark + 1), '&')) {
    if (pair.empty()) continue;
    size_t const equals = pair.find('=');
    TIDEMILL_TRY_LET(name, decode_query(pair.substr(0, equals)));
    std::string_view const raw =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    TIDEMILL_TRY_LET(value, decode_query(raw));
    request.query.emplace_back(std::move(name), std::move(value));
  }
  return {};
}

}  // namespace tidemill::server
