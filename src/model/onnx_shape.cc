#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "model/onnx_ops.h"

namespace tidemill::model {
namespace {

using Type = OnnxTensor::Type;

// An empty tensor of the same type.
OnnxTensor like(const OnnxTensor& tensor) { return {tensor.type, {}, {}, {}}; }

void copy_element(OnnxTensor& to, const OnnxTensor& from, size_t at) {
  if (from.is_text()) {
    to.texts.push_back(from.texts[at]);
  } else {
    to.numbers.push_back(from.numbers[at]);
  }
}

size_t product(const std::vector<int64_t>& dims, size_t begin, size_t end) {
  size_t out = 1;
  for (size_t i = begin; i < end; ++i) out *= static_cast<size_t>(dims[i]);
  return out;
}

std::vector<int64_t> whole(const OnnxTensor& tensor) {
  std::vector<int64_t> out;
  for (const double v : tensor.numbers) {
    out.push_back(std::fabs(v) < 1e15 ? static_cast<int64_t>(v) : -1000);
  }
  return out;
}

// An attribute of whole numbers, which later versions give as an input.
std::vector<int64_t> list(const OnnxCall& call, std::string_view name, size_t input) {
  if (input < call.inputs.size() && call.inputs[input] != nullptr) {
    return whole(*call.inputs[input]);
  }
  const OnnxAttribute* found = call.node.find(name);
  return found == nullptr ? std::vector<int64_t>() : found->integers;
}

Status identity(OnnxCall& call) {
  call.outputs.push_back(*call.inputs[0]);
  return {};
}

Status constant(OnnxCall& call) {
  const OnnxAttribute* value = call.node.find("value");
  if (value == nullptr || value->tensor.type == Type::kNone) {
    return fail(Code::kInvalid, "Constant has no \"value\"");
  }
  call.outputs.push_back(value->tensor);
  return {};
}

Status shape(OnnxCall& call) {
  OnnxTensor out{Type::kInt64, {static_cast<int64_t>(call.inputs[0]->dims.size())}, {}, {}};
  for (const int64_t dim : call.inputs[0]->dims) out.numbers.push_back(static_cast<double>(dim));
  call.outputs.push_back(std::move(out));
  return {};
}

Status concat(OnnxCall& call) {
  const OnnxTensor& first = *call.inputs[0];
  TIDEMILL_TRY_LET(axis, onnx_axis(call.node.integer("axis", 0), first.dims.size()));
  OnnxTensor out = like(first);
  out.dims = first.dims;
  out.dims[axis] = 0;
  for (const OnnxTensor* in : call.inputs) {
    bool fits = in->dims.size() == first.dims.size() && in->is_text() == first.is_text();
    for (size_t i = 0; fits && i < in->dims.size(); ++i) {
      fits = i == axis || in->dims[i] == first.dims[i];
    }
    if (!fits) return fail(Code::kInvalid, "Concat: the inputs differ in more than one dimension");
    out.dims[axis] += in->dims[axis];
  }
  TIDEMILL_TRY(onnx_elements(out.dims).map([](size_t) {}));
  const size_t before = product(first.dims, 0, axis);
  for (size_t row = 0; row < before; ++row) {
    for (const OnnxTensor* in : call.inputs) {
      const size_t run = product(in->dims, axis, in->dims.size());
      for (size_t i = 0; i < run; ++i) copy_element(out, *in, row * run + i);
    }
  }
  call.outputs.push_back(std::move(out));
  return {};
}

Status reshape(OnnxCall& call) {
  const OnnxTensor& in = *call.inputs[0];
  const auto wanted = list(call, "shape", 1);
  OnnxTensor out = in;
  out.dims.clear();
  int64_t known = 1, open = -1;
  for (size_t i = 0; i < wanted.size(); ++i) {
    int64_t dim = wanted[i];
    if (dim == 0 && i < in.dims.size()) dim = in.dims[i];
    if (dim < -1 || (dim == -1 && open >= 0) || dim > static_cast<int64_t>(kMaxOnnxElements)) {
      return fail(Code::kInvalid, fmt::format("Reshape to a dimension of {}", dim));
    }
    if (dim == -1) {
      open = static_cast<int64_t>(i);
    } else if (__builtin_mul_overflow(known, dim, &known)) {
      return fail(Code::kInvalid, "Reshape to too many elements");
    }
    out.dims.push_back(dim);
  }
  const auto size = static_cast<int64_t>(in.size());
  if (open >= 0 && known != 0 && size % known == 0) {
    out.dims[static_cast<size_t>(open)] = size / known;
    known = size;
  }
  if (known != size) {
    return fail(Code::kInvalid, fmt::format("Reshape of {} elements to {}", size, known));
  }
  call.outputs.push_back(std::move(out));
  return {};
}

Status flatten(OnnxCall& call) {
  OnnxTensor out = *call.inputs[0];
  const auto axis = static_cast<size_t>(
      std::clamp<int64_t>(call.node.integer("axis", 1), 0, static_cast<int64_t>(out.dims.size())));
  const auto rows = static_cast<int64_t>(product(out.dims, 0, axis));
  const auto width = static_cast<int64_t>(product(out.dims, axis, out.dims.size()));
  out.dims = {rows, width};
  call.outputs.push_back(std::move(out));
  return {};
}

Status squeeze(OnnxCall& call) {
  OnnxTensor out = *call.inputs[0];
  std::vector<bool> drop(out.dims.size(), false);
  const auto axes = list(call, "axes", 1);
  for (size_t i = 0; i < drop.size(); ++i) drop[i] = axes.empty() && out.dims[i] == 1;
  for (const int64_t wanted : axes) {
    TIDEMILL_TRY_LET(axis, onnx_axis(wanted, out.dims.size()));
    if (out.dims[axis] != 1) return fail(Code::kInvalid, "Squeeze of a dimension that is not 1");
    drop[axis] = true;
  }
  std::vector<int64_t> dims;
  for (size_t i = 0; i < drop.size(); ++i) {
    if (!drop[i]) dims.push_back(out.dims[i]);
  }
  out.dims = std::move(dims);
  call.outputs.push_back(std::move(out));
  return {};
}

Status unsqueeze(OnnxCall& call) {
  OnnxTensor out = *call.inputs[0];
  auto axes = list(call, "axes", 1);
  const size_t rank = out.dims.size() + axes.size();
  std::vector<size_t> places;
  for (const int64_t wanted : axes) {
    TIDEMILL_TRY_LET(axis, onnx_axis(wanted, rank));
    places.push_back(axis);
  }
  std::sort(places.begin(), places.end());
  if (std::adjacent_find(places.begin(), places.end()) != places.end()) {
    return fail(Code::kInvalid, "Unsqueeze: an axis occurs twice");
  }
  for (const size_t at : places) out.dims.insert(out.dims.begin() + static_cast<ptrdiff_t>(at), 1);
  call.outputs.push_back(std::move(out));
  return {};
}

Status transpose(OnnxCall& call) {
  const OnnxTensor& in = *call.inputs[0];
  const size_t rank = in.dims.size();
  std::vector<size_t> order(rank);
  std::iota(order.rbegin(), order.rend(), size_t{0});
  if (const auto wanted = list(call, "perm", SIZE_MAX); !wanted.empty()) {
    std::vector<bool> seen(rank, false);
    if (wanted.size() != rank) return fail(Code::kInvalid, "Transpose: perm has a wrong length");
    for (size_t i = 0; i < rank; ++i) {
      TIDEMILL_TRY_LET(axis, onnx_axis(wanted[i], rank));
      if (seen[axis]) return fail(Code::kInvalid, "Transpose: perm is not an order");
      seen[axis] = true;
      order[i] = axis;
    }
  }
  OnnxTensor out = like(in);
  for (const size_t axis : order) out.dims.push_back(in.dims[axis]);
  for (size_t i = 0; i < in.size(); ++i) {
    size_t rest = i, at = 0;
    for (size_t d = rank; d-- > 0;) {
      const auto size = static_cast<size_t>(out.dims[d]);
      at += rest % size * product(in.dims, order[d] + 1, rank);
      rest /= size;
    }
    copy_element(out, in, at);
  }
  call.outputs.push_back(std::move(out));
  return {};
}

Status gather(OnnxCall& call) {
  const OnnxTensor &in = *call.inputs[0], &indices = *call.inputs[1];
  TIDEMILL_TRY_LET(axis, onnx_axis(call.node.integer("axis", 0), in.dims.size()));
  OnnxTensor out = like(in);
  out.dims.assign(in.dims.begin(), in.dims.begin() + static_cast<ptrdiff_t>(axis));
  out.dims.insert(out.dims.end(), indices.dims.begin(), indices.dims.end());
  out.dims.insert(out.dims.end(), in.dims.begin() + static_cast<ptrdiff_t>(axis) + 1,
                  in.dims.end());
  TIDEMILL_TRY(onnx_elements(out.dims).map([](size_t) {}));
  const size_t before = product(in.dims, 0, axis), run = product(in.dims, axis + 1, in.dims.size());
  const int64_t size = in.dims[axis];
  for (size_t row = 0; row < before; ++row) {
    for (int64_t index : whole(indices)) {
      if (index < 0) index += size;
      if (index < 0 || index >= size) {
        return fail(Code::kInvalid, fmt::format("Gather of place {}, of {}", index, size));
      }
      const size_t at = (row * static_cast<size_t>(size) + static_cast<size_t>(index)) * run;
      for (size_t i = 0; i < run; ++i) copy_element(out, in, at + i);
    }
  }
  call.outputs.push_back(std::move(out));
  return {};
}

Status matmul(const OnnxTensor& a, const OnnxTensor& b, OnnxTensor& out) {
  const size_t inner_rank = b.dims.size();
  if (a.dims.empty() || inner_rank != 2 || a.dims.size() > 2 || a.dims.back() != b.dims[0] ||
      a.is_text() || b.is_text()) {
    return fail(Code::kInvalid, "the dimensions of a product of matrices do not fit");
  }
  const auto inner = static_cast<size_t>(b.dims[0]), width = static_cast<size_t>(b.dims[1]);
  const size_t rows = a.dims.size() == 2 ? static_cast<size_t>(a.dims[0]) : 1;
  out.type = a.type;
  out.dims = a.dims;
  out.dims.back() = b.dims[1];
  TIDEMILL_TRY(onnx_elements(out.dims).map([](size_t) {}));
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < width; ++j) {
      double sum = 0;
      for (size_t k = 0; k < inner; ++k) {
        sum += a.numbers[i * inner + k] * b.numbers[k * width + j];
      }
      out.numbers.push_back(onnx_rounded(out.type, sum));
    }
  }
  return {};
}

