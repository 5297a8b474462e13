#include "vendor/explain.h"

#include <fmt/format.h>

namespace tidemill::vendor {
namespace {

std::string_view word(Effect effect) {
  switch (effect) {
    case Effect::kRead:
      return "read";
    case Effect::kPull:
      return "pull";
    case Effect::kWrite:
      return "write";
  }
  return "";
}

std::string_view word(Idempotency idempotency) {
  switch (idempotency) {
    case Idempotency::kNone:
      return "none";
    case Idempotency::kNatural:
      return "natural";
    case Idempotency::kKey:
      return "key";
  }
  return "";
}

// What may have happened on the other side, and why it is not tried again.
std::string consequences(const Product& product) {
  std::string text;
  if (product.price && !product.price->is_zero) text += " It may have been billed.";
  if (product.effect == Effect::kPull) text += " It may have counted as a pull.";
  if (product.effect == Effect::kWrite) text += " It may have been carried out.";
  if (!product.repeatable()) {
    text += fmt::format(" Not repeated because effect is \"{}\" and idempotency is \"{}\"{}.",
                        word(product.effect), word(product.idempotency),
                        product.effect == Effect::kRead ? " and it has a price" : "");
  }
  return text;
}

std::string what_happened(const Product& product, Class id, std::string_view detail) {
  switch (id) {
    case Class::kUnknown:
      return fmt::format("no complete answer after the request was sent, timeout {} ({}).{}",
                         format_duration(product.timeout), detail, consequences(product));
    case Class::kTruncated:
      return fmt::format("the answer was cut off ({}).{}", detail, consequences(product));
    case Class::kTooLarge:
      return fmt::format("the answer is too large ({}), max_bytes is {}", detail,
                         product.max_bytes);
    case Class::kMalformed:
      return fmt::format("the answer is not JSON: {}", detail);
    case Class::kRedirect:
      return fmt::format("{}: redirects are not followed; name the final address as base_url",
                         detail);
    case Class::kAuth:
      return fmt::format("the secret was not accepted ({})", detail);
    case Class::kRejected:
      return fmt::format("the request was rejected ({})", detail);
    case Class::kUnreachable:
      return fmt::format("cannot be reached: {}", detail);
    case Class::kTls:
      return fmt::format("its certificate is not acceptable: {}", detail);
    case Class::kDenied:
      return fmt::format("{}. Nothing was sent. A vendor on a private network needs private: true",
                         detail);
    case Class::kInvalidRequest:
      return fmt::format("{}. Nothing was sent", detail);
    default:
      return std::string(detail);
  }
}

}  // namespace

std::string explain(const Spec& spec, const Product& product, Class id, std::string_view detail,
                    int64_t tries) {
  std::string text =
      fmt::format("vendor {}.{}: {}", spec.name, product.name, what_happened(product, id, detail));
  if (tries > 1) text += fmt::format(" [{} tries]", tries);
  return text;
}

}  // namespace tidemill::vendor
