// Which type two types have in common.
#include "sql/cast.h"
#include "value/decimal.h"

namespace tidemill::sql {

using value::Kind;
using value::Type;

namespace {

int bits_of(Kind kind) { return value::storage_width(kind) * 8; }

Kind signed_kind(int bits) {
  switch (bits) {
    case 8:
      return Kind::kInt8;
    case 16:
      return Kind::kInt16;
    case 32:
      return Kind::kInt32;
    case 64:
      return Kind::kInt64;
    default:
      return Kind::kInt128;
  }
}

Kind common_integer(const Type& a, const Type& b) {
  if (a.is_unsigned() == b.is_unsigned())
    return bits_of(a.kind()) >= bits_of(b.kind()) ? a.kind() : b.kind();
  const Type& without_sign = a.is_unsigned() ? a : b;
  const Type& with_sign = a.is_unsigned() ? b : a;
  return signed_kind(std::max(bits_of(without_sign.kind()) * 2, bits_of(with_sign.kind())));
}

bool holds(Kind kind, value::int128 n) {
  const int bits = bits_of(kind);
  if (Type(kind).is_unsigned()) return n >= 0 && (bits == 128 || n < (value::int128(1) << bits));
  if (bits == 128) return true;
  const value::int128 limit = value::int128(1) << (bits - 1);
  return n >= -limit && n < limit;
}

std::optional<Type> common_number(const Type& a, const Type& b) {
  if (a.kind() == Kind::kDouble || b.kind() == Kind::kDouble) return Type(Kind::kDouble);
  if (a.kind() == Kind::kFloat || b.kind() == Kind::kFloat) return Type(Kind::kFloat);
  if (a.is_integer() && b.is_integer()) return Type(common_integer(a, b));
  const Type left = a.is_integer() ? decimal_of_integer(a.kind()) : a;
  const Type right = b.is_integer() ? decimal_of_integer(b.kind()) : b;
  const int scale = std::max(left.scale(), right.scale());
  const int whole = std::max(left.precision() - left.scale(), right.precision() - right.scale());
  return Type::decimal(std::min(whole + scale, value::kMaxDecimalWidth), scale);
}

std::optional<Type> common_nested(const Type& a, const Type& b);

// Without literals.
std::optional<Type> common_type(const Type& a, const Type& b) {
  if (a == b || b.kind() == Kind::kNull) return a;
  if (a.kind() == Kind::kNull) return b;
  if (a.is_numeric() && b.is_numeric()) return common_number(a, b);
  if (a.kind() == Kind::kBool && b.is_integer()) return b;
  if (b.kind() == Kind::kBool && a.is_integer()) return a;
  const auto is_time_line = [](const Type& t) {
    return t.kind() == Kind::kDate || t.kind() == Kind::kTimestamp ||
           t.kind() == Kind::kTimestampTz;
  };
  if (is_time_line(a) && is_time_line(b)) return a.kind() > b.kind() ? a : b;
  if (a.is_text() && b.is_text()) return Type(Kind::kJson);
  return common_nested(a, b);
}

std::optional<Type> common_nested(const Type& a, const Type& b) {
  if (a.kind() != b.kind() || !a.is_nested()) return {};
  if (a.kind() == Kind::kList) {
    const auto element = common_type(a.element(), b.element());
    if (!element) return {};
    return Type::list(*element);
  }
  if (a.kind() == Kind::kMap) {
    const auto key = common_type(a.key(), b.key());
    const auto element = common_type(a.element(), b.element());
    if (!key || !element) return {};
    return Type::map(*key, *element);
  }
  if (a.fields().size() != b.fields().size()) return {};
  Type::Fields fields;
  for (size_t i = 0; i < a.fields().size(); ++i) {
    const auto field = common_type(a.fields()[i].second, b.fields()[i].second);
    if (!field || a.fields()[i].first != b.fields()[i].first) return {};
    fields.emplace_back(a.fields()[i].first, *field);
  }
  return Type::structure(std::move(fields));
}

}  // namespace

Type decimal_of_integer(Kind kind) {
  switch (bits_of(kind)) {
    case 8:
      return Type::decimal(3, 0);
    case 16:
      return Type::decimal(5, 0);
    case 32:
      return Type::decimal(10, 0);
    case 64:
      return Type::decimal(Type(kind).is_unsigned() ? 20 : 19, 0);
    default:
      return Type::decimal(38, 0);
  }
}

std::optional<TypedSide> common_side(const TypedSide& a, const TypedSide& b) {
  if (a.literal == LiteralKind::kText && b.literal != LiteralKind::kText) {
    return b.type.kind() == Kind::kNull ? a : b;
  }
  if (b.literal == LiteralKind::kText && a.literal != LiteralKind::kText) {
    return common_side(b, a);
  }
  if (a.literal == LiteralKind::kInteger && b.literal != LiteralKind::kInteger) {
    if (b.type.is_integer() && holds(b.type.kind(), a.number)) return b;
    if (b.type.kind() == Kind::kNull) return a;
  } else if (b.literal == LiteralKind::kInteger && a.literal != LiteralKind::kInteger) {
    return common_side(b, a);
  }
  const auto type = common_type(a.type, b.type);
  if (!type) return {};
  TypedSide side{*type, LiteralKind::kNone, 0};
  if (a.literal == b.literal) {
    // Two literals stay free; the number that needs more room decides.
    side.literal = a.literal;
    side.number = a.number > b.number ? a.number : b.number;
  }
  return side;
}

std::optional<Type> comparison_type(const BoundPtr& a, const BoundPtr& b, Comparison comparison) {
  if (auto side = common_side(side_of(a), side_of(b))) return side->type;
  if (comparison == Comparison::kOrder) return {};
  if (a->type.kind() == Kind::kBool && b->type.is_numeric()) return b->type;
  if (b->type.kind() == Kind::kBool && a->type.is_numeric()) return a->type;
  if (a->type.kind() == Kind::kVarchar) return b->type;
  if (b->type.kind() == Kind::kVarchar) return a->type;
  return {};
}

}  // namespace tidemill::sql
