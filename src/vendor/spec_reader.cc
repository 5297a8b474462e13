#include "vendor/spec_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace tidemill::vendor {
namespace {

// Policies that a vendor file of another version may state. Each is refused by name wherever it
// stands.
constexpr std::array<std::string_view, 21> kNotAvailable = {
    "tls",      "breaker", "cache",     "budget",     "budgets", "hedge",        "hedging",
    "mode",     "poll",    "callback",  "purposes",   "consent", "redact",       "reconcile",
    "fallback", "health",  "slow_call", "min_useful", "proxy",   "retry_budget", "backfill_share"};

bool is_listed(std::string_view word, std::span<const std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string found(const YamlNode& node) {
  if (!node.is_scalar()) return std::string(node.kind_words());
  return fmt::format("'{}'", printable(node.scalar, 60));
}

// A scalar without quotes that reads as a number, true, false or null keeps that type.
Json typed_scalar(const YamlNode& node) {
  if (node.is_null()) return {};
  if (node.quoted) return Json(node.scalar);
  if (node.scalar == "true") return Json(true);
  if (node.scalar == "false") return Json(false);
  auto const number = parse_json(node.scalar);
  if (number && number->is_number()) return *number;
  return Json(node.scalar);
}

}  // namespace

std::string expected_words(std::string_view found_word, std::span<const std::string_view> valid) {
  std::string const near = nearest_word(found_word, valid);
  if (!near.empty()) return fmt::format("did you mean '{}'?", near);
  return fmt::format("expected one of {}", fmt::join(valid, ", "));
}

std::vector<VendorError> SpecReader::take_errors() {
  std::stable_sort(errors_.begin(), errors_.end(), [](const VendorError& a, const VendorError& b) {
    return std::pair(a.mark.line, a.mark.column) < std::pair(b.mark.line, b.mark.column);
  });
  return std::move(errors_);
}

bool SpecReader::map(const YamlNode& node, std::string_view what,
                     std::span<const std::string_view> valid) {
  if (!node.is_map()) {
    add(node.mark, fmt::format("{} is {}, expected a map with the keys {}", what, found(node),
                               fmt::join(valid, ", ")));
    return false;
  }
  for (const auto& entry : node.entries) {
    if (is_listed(entry.key, valid)) continue;
    if (is_listed(entry.key, kNotAvailable)) {
      add(entry.key_mark,
          fmt::format("'{}' of {} is not available in this version; remove it", entry.key, what));
    } else {
      add(entry.key_mark, fmt::format("'{}' is not a key of {}; {}", printable(entry.key, 60), what,
                                      expected_words(entry.key, valid)));
    }
  }
  return true;
}

std::optional<std::string> SpecReader::text(const YamlNode& node, std::string_view what) {
  if (node.is_scalar() && !node.scalar.empty()) return node.scalar;
  add(node.mark, fmt::format("{} is {}, expected text", what, found(node)));
  return std::nullopt;
}

std::optional<std::string> SpecReader::name(const YamlNode& node, std::string_view what) {
  if (node.is_scalar() && is_name(node.scalar)) return node.scalar;
  add(node.mark, fmt::format("{} is {}, expected a name: letters, digits, _ and -, at most 100, "
                             "not starting with a digit",
                             what, found(node)));
  return std::nullopt;
}

std::optional<bool> SpecReader::boolean(const YamlNode& node, std::string_view what) {
  if (node.is_scalar() && node.scalar == "true") return true;
  if (node.is_scalar() && node.scalar == "false") return false;
  add(node.mark, fmt::format("{} is {}, expected true or false", what, found(node)));
  return std::nullopt;
}

std::optional<int64_t> SpecReader::integer(const YamlNode& node, std::string_view what,
                                           int64_t from, int64_t to) {
  auto const value = node.is_scalar() ? whole_number(node.scalar) : std::nullopt;
  if (value && *value >= from && *value <= to) return value;
  add(node.mark,
      fmt::format("{} is {}, expected a whole number from {} to {}", what, found(node), from, to));
  return std::nullopt;
}

std::optional<Duration> SpecReader::duration(const YamlNode& node, std::string_view what,
                                             Duration from, Duration to) {
  auto const value =
      node.is_scalar() ? parse_duration(node.scalar) : Result<Duration>(fail(Code::kInvalid, ""));
  if (value && *value >= from && *value <= to) return *value;
  add(node.mark, fmt::format("{} is {}, expected a duration from {} to {}, such as 3s or 250ms",
                             what, found(node), format_duration(from), format_duration(to)));
  return std::nullopt;
}

std::optional<size_t> SpecReader::bytes(const YamlNode& node, std::string_view what, size_t most) {
  struct Unit {
    std::string_view name;
    int64_t size;
  };
  constexpr std::array<Unit, 4> kUnits = {{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"B", 1}, {"", 1}}};
  std::string_view const written = node.is_scalar() ? std::string_view(node.scalar) : "";
  for (const Unit& unit : kUnits) {
    if (!written.ends_with(unit.name)) continue;
    auto const count = whole_number(written.substr(0, written.size() - unit.name.size()));
    if (!count || *count <= 0 || *count > static_cast<int64_t>(most) / unit.size) break;
    return static_cast<size_t>(*count * unit.size);
  }
  add(node.mark, fmt::format("{} is {}, expected a size such as 512KiB or 2MiB, at most {} bytes",
                             what, found(node), most));
  return std::nullopt;
}