Status matrix_product(OnnxCall& call) {
  OnnxTensor out;
  TIDEMILL_TRY(matmul(*call.inputs[0], *call.inputs[1], out));
  call.outputs.push_back(std::move(out));
  return {};
}

OnnxTensor transposed(const OnnxTensor& in) {
  OnnxTensor out{in.type, {in.dims[1], in.dims[0]}, {}, {}};
  const auto rows = static_cast<size_t>(in.dims[0]), width = static_cast<size_t>(in.dims[1]);
  for (size_t j = 0; j < width; ++j) {
    for (size_t i = 0; i < rows; ++i) out.numbers.push_back(in.numbers[i * width + j]);
  }
  return out;
}

// alpha x A x B + beta x C
Status gemm(OnnxCall& call) {
  OnnxTensor a = *call.inputs[0], b = *call.inputs[1], out;
  if (a.dims.size() != 2 || b.dims.size() != 2 || a.is_text() || b.is_text()) {
    return fail(Code::kInvalid, "Gemm takes matrices");
  }
  if (call.node.integer("transA", 0) != 0) a = transposed(a);
  if (call.node.integer("transB", 0) != 0) b = transposed(b);
  TIDEMILL_TRY(matmul(a, b, out));
  const auto factor = [&call](std::string_view name) {
    const OnnxAttribute* found = call.node.find(name);
    return found == nullptr ? 1.0 : found->real;
  };
  const OnnxTensor* c = call.inputs.size() > 2 ? call.inputs[2] : nullptr;
  const size_t width = static_cast<size_t>(out.dims[1]);
  if (c != nullptr && c->numbers.size() != 1 && c->numbers.size() != width &&
      c->numbers.size() != out.numbers.size()) {
    return fail(Code::kInvalid, "Gemm: C does not fit");
  }
  for (size_t i = 0; i < out.numbers.size(); ++i) {
    double value = factor("alpha") * out.numbers[i];
    if (c != nullptr) {
      const size_t size = c->numbers.size();
      value += factor("beta") * c->numbers[size == 1 ? 0 : size == width ? i % width : i];
    }
    out.numbers[i] = onnx_rounded(out.type, value);
  }
  call.outputs.push_back(std::move(out));
  return {};
}

