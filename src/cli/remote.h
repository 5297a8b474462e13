// A running server over the Unix socket of its data directory, or its store when none runs.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "store/store.h"

namespace tidemill::cli {

// One command's connection. Blocking.
class Remote {
 public:
  explicit Remote(std::string data_folder);
  ~Remote();

  // True if a server answers on DIR/tidemill.sock.
  bool has_server();
  // One request of the API; `unavailable` if no server runs. An error answer of the server comes
  // back as its error.
  Result<std::string> text(const std::string& method, const std::string& path,
                           const Json& body = {});
  Result<Json> json(const std::string& method, const std::string& path, const Json& body = {});
  // The store, for reading, when no server runs.
  Result<store::Store*> store();
  const std::string& folder() const { return data_folder_; }

 private:
  class Parts;
  std::string data_folder_;
  std::unique_ptr<Parts> parts_;
};

// Percent-encodes a part of a path or a query value.
std::string percent_encode(std::string_view text);

}  // namespace tidemill::cli
