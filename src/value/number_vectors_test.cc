// Numbers and decimals against DuckDB's answers.
#include "value/decimal.h"
#include "value/number_text.h"
#include "value/vector_test.h"

namespace tidemill::value {
namespace {

using Arguments = VectorArguments;

DecimalType type_at(const Arguments& a, size_t at) {
  return {static_cast<uint8_t>(std::stoi(a[at])), static_cast<uint8_t>(std::stoi(a[at + 1]))};
}

template <Integer T>
void add_integer(VectorTable& table, const std::string& name) {
  table["parse_" + name] = [](const Arguments& a) {
    return answer_of(parse_integer<T>(a[0]), format_integer<T>);
  };
  table[name + "_of_double"] = [](const Arguments& a) {
    return answer_of(integer_from_double<T>(*parse_double(a[0])), format_integer<T>);
  };
  table[name + "_of_float"] = [](const Arguments& a) {
    return answer_of(integer_from_float<T>(*parse_float(a[0])), format_integer<T>);
  };
  table[name + "_of_int128"] = [](const Arguments& a) {
    return answer_of(integer_cast<T>(*parse_integer<int128>(a[0])), format_integer<T>);
  };
  table[name + "_of_decimal"] = [](const Arguments& a) -> VectorAnswer {
    const DecimalType type = type_at(a, 1);
    TIDEMILL_TRY_LET(n, parse_decimal(a[0], type));
    return answer_of(decimal_to_integer<T>(n, type.scale), format_integer<T>);
  };
}

TEST(NumberVectors, TextAndCastsAgree) {
  VectorTable table;
  add_integer<int8_t>(table, "int8");
  add_integer<int16_t>(table, "int16");
  add_integer<int32_t>(table, "int32");
  add_integer<int64_t>(table, "int64");
  add_integer<int128>(table, "int128");
  add_integer<uint8_t>(table, "uint8");
  add_integer<uint16_t>(table, "uint16");
  add_integer<uint32_t>(table, "uint32");
  add_integer<uint64_t>(table, "uint64");
  table["parse_double"] = [](const Arguments& a) {
    return answer_of(parse_double(a[0]), format_double);
  };
  table["parse_float"] = [](const Arguments& a) {
    return answer_of(parse_float(a[0]), format_float);
  };
  table["float_of_double"] = [](const Arguments& a) {
    return answer_of(float_from_double(*parse_double(a[0])), format_float);
  };
  table["parse_bool"] = [](const Arguments& a) {
    return answer_of(parse_bool(a[0]), [](bool b) { return std::string(format_bool(b)); });
  };
  run_vectors("numbers", table, VectorMatch::kExact);
}

using Operation = Result<int128> (*)(int128, int128, DecimalType);

VectorAnswer same_scale(const Arguments& a, Operation operation, DecimalType result) {
  const DecimalType left = type_at(a, 1);
  const DecimalType right = type_at(a, 4);
  TIDEMILL_TRY_LET(x, parse_decimal(a[0], left));
  TIDEMILL_TRY_LET(y, parse_decimal(a[3], right));
  TIDEMILL_TRY_LET(b, rescale(x, left, result));
  TIDEMILL_TRY_LET(c, rescale(y, right, result));
  return answer_of(operation(b, c, result), [&](int128 n) { return format_decimal(n, result); });
}

VectorAnswer sum_or_difference(const Arguments& a, Operation operation) {
  return same_scale(a, operation, decimal_add_type(type_at(a, 1), type_at(a, 4)));
}

// A type past 38 digits is DOUBLE's case.
VectorAnswer modulo(const Arguments& a) {
  const DecimalType left = type_at(a, 1);
  const DecimalType right = type_at(a, 4);
  if (const auto type = decimal_modulo_type(left, right))
    return same_scale(a, decimal_modulo, *type);
  TIDEMILL_TRY_LET(x, parse_decimal(a[0], left));
  TIDEMILL_TRY_LET(y, parse_decimal(a[3], right));
  if (y == 0) return fail(Code::kInvalid, "Division by zero");
  return std::optional<std::string>(format_double(
      std::fmod(decimal_to_double(x, left.scale), decimal_to_double(y, right.scale))));
}

VectorAnswer rounded(const Arguments& a, int digits, DecimalRounding rounding) {
  const DecimalType type = type_at(a, 1);
  TIDEMILL_TRY_LET(n, parse_decimal(a[0], type));
  const RoundedDecimal out = decimal_round(n, type, digits, rounding);
  return std::optional<std::string>(format_decimal(out.unscaled, out.type));
}

void add_decimal_arithmetic(VectorTable& table) {
  table["decimal_add"] = [](const Arguments& a) { return sum_or_difference(a, decimal_add); };
  table["decimal_subtract"] = [](const Arguments& a) {
    return sum_or_difference(a, decimal_subtract);
  };
  table["decimal_modulo"] = modulo;
  table["decimal_multiply"] = [](const Arguments& a) -> VectorAnswer {
    TIDEMILL_TRY_LET(result, decimal_multiply_type(type_at(a, 1), type_at(a, 4)));
    TIDEMILL_TRY_LET(x, parse_decimal(a[0], type_at(a, 1)));
    TIDEMILL_TRY_LET(y, parse_decimal(a[3], type_at(a, 4)));
    return answer_of(decimal_multiply(x, y, result),
                     [&](int128 n) { return format_decimal(n, result); });
  };
  const std::pair<const char*, DecimalRounding> kinds[] = {
      {"decimal_round", DecimalRounding::kHalfAway},
      {"decimal_round_even", DecimalRounding::kHalfEven},
      {"decimal_trunc", DecimalRounding::kTruncate}};
  for (const auto& [name, rounding] : kinds) {
    table[name] = [rounding = rounding](const Arguments& a) {
      return rounded(a, std::stoi(a[3]), rounding);
    };
  }
  table["decimal_floor"] = [](const Arguments& a) {
    return rounded(a, 0, DecimalRounding::kFloor);
  };
  table["decimal_ceil"] = [](const Arguments& a) { return rounded(a, 0, DecimalRounding::kCeil); };
}

TEST(DecimalVectors, TextCastsAndArithmeticAgree) {
  VectorTable table;
  add_integer<int8_t>(table, "int8");
  add_integer<int32_t>(table, "int32");
  add_integer<uint8_t>(table, "uint8");
  add_decimal_arithmetic(table);
  const auto shown = [](const Result<int128>& n, DecimalType type) {
    return answer_of(n, [&](int128 m) { return format_decimal(m, type); });
  };
  table["parse_decimal"] = [shown](const Arguments& a) {
    return shown(parse_decimal(a[0], type_at(a, 1)), type_at(a, 1));
  };
  table["decimal_of_double"] = [shown](const Arguments& a) {
    return shown(decimal_from_double(*parse_double(a[0]), type_at(a, 1)), type_at(a, 1));
  };
  table["decimal_of_int"] = [shown](const Arguments& a) {
    return shown(decimal_from_integer(*parse_integer<int64_t>(a[0]), type_at(a, 1)), type_at(a, 1));
  };
  table["rescale"] = [shown](const Arguments& a) -> VectorAnswer {
    TIDEMILL_TRY_LET(n, parse_decimal(a[0], type_at(a, 1)));
    return shown(rescale(n, type_at(a, 1), type_at(a, 3)), type_at(a, 3));
  };
  table["double_of_decimal"] = [](const Arguments& a) -> VectorAnswer {
    TIDEMILL_TRY_LET(n, parse_decimal(a[0], type_at(a, 1)));
    return std::optional<std::string>(format_double(decimal_to_double(n, type_at(a, 1).scale)));
  };
  // DuckDB checks the digits before it applies the exponent; here the value counts.
  run_vectors("decimals", table, VectorMatch::kExact,
              {R"(["parse_decimal","1e-5","2","2"])", R"(["parse_decimal","5e-1","2","2"])",
               R"(["parse_decimal","4.9e-1","2","2"])", R"(["parse_decimal","1.25e-1","2","2"])"});
}

}  // namespace
}  // namespace tidemill::value
