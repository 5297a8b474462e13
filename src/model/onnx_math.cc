#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "model/onnx_ops.h"

namespace tidemill::model {
namespace {

using Type = OnnxTensor::Type;
using Binary = double (*)(double, double);
using Unary = double (*)(double);

Status check_numbers(const OnnxTensor& tensor) {
  if (!tensor.is_text() && tensor.type != Type::kMap) return {};
  return fail(Code::kInvalid, "it takes numbers, not texts");
}

// The shape that both are repeated to.
Result<std::vector<int64_t>> broadcast(const std::vector<int64_t>& a,
                                       const std::vector<int64_t>& b) {
  std::vector<int64_t> out(std::max(a.size(), b.size()));
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) {
      return fail(Code::kInvalid, fmt::format("dimensions {} and {} do not fit", x, y));
    }
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  TIDEMILL_TRY(onnx_elements(out).map([](size_t) {}));
  return out;
}

// Where element `index` of the repeated shape stands in the tensor.
size_t source(size_t index, const std::vector<int64_t>& shape, const std::vector<int64_t>& dims) {
  size_t at = 0, stride = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    const auto size = static_cast<size_t>(shape[shape.size() - 1 - i]);
    const size_t place = index % size;
    index /= size;
    if (i >= dims.size()) continue;
    const auto own = static_cast<size_t>(dims[dims.size() - 1 - i]);
    at += (own == 1 ? 0 : place) * stride;
    stride *= own;
  }
  return at;
}

Result<OnnxTensor> combine(const OnnxTensor& a, const OnnxTensor& b, Type type, Binary function) {
  TIDEMILL_TRY(check_numbers(a));
  TIDEMILL_TRY(check_numbers(b));
  OnnxTensor out;
  out.type = type;
  TIDEMILL_TRY_LET(dims, broadcast(a.dims, b.dims));
  out.dims = std::move(dims);
  TIDEMILL_TRY_LET(count, onnx_elements(out.dims));
  out.numbers.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const double x = a.numbers[source(i, out.dims, a.dims)];
    const double y = b.numbers[source(i, out.dims, b.dims)];
    out.numbers[i] = onnx_rounded(type, function(x, y));
  }
  return out;
}

double add(double a, double b) { return a + b; }
double subtract(double a, double b) { return a - b; }
double multiply(double a, double b) { return a * b; }
double divide(double a, double b) { return a / b; }
double larger(double a, double b) {
  return std::isnan(a) || std::isnan(b) ? a + b : std::max(a, b);
}
double smaller(double a, double b) {
  return std::isnan(a) || std::isnan(b) ? a + b : std::min(a, b);
}
double is_less(double a, double b) { return a < b ? 1 : 0; }
double is_less_or_equal(double a, double b) { return a <= b ? 1 : 0; }
double is_greater(double a, double b) { return a > b ? 1 : 0; }
double is_greater_or_equal(double a, double b) { return a >= b ? 1 : 0; }
double is_equal(double a, double b) { return a == b ? 1 : 0; }
double both(double a, double b) { return a != 0 && b != 0 ? 1 : 0; }
double either(double a, double b) { return a != 0 || b != 0 ? 1 : 0; }

template <Binary function>
Status arithmetic(OnnxCall& call) {
  const bool divides_whole = function == static_cast<Binary>(divide) && !call.inputs[0]->is_real();
  if (divides_whole) {
    for (const double y : call.inputs[1]->numbers) {
      if (y == 0) return fail(Code::kInvalid, "a whole number is divided by zero");
    }
  }
  TIDEMILL_TRY_LET(out, combine(*call.inputs[0], *call.inputs[1], call.inputs[0]->type, function));
  if (divides_whole) {
    for (double& v : out.numbers) v = std::trunc(v);
  }
  call.outputs.push_back(std::move(out));
  return {};
}