std::optional<Rate> SpecReader::rate(const YamlNode& node) {
  constexpr int64_t kMost = 1'000'000;
  auto const parts = split(node.is_scalar() ? std::string_view(node.scalar) : "", '/');
  auto const count = parts.size() == 2 ? whole_number(parts[0]) : std::nullopt;
  if (count && (parts[1] == "d" || parts[1] == "day")) {
    add(node.mark, fmt::format("a quota a calendar day ({}) is not available in this version; "
                               "state the rate a second, a minute or an hour",
                               found(node)));
    return std::nullopt;
  }
  if (count && *count >= 1 && *count <= kMost) {
    if (parts[1] == "s") return Rate{*count, Duration::seconds(1)};
    if (parts[1] == "m") return Rate{*count, Duration::seconds(60)};
    if (parts[1] == "h") return Rate{*count, Duration::seconds(3600)};
  }
  add(node.mark, fmt::format("rate is {}, expected a number from 1 to {} with /s, /m or /h, "
                             "such as 20/s",
                             found(node), kMost));
  return std::nullopt;
}

std::optional<size_t> SpecReader::word(const YamlNode& node, std::string_view what,
                                       std::span<const std::string_view> words) {
  for (size_t i = 0; node.is_scalar() && i < words.size(); ++i) {
    if (node.scalar == words[i]) return i;
  }
  add(node.mark, fmt::format("{} is {}; {}", what, found(node),
                             expected_words(node.is_scalar() ? node.scalar : "", words)));
  return std::nullopt;
}

std::optional<RequestValue> SpecReader::value(const YamlNode& node) {
  RequestValue result;
  result.mark = node.mark;
  if (node.is_map() || node.is_sequence()) {
    result.shape = node.is_map() ? RequestValue::Shape::kMap : RequestValue::Shape::kList;
    auto const append = [&](const std::string& key, const YamlNode& part) {
      auto read = value(part);
      if (read) result.parts.push_back({key, std::move(*read)});
    };
    for (const YamlNode& item : node.items) append("", item);
    for (const auto& entry : node.entries) append(entry.key, entry.value);
    return result;
  }
  result.constant = typed_scalar(node);
  result.source = node.scalar;
  auto parsed = Template::parse(node.scalar);
  if (!parsed) {
    add(node.mark, parsed.error().message);
    return std::nullopt;
  }
  result.text = std::move(*parsed);
  bool const plain = !result.constant.is_string();
  result.shape = plain ? RequestValue::Shape::kConstant : RequestValue::Shape::kText;
  return result;
}

}  // namespace tidemill::vendor
