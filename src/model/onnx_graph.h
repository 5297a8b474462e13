// An ONNX file as a graph of nodes over tensors, read and checked, not yet understood operator by
// operator.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidemill::model {

// A tensor of few elements. Numbers of every type are kept as doubles that hold their values; whole
// numbers beyond 2^53 are refused where they are read.
struct OnnxTensor {
  enum class Type {
    kNone = 0,
    kFloat = 1,
    kUint8 = 2,
    kInt8 = 3,
    kInt16 = 5,
    kInt32 = 6,
    kInt64 = 7,
    kText = 8,
    kBool = 9,
    kDouble = 11,
    kMap = 100,  // texts as keys, numbers as values; only ZipMap makes one
  };
  Type type = Type::kNone;
  std::vector<int64_t> dims;
  std::vector<double> numbers;
  std::vector<std::string> texts;

  bool is_text() const { return type == Type::kText; }
  bool is_real() const { return type == Type::kFloat || type == Type::kDouble; }
  size_t size() const { return is_text() ? texts.size() : numbers.size(); }
};

struct OnnxAttribute {
  double real = 0;
  int64_t integer = 0;
  std::string text;
  std::vector<double> reals;
  std::vector<int64_t> integers;
  std::vector<std::string> texts;
  OnnxTensor tensor;
};

struct OnnxNode {
  std::string name, op, domain;  // the domain is "" for ai.onnx
  std::vector<std::string> inputs, outputs;
  std::map<std::string, OnnxAttribute, std::less<>> attributes;

  const OnnxAttribute* find(std::string_view attribute) const;
  int64_t integer(std::string_view attribute, int64_t otherwise) const;
  std::string_view text(std::string_view attribute, std::string_view otherwise) const;
};

struct OnnxInput {
  std::string name;
  OnnxTensor::Type type = OnnxTensor::Type::kFloat;
  int64_t width = -1;  // of the last dimension; -1 = not said
};

struct OnnxGraph {
  std::vector<OnnxNode> nodes;  // each after those whose outputs it reads
  std::map<std::string, OnnxTensor, std::less<>> constants;
  std::vector<OnnxInput> inputs;  // without those that are constants
  std::vector<std::string> outputs;
  int64_t ml_version = 1, version = 1;  // of the operator sets
};

// Refused: data outside of the file, operator sets of unknown versions, a name that nothing
// defines, a cycle. Pure; any thread.
Result<OnnxGraph> read_onnx_graph(std::string_view file);

// The number of elements; refused if negative or too many.
Result<size_t> onnx_elements(const std::vector<int64_t>& dims);

inline constexpr size_t kMaxOnnxElements = 50'000'000;

}  // namespace tidemill::model
