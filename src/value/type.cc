#include "value/type.h"

#include "base/check.h"
#include "base/text.h"

namespace tidemill::value {
namespace {

struct KindName {
  std::string_view name;
  Kind kind;
};

// The first name of a kind is the one that prints.
constexpr KindName kNames[] = {
    {"boolean", Kind::kBool},
    {"bool", Kind::kBool},
    {"logical", Kind::kBool},
    {"tinyint", Kind::kInt8},
    {"int1", Kind::kInt8},
    {"smallint", Kind::kInt16},
    {"int2", Kind::kInt16},
    {"short", Kind::kInt16},
    {"int16", Kind::kInt16},
    {"integer", Kind::kInt32},
    {"int4", Kind::kInt32},
    {"int", Kind::kInt32},
    {"signed", Kind::kInt32},
    {"int32", Kind::kInt32},
    {"bigint", Kind::kInt64},
    {"int8", Kind::kInt64},
    {"long", Kind::kInt64},
    {"int64", Kind::kInt64},
    {"oid", Kind::kInt64},
    {"hugeint", Kind::kInt128},
    {"int128", Kind::kInt128},
    {"utinyint", Kind::kUint8},
    {"uint8", Kind::kUint8},
    {"usmallint", Kind::kUint16},
    {"uint16", Kind::kUint16},
    {"uinteger", Kind::kUint32},
    {"uint32", Kind::kUint32},
    {"ubigint", Kind::kUint64},
    {"uint64", Kind::kUint64},
    {"uhugeint", Kind::kUint128},
    {"uint128", Kind::kUint128},
    {"float", Kind::kFloat},
    {"float4", Kind::kFloat},
    {"real", Kind::kFloat},
    {"double", Kind::kDouble},
    {"float8", Kind::kDouble},
    {"decimal", Kind::kDecimal},
    {"dec", Kind::kDecimal},
    {"numeric", Kind::kDecimal},
    {"varchar", Kind::kVarchar},
    {"text", Kind::kVarchar},
    {"string", Kind::kVarchar},
    {"char", Kind::kVarchar},
    {"bpchar", Kind::kVarchar},
    {"nvarchar", Kind::kVarchar},
    {"blob", Kind::kBlob},
    {"bytea", Kind::kBlob},
    {"binary", Kind::kBlob},
    {"varbinary", Kind::kBlob},
    {"date", Kind::kDate},
    {"time", Kind::kTime},
    {"timestamp", Kind::kTimestamp},
    {"datetime", Kind::kTimestamp},
    {"timestamp_us", Kind::kTimestamp},
    {"timestamptz", Kind::kTimestampTz},
    {"interval", Kind::kInterval},
    {"json", Kind::kJson},
};

std::string upper_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

std::string quoted_if_needed(std::string_view name) {
  if (is_name(name) && name.find('-') == std::string_view::npos) return std::string(name);
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

// Reads a type from text that is already cut into words and signs by hand.
class TypeReader {
 public:
  explicit TypeReader(std::string_view text) : text_(text) {}

  Result<Type> read() {
    TIDEMILL_TRY_LET(type, read_type(0));
    skip_blanks();
    if (at_ != text_.size()) return unexpected("the end of the type");
    return type;
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) {
      ++at_;
    }
  }
  bool take(char c) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  tl::unexpected<Error> unexpected(std::string_view expected) {
    return fail(Code::kInvalid, fmt::format("type '{}': found '{}' at position {}, expected {}",
                                            printable(text_, 80), printable(text_.substr(at_), 20),
                                            at_ + 1, expected));
  }
  std::string word() {
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == '"') return quoted();
    const size_t start = at_;
    while (at_ < text_.size() && (isalnum(static_cast<unsigned char>(text_[at_])) ||
                                  text_[at_] == '_' || (text_[at_] & 0x80))) {
      ++at_;
    }
    return std::string(text_.substr(start, at_ - start));
  }
  std::string quoted() {
    std::string out;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
          ++at_;
        } else {
          ++at_;
          return out;
        }
      }
      out += text_[at_];
    }
    return "";  // never closed
  }
  Result<int> number() {
    const std::string digits = word();
    if (digits.empty() || digits.size() > 3 ||
        digits.find_first_not_of("0123456789") != std::string::npos) {
      return unexpected("a number");
    }
    return std::stoi(digits);
  }

  Result<Type> read_type(int depth) {
    if (depth > 50) return fail(Code::kInvalid, "a type is nested deeper than 50 levels");
    skip_blanks();
    const bool is_quoted = at_ < text_.size() && text_[at_] == '"';
    const std::string name = to_lower_ascii(word());
    TIDEMILL_TRY_LET(base, read_named(name, is_quoted, depth));
    Type type = base;
    while (take('[')) {
      if (!take(']')) return unexpected("']'");
      type = Type::list(type);
    }
    return type;
  }

  Result<Type> read_named(const std::string& name, bool is_quoted, int depth) {
    if (is_quoted && name == "null") return Type();
    if (name == "struct") return read_struct(depth);
    if (name == "map") {
      if (!take('(')) return unexpected("'(' behind MAP");
      TIDEMILL_TRY_LET(key, read_type(depth + 1));
      if (!take(',')) return unexpected("','");
      TIDEMILL_TRY_LET(element, read_type(depth + 1));
      if (!take(')')) return unexpected("')'");
      return Type::map(key, element);
    }
    Kind kind;
    if (!kind_of_name(name, &kind)) {
      std::string message = fmt::format("no type is named '{}'", printable(name, 60));
      const std::string near = nearest_word(name, simple_type_names());
      if (!near.empty()) message += fmt::format("; did you mean '{}'?", near);
      return fail(Code::kInvalid, message);
    }
    return read_modifiers(name, kind);
  }

  Result<Type> read_modifiers(const std::string& name, Kind kind) {
    if (kind == Kind::kDecimal) {
      int precision = 18;
      int scale = 3;
      if (take('(')) {
        TIDEMILL_TRY_LET(first, number());
        precision = first;
        scale = 0;
        if (take(',')) {
          TIDEMILL_TRY_LET(second, number());
          scale = second;
        }
        if (!take(')')) return unexpected("')'");
      }
      if (precision < 1 || precision > 38 || scale < 0 || scale > precision) {
        return fail(Code::kInvalid,
                    fmt::format("DECIMAL({},{}): expected a width of 1 to 38 and a scale of 0 to "
                                "the width",
                                precision, scale));
      }
      return Type::decimal(precision, scale);
    }
    if (kind == Kind::kVarchar && take('(')) {
      TIDEMILL_TRY(number());
      if (!take(')')) return unexpected("')'");
    }
    if (name == "double") {
      const size_t before = at_;
      if (to_lower_ascii(word()) != "precision") at_ = before;
    }
    if (name == "timestamp") {
      const size_t before = at_;
      if (to_lower_ascii(word()) == "with" && to_lower_ascii(word()) == "time" &&
          to_lower_ascii(word()) == "zone") {
        return Type(Kind::kTimestampTz);
      }
      at_ = before;
    }
    return Type(kind);
  }

  Result<Type> read_struct(int depth) {
    if (!take('(')) return unexpected("'(' behind STRUCT");
    Type::Fields fields;
    do {
      std::string field = word();
      if (field.empty()) return unexpected("a field name");
      TIDEMILL_TRY_LET(type, read_type(depth + 1));
      fields.emplace_back(std::move(field), type);
    } while (take(','));
    if (!take(')')) return unexpected("')'");
    return Type::structure(std::move(fields));
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Type Type::decimal(int precision, int scale) {
  TIDEMILL_CHECK(precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision);
  Type type(Kind::kDecimal);
  type.precision_ = static_cast<uint8_t>(precision);
  type.scale_ = static_cast<uint8_t>(scale);
  return type;
}

Type Type::list(Type element) {
  Type type(Kind::kList);
  type.children_ = std::make_shared<Fields>(Fields{{"", std::move(element)}});
  return type;
}

Type Type::structure(Fields fields) {
  Type type(Kind::kStruct);
  type.children_ = std::make_shared<Fields>(std::move(fields));
  return type;
}

Type Type::map(Type key, Type element) {
  Type type(Kind::kMap);
  type.children_ =
      std::make_shared<Fields>(Fields{{"key", std::move(key)}, {"value", std::move(element)}});
  return type;
}

const Type& Type::element() const {
  TIDEMILL_CHECK(kind_ == Kind::kList || kind_ == Kind::kMap);
  return children_->back().second;
}

const Type& Type::key() const {
  TIDEMILL_CHECK(kind_ == Kind::kMap);
  return children_->front().second;
}

const Type::Fields& Type::fields() const {
  TIDEMILL_CHECK(kind_ == Kind::kStruct);
  return *children_;
}

std::string Type::name() const {
  switch (kind_) {
    case Kind::kNull:
      return "\"NULL\"";
    case Kind::kDecimal:
      return fmt::format("DECIMAL({},{})", precision_, scale_);
    case Kind::kTimestampTz:
      return "TIMESTAMP WITH TIME ZONE";
    case Kind::kList:
      return element().name() + "[]";
    case Kind::kMap:
      return fmt::format("MAP({}, {})", key().name(), element().name());
    case Kind::kStruct: {
      std::string out = "STRUCT(";
      for (size_t i = 0; i < children_->size(); ++i) {
        if (i > 0) out += ", ";
        out += quoted_if_needed((*children_)[i].first) + " " + (*children_)[i].second.name();
      }
      return out + ")";
    }
    default:
      break;
  }
  for (const KindName& entry : kNames) {
    if (entry.kind == kind_) return upper_ascii(entry.name);
  }
  return "?";
}

bool Type::operator==(const Type& other) const {
  if (kind_ != other.kind_ || precision_ != other.precision_ || scale_ != other.scale_) {
    return false;
  }
  if (children_ == other.children_) return true;
  return children_ && other.children_ && *children_ == *other.children_;
}

Result<Type> parse_type(std::string_view text) { return TypeReader(text).read(); }

bool kind_of_name(std::string_view name, Kind* kind) {
  const std::string lower = to_lower_ascii(name);
  for (const KindName& entry : kNames) {
    if (entry.name == lower) {
      *kind = entry.kind;
      return true;
    }
  }
  *kind = Kind::kNull;
  return false;
}

const std::vector<std::string_view>& simple_type_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const KindName& entry : kNames) all.push_back(entry.name);
    return all;
  }();
  return names;
}

int storage_width(Kind kind) {
  switch (kind) {
    case Kind::kNull:
    case Kind::kBool:
    case Kind::kInt8:
    case Kind::kUint8:
      return 1;
    case Kind::kInt16:
    case Kind::kUint16:
      return 2;
    case Kind::kInt32:
    case Kind::kUint32:
    case Kind::kFloat:
    case Kind::kDate:
      return 4;
    case Kind::kInt128:
    case Kind::kUint128:
    case Kind::kDecimal:
    case Kind::kInterval:
    case Kind::kVarchar:
    case Kind::kJson:
    case Kind::kBlob:
      return 16;
    default:
      return 8;
  }
}

}  // namespace tidemill::value
