// Tokens of the API: who a request is from. Only hashes are kept.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "run/rows.h"

namespace tidemill::access {

// Who asks. `local` came over the Unix socket as the server's own user: it may do everything.
struct Principal {
  std::string name;
  bool is_local = false;
};

// A new token: the text is shown once, the row is kept.
struct NewToken {
  std::string text;  // tm_api_<43 characters: 256 random bits>
  run::TokenRow row;
};

inline constexpr Duration kTokenLifetime = Duration::seconds(365 * 86'400);
inline constexpr size_t kMaxTokens = 1000;

// `random` are 256 bits. Refused: a name that is not a name, or is taken.
Result<NewToken> make_token(const std::string& name, const std::string& random, Time now,
                            Duration lifetime);

// The tokens that are good, by hash. Loop thread only.
class Tokens {
 public:
  void replace(const std::vector<run::TokenRow>& rows);
  void add(run::TokenRow row);
  void remove(const std::string& name);
  bool contains(const std::string& name) const;
  size_t size() const { return by_hash_.size(); }
  // Whose token it is. Nothing for an unknown or expired one.
  std::optional<Principal> find(std::string_view text, Time now) const;
  std::vector<run::TokenRow> all() const;

 private:
  std::map<std::string, run::TokenRow> by_hash_;
};

}  // namespace tidemill::access
