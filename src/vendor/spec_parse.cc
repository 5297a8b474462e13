#include <fmt/format.h>

#include <array>

#include "base/text.h"
#include "vendor/classify.h"
#include "vendor/schema.h"
#include "vendor/spec.h"
#include "vendor/spec_reader.h"

namespace tidemill::vendor {
namespace {

using Words = std::span<const std::string_view>;

constexpr Duration kShortest = Duration::millis(1);
constexpr Duration kLongest = Duration::seconds(600);
constexpr size_t kMostProducts = 200;
constexpr size_t kMostBytes = 64u << 20;

constexpr std::array<std::string_view, 7> kVendorKeys = {"vendor", "team",    "base_url", "auth",
                                                         "limits", "private", "products"};
constexpr std::array<std::string_view, 11> kProductKeys = {
    "request",       "response", "effect",   "idempotency", "timeout", "connect_timeout",
    "stall_timeout", "retry",    "classify", "price",       "limits"};
constexpr std::array<std::string_view, 5> kRequestKeys = {"method", "path", "query", "headers",
                                                          "body"};
constexpr std::array<std::string_view, 3> kResponseKeys = {"schema", "max_bytes", "no_hit"};
constexpr std::array<std::string_view, 5> kLimitKeys = {"rate", "burst", "concurrency", "queue",
                                                        "queue_wait"};
constexpr std::array<std::string_view, 3> kRetryKeys = {"attempts", "base", "cap"};
constexpr std::array<std::string_view, 3> kAuthKeys = {"kind", "secret", "header"};
constexpr std::array<std::string_view, 3> kAuthKinds = {"bearer", "header", "basic"};
constexpr std::array<std::string_view, 3> kPriceKeys = {"amount", "currency", "per"};
constexpr std::array<std::string_view, 3> kPer = {"attempt", "answer", "hit"};
constexpr std::array<std::string_view, 2> kRuleKeys = {"when", "as"};
constexpr std::array<std::string_view, 3> kEffects = {"read", "pull", "write"};
constexpr std::array<std::string_view, 6> kMethods = {"GET",   "POST",   "PUT",
                                                      "PATCH", "DELETE", "HEAD"};
// These are set by the client, or would change what a connection means.
constexpr std::array<std::string_view, 6> kReservedHeaders = {
    "host", "content-length", "transfer-encoding", "connection", "upgrade", "te"};

bool is_header_name(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && text.size() <= 100 &&
         std::all_of(text.begin(), text.end(), [&](unsigned char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  kMarks.find(static_cast<char>(c)) != std::string_view::npos;
         });
}

bool is_reserved_header(std::string_view name) {
  std::string const lower = to_lower_ascii(name);
  return std::find(kReservedHeaders.begin(), kReservedHeaders.end(), lower) !=
         kReservedHeaders.end();
}

class Parser {
 public:
  explicit Parser(const ReadSchema& read_schema) : read_schema_(read_schema) {}

  Spec vendor(const YamlNode& root) {
    Spec spec;
    if (!in_.map(root, "a vendor file", kVendorKeys)) return spec;
    spec.name = required(root, "vendor", [&](auto& node) { return in_.name(node, "vendor"); });
    if (const YamlNode* node = root.find("team")) {
      spec.team = in_.name(*node, "team").value_or("");
    }
    if (const YamlNode* node = root.find("private")) {
      spec.allow_private = in_.boolean(*node, "private").value_or(false);
    }
    spec.base_url = required(root, "base_url", [&](auto& node) { return base_url(node); });
    spec.limits.concurrency = 32;
    if (const YamlNode* node = root.find("limits")) limits(*node, spec.limits);
    if (const YamlNode* node = root.find("auth")) spec.auth = auth(*node, spec);
    const YamlNode* const list = root.find("products");
    if (!list) {
      in_.add(root.mark, "a vendor file must have 'products'");
    } else if (!list->is_map() || list->entries.empty() || list->entries.size() > kMostProducts) {
      in_.add(list->mark, fmt::format("products is {}, expected a map of 1 to {} products",
                                      list->kind_words(), kMostProducts));
    } else {
      for (const auto& entry : list->entries) spec.products.push_back(product(entry, spec));
    }
    return spec;
  }

  std::vector<VendorError> take_errors() { return in_.take_errors(); }
  bool has_errors() const { return in_.has_errors(); }

 private:
  template <class Read>
  std::string required(const YamlNode& map, std::string_view key, Read read) {
    if (const YamlNode* node = map.find(key)) return read(*node).value_or("");
    in_.add(map.mark, fmt::format("a vendor file must have '{}'", key));
    return {};
  }

