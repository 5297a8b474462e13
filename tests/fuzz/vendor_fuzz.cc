// What a vendor file, a schema, an answer or a Retry-After may hold: every reader answers.
// Input: byte 0 chooses; the rest is the text. A schema and its document are parted by a zero byte.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "vendor/classify.h"
#include "vendor/retry.h"
#include "vendor/schema.h"
#include "vendor/spec.h"

namespace {

using namespace tidemill;
using namespace tidemill::vendor;

void read_file(std::string_view text) {
  auto const spec = parse_spec(text, [](const std::string&) -> Result<std::string> {
    return std::string(R"({"type": "object"})");
  });
  if (!spec) {
    TIDEMILL_CHECK(!spec.error().empty());
    for (const VendorError& error : spec.error()) TIDEMILL_CHECK(!error.message.empty());
    return;
  }
  TIDEMILL_CHECK(!spec->name.empty() && !spec->products.empty());
  for (const Product& product : spec->products) {
    TIDEMILL_CHECK(product.retry.attempts >= 1 && product.retry.cap >= product.retry.base);
    TIDEMILL_CHECK(spec->product(product.name) == &product);
    for (const ClassifyRule& rule : product.classify) TIDEMILL_CHECK(class_by_rule(rule.as));
  }
}

void check_document(std::string_view text) {
  size_t const zero = text.find('\0');
  if (zero == std::string_view::npos) return;
  auto const schema = Schema::compile(text.substr(0, zero));
  auto const document = parse_json(text.substr(zero + 1));
  if (schema && document) (void)(*schema)->check(*document);
}

void read_answer(std::string_view text) {
  io::HttpResponse response;
  response.status = text.empty() ? 0 : static_cast<unsigned char>(text[0]) * 3;
  response.body = std::string(text);
  Product product;
  Classified const found = classify(response, product, {});
  TIDEMILL_CHECK(found.id == Class::kOk || !found.message.empty());
}

void read_retry_after(std::string_view text) {
  Time const now = Time::from_seconds(1'800'000'000);
  auto const asked = parse_retry_after(text, "", now);
  if (asked) TIDEMILL_CHECK(asked->wait.us >= 0 && asked->wait <= Duration::seconds(3600));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view const text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      read_file(text);
      break;
    case 1:
      check_document(text);
      break;
    case 2:
      read_answer(text);
      break;
    case 3:
      read_retry_after(text);
      break;
  }
  return 0;
}