// Calls `take` with the elements along the axis, run after run.
template <class Take>
Status along(const OnnxTensor& in, size_t axis, Take take) {
  if (in.is_text()) return fail(Code::kInvalid, "it takes numbers, not texts");
  const auto size = static_cast<size_t>(in.dims[axis]);
  if (size == 0) return fail(Code::kInvalid, "a dimension is empty");
  const size_t before = product(in.dims, 0, axis),
               after = product(in.dims, axis + 1, in.dims.size());
  std::vector<double> run(size);
  for (size_t i = 0; i < before * after; ++i) {
    const size_t start = i / after * after * size + i % after;
    for (size_t k = 0; k < size; ++k) run[k] = in.numbers[start + k * after];
    take(run, start, after);
  }
  return {};
}

Status argmax(OnnxCall& call) {
  const OnnxTensor& in = *call.inputs[0];
  TIDEMILL_TRY_LET(axis, onnx_axis(call.node.integer("axis", 0), in.dims.size()));
  OnnxTensor out{Type::kInt64, in.dims, {}, {}};
  TIDEMILL_TRY(along(in, axis, [&](const std::vector<double>& run, size_t, size_t) {
    const auto best = std::max_element(run.begin(), run.end());
    out.numbers.push_back(static_cast<double>(best - run.begin()));
  }));
  out.dims[axis] = 1;
  if (call.node.integer("keepdims", 1) == 0) {
    out.dims.erase(out.dims.begin() + static_cast<ptrdiff_t>(axis));
  }
  call.outputs.push_back(std::move(out));
  return {};
}