template <Binary function>
Status comparison(OnnxCall& call) {
  const OnnxTensor &a = *call.inputs[0], &b = *call.inputs[1];
  if (a.is_text() && b.is_text() && function == static_cast<Binary>(is_equal)) {
    OnnxTensor out{Type::kBool, a.dims, {}, {}};
    if (b.texts.size() != 1 && b.texts.size() != a.texts.size()) {
      return fail(Code::kInvalid, "texts of different dimensions are compared");
    }
    for (size_t i = 0; i < a.texts.size(); ++i) {
      out.numbers.push_back(a.texts[i] == b.texts[b.texts.size() == 1 ? 0 : i] ? 1 : 0);
    }
    call.outputs.push_back(std::move(out));
    return {};
  }
  TIDEMILL_TRY_LET(out, combine(a, b, Type::kBool, function));
  call.outputs.push_back(std::move(out));
  return {};
}

template <Binary function>
Status many(OnnxCall& call) {
  OnnxTensor out = *call.inputs[0];
  TIDEMILL_TRY(check_numbers(out));
  for (size_t i = 1; i < call.inputs.size(); ++i) {
    TIDEMILL_TRY_LET(next, combine(out, *call.inputs[i], out.type, function));
    out = std::move(next);
  }
  call.outputs.push_back(std::move(out));
  return {};
}

// Functions of one float are computed in float64 and rounded once.
template <Unary function>
Status each(OnnxCall& call) {
  OnnxTensor out = *call.inputs[0];
  TIDEMILL_TRY(check_numbers(out));
  for (double& v : out.numbers) v = onnx_rounded(out.type, function(v));
  call.outputs.push_back(std::move(out));
  return {};
}

double negative(double x) { return -x; }
double absolute(double x) { return std::fabs(x); }
double logarithm(double x) { return std::log(x); }
double exponential(double x) { return std::exp(x); }
double root(double x) { return std::sqrt(x); }
double relu(double x) { return x < 0 ? 0 : x; }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double tangent(double x) { return std::tanh(x); }
double invert(double x) { return x == 0 ? 1 : 0; }
double floor_of(double x) { return std::floor(x); }
double ceiling(double x) { return std::ceil(x); }

Status is_nan(OnnxCall& call) {
  OnnxTensor out = *call.inputs[0];
  TIDEMILL_TRY(check_numbers(out));
  out.type = Type::kBool;
  for (double& v : out.numbers) v = std::isnan(v) ? 1 : 0;
  call.outputs.push_back(std::move(out));
  return {};
}

double power(double a, double b) { return std::pow(a, b); }

Status clip(OnnxCall& call) {
  OnnxTensor out = *call.inputs[0];
  TIDEMILL_TRY(check_numbers(out));
  const auto bound = [&call](size_t input, std::string_view name, double otherwise) {
    if (input < call.inputs.size() && call.inputs[input] != nullptr &&
        !call.inputs[input]->numbers.empty()) {
      return call.inputs[input]->numbers[0];
    }
    const OnnxAttribute* found = call.node.find(name);
    return found == nullptr ? otherwise : found->real;
  };
  const double low = bound(1, "min", -HUGE_VAL), high = bound(2, "max", HUGE_VAL);
  for (double& v : out.numbers) v = v < low ? low : v > high ? high : v;
  call.outputs.push_back(std::move(out));
  return {};
}

Status where(OnnxCall& call) {
  const OnnxTensor &condition = *call.inputs[0], &a = *call.inputs[1], &b = *call.inputs[2];
  TIDEMILL_TRY(check_numbers(condition));
  if (a.is_text() != b.is_text()) return fail(Code::kInvalid, "texts and numbers are mixed");
  OnnxTensor out;
  out.type = a.type;
  TIDEMILL_TRY_LET(first, broadcast(a.dims, b.dims));
  TIDEMILL_TRY_LET(dims, broadcast(first, condition.dims));
  out.dims = std::move(dims);
  TIDEMILL_TRY_LET(count, onnx_elements(out.dims));
  for (size_t i = 0; i < count; ++i) {
    const bool chosen = condition.numbers[source(i, out.dims, condition.dims)] != 0;
    const OnnxTensor& from = chosen ? a : b;
    const size_t at = source(i, out.dims, from.dims);
    if (a.is_text()) {
      out.texts.push_back(from.texts[at]);
    } else {
      out.numbers.push_back(from.numbers[at]);
    }
  }
  call.outputs.push_back(std::move(out));
  return {};
}

