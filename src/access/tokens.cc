#include "access/tokens.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/text.h"

namespace tidemill::access {
namespace {

constexpr std::string_view kPrefix = "tm_api_";
constexpr size_t kTextBytes = kPrefix.size() + 43;

}  // namespace

Result<NewToken> make_token(const std::string& name, const std::string& random, Time now,
                            Duration lifetime) {
  if (!is_name(name)) {
    return fail(Code::kInvalid, fmt::format("'{}' is not a name; expected letters, digits, '-' and "
                                            "'_', beginning with a letter",
                                            printable(name, 60)));
  }
  NewToken token;
  token.text = std::string(kPrefix) + to_base64url(random);
  token.row = {name, sha256_hex(token.text), now, now + lifetime};
  return token;
}

void Tokens::replace(const std::vector<run::TokenRow>& rows) {
  by_hash_.clear();
  for (const run::TokenRow& row : rows) by_hash_[row.hash] = row;
}

void Tokens::add(run::TokenRow row) {
  std::string const hash = row.hash;
  by_hash_[hash] = std::move(row);
}

void Tokens::remove(const std::string& name) {
  std::erase_if(by_hash_, [&](const auto& entry) { return entry.second.name == name; });
}

bool Tokens::contains(const std::string& name) const {
  return std::any_of(by_hash_.begin(), by_hash_.end(),
                     [&](const auto& entry) { return entry.second.name == name; });
}

// Looked up by its hash: the time of the look-up tells nothing about the token.
std::optional<Principal> Tokens::find(std::string_view text, Time now) const {
  if (text.size() != kTextBytes || !text.starts_with(kPrefix)) return std::nullopt;
  auto const found = by_hash_.find(sha256_hex(text));
  if (found == by_hash_.end() || found->second.expires <= now) return std::nullopt;
  return Principal{found->second.name, false};
}

std::vector<run::TokenRow> Tokens::all() const {
  std::vector<run::TokenRow> rows;
  for (const auto& [hash, row] : by_hash_) rows.push_back(row);
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return rows;
}

}  // namespace tidemill::access