Status softmax(OnnxCall& call) {
  OnnxTensor out = *call.inputs[0];
  TIDEMILL_TRY_LET(axis, onnx_axis(call.node.integer("axis", -1), out.dims.size()));
  TIDEMILL_TRY(along(*call.inputs[0], axis, [&](std::vector<double>& run, size_t at, size_t step) {
    apply_onnx_post(OnnxPost::kSoftmax, run);
    for (size_t k = 0; k < run.size(); ++k) out.numbers[at + k * step] = run[k];
  }));
  call.outputs.push_back(std::move(out));
  return {};
}

Status reduce_sum(OnnxCall& call) {
  OnnxTensor out = *call.inputs[0];
  auto axes = list(call, "axes", 1);
  const size_t rank = out.dims.size();
  if (axes.empty()) {
    for (size_t i = 0; i < rank; ++i) axes.push_back(static_cast<int64_t>(i));
  }
  std::vector<size_t> places;
  for (const int64_t wanted : axes) {
    TIDEMILL_TRY_LET(axis, onnx_axis(wanted, rank));
    places.push_back(axis);
    OnnxTensor next{out.type, out.dims, {}, {}};
    TIDEMILL_TRY(along(out, axis, [&](const std::vector<double>& run, size_t, size_t) {
      double sum = 0;
      for (const double v : run) sum += v;
      next.numbers.push_back(onnx_rounded(next.type, sum));
    }));
    next.dims[axis] = 1;
    out = std::move(next);
  }
  if (call.node.integer("keepdims", 1) == 0) {
    std::sort(places.rbegin(), places.rend());
    for (const size_t axis : places)
      out.dims.erase(out.dims.begin() + static_cast<ptrdiff_t>(axis));
  }
  call.outputs.push_back(std::move(out));
  return {};
}

constexpr OnnxOperator kOperators[] = {
    {"", "ArgMax", 1, 1, argmax},        {"", "Concat", 1, 100000, concat},
    {"", "Constant", 0, 0, constant},    {"", "Flatten", 1, 1, flatten},
    {"", "Gather", 2, 2, gather},        {"", "Gemm", 2, 3, gemm},
    {"", "Identity", 1, 1, identity},    {"", "MatMul", 2, 2, matrix_product},
    {"", "ReduceSum", 1, 2, reduce_sum}, {"", "Reshape", 1, 2, reshape},
    {"", "Shape", 1, 1, shape},          {"", "Softmax", 1, 1, softmax},
    {"", "Squeeze", 1, 2, squeeze},      {"", "Transpose", 1, 1, transpose},
    {"", "Unsqueeze", 1, 2, unsqueeze},
};

}  // namespace

Result<size_t> onnx_axis(int64_t axis, size_t rank) {
  const auto size = static_cast<int64_t>(rank);
  if (axis >= -size && axis < size) return static_cast<size_t>(axis < 0 ? axis + size : axis);
  return fail(Code::kInvalid, fmt::format("axis {} of a tensor of {} dimensions", axis, rank));
}

OnnxRows onnx_rows(const OnnxTensor& tensor) {
  const size_t width =
      tensor.dims.size() < 2 ? tensor.size() : static_cast<size_t>(tensor.dims.back());
  return {width == 0 ? 0 : tensor.size() / width, width};
}

std::span<const OnnxOperator> onnx_shape_operators() { return kOperators; }

}  // namespace tidemill::model