// A text as a number; refused if it is none.
Result<double> number_of(const std::string& text) {
  double value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec == std::errc{} && end == text.data() + text.size() && !text.empty()) return value;
  return fail(Code::kNotFound, "a text is not the number that Cast should make of it");
}

Status cast(OnnxCall& call) {
  const OnnxTensor& in = *call.inputs[0];
  const int64_t to = call.node.integer("to", 0);
  constexpr int64_t kKnown[] = {1, 2, 3, 5, 6, 7, 8, 9, 11};
  if (std::find(std::begin(kKnown), std::end(kKnown), to) == std::end(kKnown)) {
    return fail(Code::kInvalid, fmt::format("Cast to type {}", to));
  }
  OnnxTensor out;
  out.type = static_cast<Type>(to);
  out.dims = in.dims;
  for (size_t i = 0; i < in.size(); ++i) {
    if (in.is_text() && out.is_text()) {
      out.texts.push_back(in.texts[i]);
    } else if (in.is_text()) {
      TIDEMILL_TRY_LET(value, number_of(in.texts[i]));
      out.numbers.push_back(onnx_rounded(out.type, value));
    } else if (out.is_text()) {
      out.texts.push_back(in.type == Type::kFloat
                              ? fmt::format("{}", static_cast<float>(in.numbers[i]))
                              : fmt::format("{}", in.numbers[i]));
    } else if (out.type == Type::kBool) {
      out.numbers.push_back(in.numbers[i] != 0 ? 1 : 0);
    } else {
      out.numbers.push_back(onnx_rounded(out.type, in.numbers[i]));
    }
  }
  call.outputs.push_back(std::move(out));
  return {};
}

constexpr OnnxOperator kOperators[] = {
    {"", "Abs", 1, 1, each<absolute>},
    {"", "Add", 2, 2, arithmetic<add>},
    {"", "And", 2, 2, comparison<both>},
    {"", "Cast", 1, 1, cast},
    {"", "Ceil", 1, 1, each<ceiling>},
    {"", "Clip", 1, 3, clip},
    {"", "Div", 2, 2, arithmetic<divide>},
    {"", "Equal", 2, 2, comparison<is_equal>},
    {"", "Exp", 1, 1, each<exponential>},
    {"", "Floor", 1, 1, each<floor_of>},
    {"", "Greater", 2, 2, comparison<is_greater>},
    {"", "GreaterOrEqual", 2, 2, comparison<is_greater_or_equal>},
    {"", "IsNaN", 1, 1, is_nan},
    {"", "Less", 2, 2, comparison<is_less>},
    {"", "LessOrEqual", 2, 2, comparison<is_less_or_equal>},
    {"", "Log", 1, 1, each<logarithm>},
    {"", "Max", 1, 1000, many<larger>},
    {"", "Min", 1, 1000, many<smaller>},
    {"", "Mul", 2, 2, arithmetic<multiply>},
    {"", "Neg", 1, 1, each<negative>},
    {"", "Not", 1, 1, each<invert>},
    {"", "Or", 2, 2, comparison<either>},
    {"", "Pow", 2, 2, arithmetic<power>},
    {"", "Relu", 1, 1, each<relu>},
    {"", "Sigmoid", 1, 1, each<sigmoid>},
    {"", "Sqrt", 1, 1, each<root>},
    {"", "Sub", 2, 2, arithmetic<subtract>},
    {"", "Sum", 1, 100000, many<add>},
    {"", "Tanh", 1, 1, each<tangent>},
    {"", "Where", 3, 3, where},
};

}  // namespace

double onnx_rounded(Type type, double value) {
  if (type == Type::kFloat) return static_cast<double>(static_cast<float>(value));
  if (type == Type::kDouble || type == Type::kBool) return value;
  return std::isfinite(value) ? std::trunc(value) : 0;
}

std::span<const OnnxOperator> onnx_math_operators() { return kOperators; }

}  // namespace tidemill::model