  std::optional<std::string> base_url(const YamlNode& node) {
    auto url = in_.text(node, "base_url");
    if (!url) return std::nullopt;
    while (url->ends_with('/')) url->pop_back();
    bool const known = url->starts_with("https://") || url->starts_with("http://");
    size_t const host = url->find("://") + 3;
    if (!known || url->size() <= host || url->find_first_of("@?# \t\n\\{") != std::string::npos) {
      in_.add(node.mark,
              fmt::format("base_url is '{}', expected https://host[:port][/path] without "
                          "user, query, fragment or expression",
                          printable(*url, 100)));
      return std::nullopt;
    }
    return url;
  }

  void limits(const YamlNode& node, Limits& into) {
    if (!in_.map(node, "limits", kLimitKeys)) return;
    if (const YamlNode* rate = node.find("rate")) into.rate = in_.rate(*rate);
    if (const YamlNode* burst = node.find("burst")) {
      into.burst = in_.integer(*burst, "burst", 1, 1'000'000).value_or(1);
      if (!node.find("rate")) in_.add(burst->mark, "burst means nothing without rate; add rate");
    }
    if (const YamlNode* slots = node.find("concurrency")) {
      into.concurrency = in_.integer(*slots, "concurrency", 1, 10'000);
    }
    if (const YamlNode* queue = node.find("queue")) {
      into.queue = in_.integer(*queue, "queue", 0, 1'000'000).value_or(0);
    }
    if (const YamlNode* wait = node.find("queue_wait")) {
      into.queue_wait = in_.duration(*wait, "queue_wait", {}, kLongest).value_or(Duration{});
    }
    bool const waits = node.find("queue") || node.find("queue_wait");
    if (waits && !into.concurrency) {
      in_.add(node.mark, "queue and queue_wait mean nothing without concurrency; add concurrency");
    }
  }

  Auth auth(const YamlNode& node, const Spec& spec) {
    Auth result;
    if (!in_.map(node, "auth", kAuthKeys)) return result;
    const YamlNode* const kind = node.find("kind");
    const YamlNode* const secret = node.find("secret");
    const YamlNode* const header = node.find("header");
    if (!kind || !secret) {
      in_.add(node.mark, "auth must have 'kind' (bearer, header or basic) and 'secret'");
      return result;
    }
    if (kind->is_scalar() && kind->scalar.starts_with("oauth2")) {
      in_.add(kind->mark, fmt::format("auth kind '{}' is not available in this version; expected "
                                      "bearer, header or basic",
                                      printable(kind->scalar, 40)));
      return result;
    }
    auto const which = in_.word(*kind, "auth kind", kAuthKinds);
    if (which) result.kind = static_cast<Auth::Kind>(*which + 1);
    result.secret = in_.name(*secret, "secret").value_or("");
    if (header) result.header = header_name(*header).value_or("");
    bool const wants_header = result.kind == Auth::Kind::kHeader;
    if (which && wants_header != (header != nullptr)) {
      in_.add(node.mark, wants_header ? "auth kind 'header' must have 'header', its name"
                                      : "'header' belongs to auth kind 'header' alone; remove it");
    }
    if (spec.base_url.starts_with("http://") && !spec.allow_private) {
      in_.add(node.mark,
              "auth would send a secret unencrypted; use an https base_url, or state "
              "'private: true' if the vendor is on a private network");
    }
    return result;
  }

  std::optional<std::string> header_name(const YamlNode& node) {
    auto const name = in_.text(node, "a header's name");
    if (!name) return std::nullopt;
    if (is_header_name(*name) && !is_reserved_header(*name)) return name;
    in_.add(node.mark,
            fmt::format("'{}' cannot be used as a header's name here", printable(*name, 60)));
    return std::nullopt;
  }

  Product product(const YamlNode::Entry& entry, const Spec& spec) {
    Product result;
    result.name = entry.key;
    result.mark = entry.key_mark;
    std::string const what = fmt::format("product '{}'", printable(entry.key, 60));
    if (!is_name(entry.key)) in_.add(entry.key_mark, what + ": a product's name must be a name");
    const YamlNode& node = entry.value;
    if (!in_.map(node, what, kProductKeys)) return result;
    if (const YamlNode* part = node.find("request")) {
      request(*part, result);
    } else {
      in_.add(entry.key_mark, what + " must have 'request'");
    }
    if (const YamlNode* part = node.find("response")) response(*part, result);
    if (const YamlNode* part = node.find("effect")) {
      if (auto const at = in_.word(*part, "effect", kEffects)) {
        result.effect = static_cast<Effect>(*at);
      }
    } else {
      in_.add(entry.key_mark,
              what + " must say its 'effect': read, pull (looking counts) or write");
    }
    if (const YamlNode* part = node.find("idempotency")) idempotency(*part, result);
    times(node, result);
    if (const YamlNode* part = node.find("retry")) retry(*part, result.retry);
    if (const YamlNode* part = node.find("classify")) classify(*part, result.classify);
    if (const YamlNode* part = node.find("limits")) limits(*part, result.limits);
    if (const YamlNode* part = node.find("price")) price(*part, what, spec, result);
    return result;
  }

  void request(const YamlNode& node, Product& into) {
    if (!in_.map(node, "request", kRequestKeys)) return;
    if (const YamlNode* method = node.find("method")) {
      if (auto const at = in_.word(*method, "method", kMethods)) into.method = kMethods[*at];
    }
    if (const YamlNode* path = node.find("path")) {
      request_path(*path, into);
    } else {
      in_.add(node.mark, "request must have 'path'");
    }
    if (const YamlNode* query = node.find("query")) named_values(*query, "query", into.query);
    if (const YamlNode* headers = node.find("headers")) {
      named_values(*headers, "headers", into.headers);
      for (const auto& header : headers->entries) {
        if (!is_header_name(header.key) || is_reserved_header(header.key)) {
          in_.add(header.key_mark, fmt::format("'{}' cannot be used as a header's name here",
                                               printable(header.key, 60)));
        }
      }
    }
    if (const YamlNode* body = node.find("body")) {
      into.body = in_.value(*body);
      if (into.method == "GET" || into.method == "HEAD") {
        in_.add(body->mark,
                fmt::format("a {} request has no body; use query, or method: POST", into.method));
      }
    }
  }

  void request_path(const YamlNode& node, Product& into) {
    if (!node.is_scalar() || !node.scalar.starts_with('/') ||
        node.scalar.find_first_of("#\n\r") != std::string::npos) {
      in_.add(node.mark, "path must be a text that begins with '/', such as /report");
      return;
    }
    auto path = in_.value(node);
    if (!path) return;
    for (const TemplatePiece& piece : path->text.pieces) {
      if (!piece.is_expression && piece.text.find('?') != std::string::npos) {
        in_.add(node.mark, "path holds a '?'; write the parameters under query");
      }
    }
    into.path = std::move(*path);
  }

  void named_values(const YamlNode& node, std::string_view what,
                    std::vector<std::pair<std::string, RequestValue>>& into) {
    if (!node.is_map()) {
      in_.add(node.mark, fmt::format("{} is {}, expected a map", what, node.kind_words()));
      return;
    }
    for (const auto& entry : node.entries) {
      if (entry.value.is_map() || entry.value.is_sequence()) {
        in_.add(entry.value.mark,
                fmt::format("'{}' of {} is {}, expected text", printable(entry.key, 60), what,
                            entry.value.kind_words()));
      } else if (auto value = in_.value(entry.value)) {
        into.emplace_back(entry.key, std::move(*value));
      }
    }
  }

  void response(const YamlNode& node, Product& into) {
    if (!in_.map(node, "response", kResponseKeys)) return;
    if (const YamlNode* most = node.find("max_bytes")) {
      into.max_bytes = in_.bytes(*most, "max_bytes", kMostBytes).value_or(into.max_bytes);
    }
    if (const YamlNode* no_hit = node.find("no_hit")) into.no_hit = condition(*no_hit, "no_hit");
    const YamlNode* const path = node.find("schema");
    if (!path) return;
    into.schema_path = in_.text(*path, "schema").value_or("");
    into.schema_mark = path->mark;
    if (!into.schema_path.empty() && read_schema_) read_schema(into);
  }

  void read_schema(Product& into) {
    auto const text = read_schema_(into.schema_path);
    if (!text) {
      in_.add(into.schema_mark, fmt::format("schema {} cannot be read: {}",
                                            printable(into.schema_path, 100), text.error().text()));
      return;
    }
    auto schema = Schema::compile(*text);
    if (schema) {
      into.schema = std::move(*schema);
    } else {
      in_.add(into.schema_mark, fmt::format("schema {}: {}", printable(into.schema_path, 100),
                                            schema.error().message));
    }
  }

  std::optional<Condition> condition(const YamlNode& node, std::string_view what) {
    auto const text = in_.text(node, what);
    if (!text) return std::nullopt;
    if (text->find("{{") != std::string::npos) {
      in_.add(node.mark,
              fmt::format("{} is an expression by itself; write it without {{{{ }}}}", what));
      return std::nullopt;
    }
    return Condition{*text, node.mark};
  }

  void idempotency(const YamlNode& node, Product& into) {
    std::string const text = in_.text(node, "idempotency").value_or("none");
    if (text.starts_with("key:")) {
      into.idempotency = Idempotency::kKey;
      into.key_header = std::string(trim(std::string_view(text).substr(4)));
      if (!is_header_name(into.key_header) || is_reserved_header(into.key_header)) {
        in_.add(node.mark,
                "idempotency 'key:' must be followed by the name of a header, such as "
                "key:Idempotency-Key");
      }
    } else if (text == "natural") {
      into.idempotency = Idempotency::kNatural;
    } else if (text != "none") {
      in_.add(node.mark, fmt::format("idempotency is '{}', expected none, natural or key:<header>",
                                     printable(text, 60)));
    }
  }

  void times(const YamlNode& node, Product& into) {
    auto const read = [&](std::string_view key, Duration& value) {
      const YamlNode* const part = node.find(key);
      if (part) value = in_.duration(*part, key, kShortest, kLongest).value_or(value);
    };
    read("timeout", into.timeout);
    read("connect_timeout", into.connect_timeout);
    read("stall_timeout", into.stall_timeout);
  }

  void retry(const YamlNode& node, RetryPolicy& into) {
    if (!in_.map(node, "retry", kRetryKeys)) return;
    if (const YamlNode* part = node.find("attempts")) {
      into.attempts = in_.integer(*part, "attempts", 1, 20).value_or(1);
    }
    if (const YamlNode* part = node.find("base")) {
      into.base = in_.duration(*part, "base", {}, kLongest).value_or(into.base);
    }
    if (const YamlNode* part = node.find("cap")) {
      into.cap = in_.duration(*part, "cap", {}, kLongest).value_or(into.cap);
    }
    if (into.cap < into.base) in_.add(node.mark, "retry: cap is shorter than base");
  }

  void classify(const YamlNode& node, std::vector<ClassifyRule>& into) {
    if (!node.is_sequence()) {
      in_.add(node.mark,
              fmt::format("classify is {}, expected a list of {{when, as}}", node.kind_words()));
      return;
    }
    for (const YamlNode& item : node.items) {
      if (!in_.map(item, "a rule of classify", kRuleKeys)) continue;
      const YamlNode* const when = item.find("when");
      const YamlNode* const as = item.find("as");
      if (!when || !as) {
        in_.add(item.mark, "a rule of classify must have 'when' and 'as'");
        continue;
      }
      auto const expression = condition(*when, "when");
      auto const at = in_.word(*as, "as", names_by_rule());
      if (expression && at) into.push_back({*expression, std::string(names_by_rule()[*at])});
    }
  }

  void price(const YamlNode& node, std::string_view what, const Spec& spec, Product& into) {
    if (!in_.map(node, "price", kPriceKeys)) return;
    const YamlNode* const amount = node.find("amount");
    const YamlNode* const currency = node.find("currency");
    if (!amount || !currency) {
      in_.add(node.mark, "price must have 'amount' and 'currency'");
      return;
    }
    Price price;
    price.amount = in_.text(*amount, "amount").value_or("");
    price.currency = in_.text(*currency, "currency").value_or("");
    check_amount(*amount, price);
    if (price.currency.size() != 3 ||
        price.currency.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string::npos) {
      in_.add(currency->mark, "currency must be three capital letters, such as USD");
    }
    if (const YamlNode* per = node.find("per")) {
      if (auto const at = in_.word(*per, "per", kPer)) price.per = static_cast<Per>(*at);
    }
    if (!price.is_zero && !spec.limits.rate && !into.limits.rate) {
      in_.add(node.mark, fmt::format("{} has a price, so it must have a rate: state limits.rate of "
                                     "the vendor or of the product",
                                     what));
    }
    into.price = std::move(price);
  }

  void check_amount(const YamlNode& node, Price& price) {
    auto const parts = split(price.amount, '.');
    bool valid = parts.size() <= 2 && price.amount.size() <= 30;
    for (std::string_view part : parts) {
      valid =
          valid && !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
    }
    if (!valid) in_.add(node.mark, "amount must be an exact decimal without sign, such as 0.85");
    price.is_zero = price.amount.find_first_of("123456789") == std::string::npos;
  }

  SpecReader in_;
  const ReadSchema& read_schema_;
};

}  // namespace

tl::expected<Spec, std::vector<VendorError>> parse_spec(std::string_view text,
                                                        const ReadSchema& read_schema) {
  auto const root = parse_yaml(text);
  if (!root) {
    return tl::unexpected(std::vector<VendorError>{{root.error().mark, root.error().message}});
  }
  Parser parser(read_schema);
  Spec spec = parser.vendor(*root);
  if (parser.has_errors()) return tl::unexpected(parser.take_errors());
  return spec;
}

}  // namespace tidemill::vendor
