// Wraps Boost.JSON's streaming parser; no type of it leaves this file.
#include "base/json.h"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <unordered_set>

#include "base/check.h"
#include "base/text.h"

namespace tidemill {
namespace {

namespace bj = boost::json;
using bj::error_code;
using bj::string_view;

// Receives Boost.JSON's events and builds the tree.
struct Builder {
  static constexpr std::size_t max_object_size = SIZE_MAX;
  static constexpr std::size_t max_array_size = SIZE_MAX;
  static constexpr std::size_t max_key_size = SIZE_MAX;
  static constexpr std::size_t max_string_size = SIZE_MAX;

  Json root;
  std::vector<Json> open;          // containers being filled, outermost first
  std::vector<std::string> names;  // pending member name of each open object
  std::string text;
  std::string duplicate;

  bool add(Json value) {
    if (open.empty()) {
      root = std::move(value);
    } else if (open.back().is_array()) {
      open.back().as_array().push_back(std::move(value));
    } else {
      open.back().as_object().emplace_back(std::move(names.back()), std::move(value));
    }
    return true;
  }
  bool close(error_code& ec) {
    Json done = std::move(open.back());
    open.pop_back();
    if (done.is_object()) {
      names.pop_back();
      if (has_duplicate(done.as_object())) {
        ec = bj::error::syntax;
        return false;
      }
    }
    return add(std::move(done));
  }
  bool has_duplicate(const Json::Object& object) {
    auto found = [&](const std::string& name) {
      duplicate = name;
      return true;
    };
    if (object.size() <= 16) {
      for (size_t i = 1; i < object.size(); ++i) {
        for (size_t j = 0; j < i; ++j) {
          if (object[i].first == object[j].first) return found(object[i].first);
        }
      }
      return false;
    }
    std::unordered_set<std::string_view> seen;
    for (const auto& [name, value] : object) {
      if (!seen.insert(name).second) return found(name);
    }
    return false;
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) {
    open.push_back(Json::object());
    names.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, error_code& ec) { return close(ec); }
  bool on_array_begin(error_code&) {
    open.push_back(Json::array());
    return true;
  }
  bool on_array_end(std::size_t, error_code& ec) { return close(ec); }
  bool on_key_part(string_view s, std::size_t, error_code&) {
    text.append(s.data(), s.size());
    return true;
  }
  bool on_key(string_view s, std::size_t, error_code&) {
    text.append(s.data(), s.size());
    names.back() = std::move(text);
    text.clear();
    return true;
  }
  bool on_string_part(string_view s, std::size_t, error_code&) {
    text.append(s.data(), s.size());
    return true;
  }
  bool on_string(string_view s, std::size_t, error_code&) {
    text.append(s.data(), s.size());
    std::string whole = std::move(text);
    text.clear();
    return add(Json(std::move(whole)));
  }
  // The digits are kept as text and converted here, since the parser's own conversion of doubles
  // is not exact to the last bit.
  bool on_number_part(string_view s, error_code&) {
    text.append(s.data(), s.size());
    return true;
  }
  bool on_int64(int64_t n, string_view, error_code&) {
    text.clear();
    return add(Json(n));
  }
  bool on_uint64(uint64_t n, string_view, error_code&) {
    text.clear();
    return add(Json(n));
  }
  bool on_double(double, string_view s, error_code& ec) {
    text.append(s.data(), s.size());
    double exact = 0;
    auto const answer = std::from_chars(text.data(), text.data() + text.size(), exact);
    if (answer.ec == std::errc::result_out_of_range) {
      bool const tiny =
          text.find("e-") != std::string::npos || text.find("E-") != std::string::npos;
      exact = tiny ? 0.0 : HUGE_VAL;
    }
    if (!std::isfinite(exact)) {
      ec = bj::error::exponent_overflow;
      return false;
    }
    text.clear();
    return add(Json(exact));
  }
  bool on_bool(bool b, error_code&) { return add(Json(b)); }
  bool on_null(error_code&) { return add(Json()); }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }
};

std::string place(std::string_view text, size_t offset) {
  size_t line = 1;
  size_t column = 1;
  for (size_t i = 0; i < std::min(offset, text.size()); ++i) {
    if (text[i] == '\n') {
      ++line;
      column = 1;
    } else {
      ++column;
    }
  }
  return fmt::format("line {}, column {}", line, column);
}

std::string near_text(std::string_view text, size_t offset) {
  if (offset >= text.size()) return "the end";
  return fmt::format("'{}'", printable(text.substr(offset, 12), 24));
}

void append_double(std::string& out, double d) {
  if (std::isnan(d)) {
    out += "\"nan\"";
    return;
  }
  if (std::isinf(d)) {
    out += d > 0 ? "\"inf\"" : "\"-inf\"";
    return;
  }
  char buffer[32];
  auto const end = std::to_chars(buffer, buffer + sizeof buffer, d).ptr;
  std::string_view const digits(buffer, static_cast<size_t>(end - buffer));
  out += digits;
  if (digits.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void append_pretty(std::string& out, const Json& value, size_t indent) {
  auto open_line = [&](size_t depth) { out += "\n" + std::string(depth * 2, ' '); };
  if (value.is_array() && !value.as_array().empty()) {
    out += '[';
    for (size_t i = 0; i < value.as_array().size(); ++i) {
      if (i > 0) out += ',';
      open_line(indent + 1);
      append_pretty(out, value.as_array()[i], indent + 1);
    }
    open_line(indent);
    out += ']';
  } else if (value.is_object() && !value.as_object().empty()) {
    out += '{';
    bool first = true;
    for (const auto& [name, member] : value.as_object()) {
      if (!first) out += ',';
      first = false;
      open_line(indent + 1);
      append_json_string(out, name);
      out += ": ";
      append_pretty(out, member, indent + 1);
    }
    open_line(indent);
    out += '}';
  } else {
    value.dump_to(out);
  }
}

}  // namespace

std::string_view Json::kind() const {
  if (is_null()) return "null";
  if (is_bool()) return "boolean";
  if (is_number()) return "number";
  if (is_string()) return "string";
  return is_array() ? "array" : "object";
}

uint64_t Json::as_uint() const {
  return is_uint() ? std::get<uint64_t>(data_) : static_cast<uint64_t>(as_int());
}

double Json::as_double() const {
  if (is_int()) return static_cast<double>(as_int());
  if (is_uint()) return static_cast<double>(as_uint());
  return std::get<double>(data_);
}

const Json* Json::find(std::string_view name) const {
  if (!is_object()) return nullptr;
  for (const Member& member : as_object()) {
    if (member.first == name) return &member.second;
  }
  return nullptr;
}

std::string Json::text_or(std::string_view name, std::string_view otherwise) const {
  const Json* member = find(name);
  return member != nullptr && member->is_string() ? member->as_string() : std::string(otherwise);
}

int64_t Json::int_or(std::string_view name, int64_t otherwise) const {
  const Json* member = find(name);
  return member != nullptr && member->is_int() ? member->as_int() : otherwise;
}

Json& Json::set(std::string_view name, Json value) {
  if (is_null()) data_ = Object{};
  for (Member& member : as_object()) {
    if (member.first == name) {
      member.second = std::move(value);
      return *this;
    }
  }
  as_object().emplace_back(std::string(name), std::move(value));
  return *this;
}

Json& Json::push(Json value) {
  if (is_null()) data_ = Array{};
  as_array().push_back(std::move(value));
  return *this;
}

std::string Json::dump() const {
  std::string out;
  dump_to(out);
  return out;
}

void Json::dump_to(std::string& out) const {
  if (is_null()) {
    out += "null";
  } else if (is_bool()) {
    out += as_bool() ? "true" : "false";
  } else if (is_int()) {
    out += fmt::format_int(as_int()).c_str();
  } else if (is_uint()) {
    out += fmt::format_int(as_uint()).c_str();
  } else if (is_double()) {
    append_double(out, as_double());
  } else if (is_string()) {
    append_json_string(out, as_string());
  } else if (is_array()) {
    out += '[';
    bool first = true;
    for (const Json& item : as_array()) {
      if (!first) out += ',';
      first = false;
      item.dump_to(out);
    }
    out += ']';
  } else {
    out += '{';
    bool first = true;
    for (const auto& [name, value] : as_object()) {
      if (!first) out += ',';
      first = false;
      append_json_string(out, name);
      out += ':';
      value.dump_to(out);
    }
    out += '}';
  }
}

std::string Json::pretty() const {
  std::string out;
  append_pretty(out, *this, 0);
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  size_t from = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned char const c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out += text.substr(from, i - from);
    from = i + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += fmt::format("\\u{:04x}", c);
    }
  }
  out += text.substr(from);
  out += '"';
}

Result<Json> parse_json(std::string_view text, JsonLimits limits) {
  if (text.size() > limits.bytes) {
    return fail(Code::kExhausted, fmt::format("JSON of {} bytes; at most {} are accepted",
                                              text.size(), limits.bytes));
  }
  bj::parse_options options;
  options.max_depth = limits.depth;
  bj::basic_parser<Builder> parser(options);
  error_code ec;
  size_t offset = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && offset < text.size()) {
    if (trim(text.substr(offset)).empty()) return std::move(parser.handler().root);
    return fail(Code::kInvalid, fmt::format("not one JSON document: {} follows its end at {}",
                                            near_text(text, offset), place(text, offset)));
  }
  if (!ec) return std::move(parser.handler().root);
  if (!parser.handler().duplicate.empty()) {
    return fail(Code::kInvalid,
                fmt::format("not valid JSON: the name \"{}\" stands twice in the object that ends "
                            "at {}",
                            printable(parser.handler().duplicate, 60), place(text, offset)));
  }
  return fail(Code::kInvalid, fmt::format("not valid JSON: {} at {}: {}", near_text(text, offset),
                                          place(text, offset), ec.message()));
}

}  // namespace tidemill
