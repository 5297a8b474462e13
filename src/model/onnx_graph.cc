#include "model/onnx_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "base/text.h"
#include "model/ensemble.h"
#include "model/protobuf.h"

namespace tidemill::model {
namespace {

constexpr int64_t kNewestMl = 5, kNewest = 26;
constexpr size_t kMaxNodesOfGraph = 100'000;
using Type = OnnxTensor::Type;

Result<std::string> name_of(const ProtoReader& reader) {
  TIDEMILL_TRY_LET(bytes, reader.bytes());
  if (bytes.size() > kMaxNameBytes || !is_utf8(bytes) || bytes.find('\0') != bytes.npos) {
    return fail(Code::kInvalid,
                fmt::format("the name \"{}\" is too long or not UTF-8", printable(bytes, 40)));
  }
  return std::string(bytes);
}

bool is_known(int64_t type) {
  constexpr int64_t kKnown[] = {1, 2, 3, 5, 6, 7, 8, 9, 11};
  return std::find(std::begin(kKnown), std::end(kKnown), type) != std::end(kKnown);
}

template <class Number>
void unpack(std::string_view bytes, std::vector<double>& out) {
  for (size_t i = 0; i + sizeof(Number) <= bytes.size(); i += sizeof(Number)) {
    Number value;
    std::memcpy(&value, bytes.data() + i, sizeof value);
    out.push_back(static_cast<double>(value));
  }
}

void unpack(Type type, std::string_view bytes, std::vector<double>& out) {
  switch (type) {
    case Type::kFloat:
      return unpack<float>(bytes, out);
    case Type::kDouble:
      return unpack<double>(bytes, out);
    case Type::kInt64:
      return unpack<int64_t>(bytes, out);
    case Type::kInt32:
      return unpack<int32_t>(bytes, out);
    case Type::kInt16:
      return unpack<int16_t>(bytes, out);
    case Type::kInt8:
      return unpack<int8_t>(bytes, out);
    default:
      return unpack<uint8_t>(bytes, out);
  }
}

// TensorProto
Result<OnnxTensor> read_tensor(ProtoReader reader, std::string* name) {
  OnnxTensor tensor;
  std::vector<int64_t> whole;
  std::string_view raw;
  bool has_raw = false;
  int64_t type = 0;
  for (;;) {
    TIDEMILL_TRY_LET(more, reader.next());
    if (!more) break;
    switch (reader.field()) {
      case 1:
        TIDEMILL_TRY(reader.integers(tensor.dims));
        break;
      case 2: {
        TIDEMILL_TRY_LET(value, reader.integer());
        type = value;
        break;
      }
      case 4:
        TIDEMILL_TRY(reader.singles(tensor.numbers));
        break;
      case 5:
      case 7:
        TIDEMILL_TRY(reader.integers(whole));
        break;
      case 6: {
        TIDEMILL_TRY_LET(bytes, reader.bytes());
        tensor.texts.emplace_back(bytes);
        break;
      }
      case 8: {
        TIDEMILL_TRY_LET(text, name_of(reader));
        if (name != nullptr) *name = text;
        break;
      }
      case 9: {
        TIDEMILL_TRY_LET(bytes, reader.bytes());
        raw = bytes;
        has_raw = true;
        break;
      }
      case 10:
        TIDEMILL_TRY(reader.reals(tensor.numbers));
        break;
      case 13:
      case 14:
        return fail(Code::kInvalid, "a tensor whose data are outside of the file is never loaded");
      default:
        break;
    }
  }
  if (!is_known(type)) return fail(Code::kInvalid, fmt::format("a tensor of type {}", type));
  tensor.type = static_cast<Type>(type);
  for (const int64_t value : whole) tensor.numbers.push_back(static_cast<double>(value));
  if (has_raw) unpack(tensor.type, raw, tensor.numbers);
  TIDEMILL_TRY_LET(elements, onnx_elements(tensor.dims));
  if (elements != tensor.size()) {
    return fail(Code::kInvalid, fmt::format("a tensor has {} elements, its dimensions make {}",
                                            tensor.size(), elements));
  }
  return tensor;
}

// AttributeProto
Status read_attribute(ProtoReader reader, OnnxNode& node) {
  OnnxAttribute attribute;
  std::string name;
  for (;;) {
    TIDEMILL_TRY_LET(more, reader.next());
    if (!more) break;
    switch (reader.field()) {
      case 1: {
        TIDEMILL_TRY_LET(text, name_of(reader));
        name = text;
        break;
      }
      case 2: {
        TIDEMILL_TRY_LET(value, reader.single());
        attribute.real = static_cast<double>(value);
        break;
      }
      case 3: {
        TIDEMILL_TRY_LET(value, reader.integer());
        attribute.integer = value;
        break;
      }
      case 4: {
        TIDEMILL_TRY_LET(bytes, reader.bytes());
        attribute.text = std::string(bytes);
        break;
      }
      case 5: {
        TIDEMILL_TRY_LET(message, reader.message());
        TIDEMILL_TRY_LET(tensor, read_tensor(message, nullptr));
        attribute.tensor = std::move(tensor);
        break;
      }
      case 6:
      case 11:
        return fail(Code::kInvalid, fmt::format("attribute {} is a graph, which is not supported",
                                                printable(name, 40)));
      case 7:
        TIDEMILL_TRY(reader.singles(attribute.reals));
        break;
      case 8:
        TIDEMILL_TRY(reader.integers(attribute.integers));
        break;
      case 9: {
        TIDEMILL_TRY_LET(bytes, reader.bytes());
        if (!is_utf8(bytes)) return fail(Code::kInvalid, "a text that is not UTF-8");
        attribute.texts.emplace_back(bytes);
        break;
      }
      default:
        break;
    }
  }
  if (!node.attributes.emplace(name, std::move(attribute)).second) {
    return fail(Code::kInvalid, fmt::format("attribute \"{}\" occurs twice", printable(name, 40)));
  }
  return {};
}

// NodeProto
Result<OnnxNode> read_node(ProtoReader reader) {
  OnnxNode node;
  for (;;) {
    TIDEMILL_TRY_LET(more, reader.next());
    if (!more) break;
    if (reader.field() == 5) {
      TIDEMILL_TRY_LET(message, reader.message());
      TIDEMILL_TRY(read_attribute(message, node));
      continue;
    }
    if (reader.field() != 1 && reader.field() != 2 && reader.field() != 3 && reader.field() != 4 &&
        reader.field() != 7) {
      continue;
    }
    TIDEMILL_TRY_LET(text, name_of(reader));
    if (reader.field() == 1) node.inputs.push_back(text);
    if (reader.field() == 2) node.outputs.push_back(text);
    if (reader.field() == 3) node.name = text;
    if (reader.field() == 4) node.op = text;
    if (reader.field() == 7) node.domain = text == "ai.onnx" ? "" : text;
  }
  return node;
}

// ValueInfoProto: name, type {tensor_type {elem_type, shape {dim {dim_value}}}}
Result<OnnxInput> read_value_info(ProtoReader reader) {
  OnnxInput input;
  const auto each = [](ProtoReader& in, auto&& field) -> Status {
    for (;;) {
      TIDEMILL_TRY_LET(more, in.next());
      if (!more) return {};
      TIDEMILL_TRY(field(in));
    }
  };
  const auto inside = [&each](const ProtoReader& in, auto&& field) -> Status {
    TIDEMILL_TRY_LET(message, in.message());
    return each(message, field);
  };
  TIDEMILL_TRY(each(reader, [&](ProtoReader& in) -> Status {
    if (in.field() == 1) {
      TIDEMILL_TRY_LET(text, name_of(in));
      input.name = text;
    }
    if (in.field() != 2) return {};
    return inside(in, [&](ProtoReader& type) -> Status {
      if (type.field() != 1) return {};
      return inside(type, [&](ProtoReader& tensor) -> Status {
        if (tensor.field() == 1) {
          TIDEMILL_TRY_LET(element, tensor.integer());
          if (!is_known(element)) return fail(Code::kInvalid, "an input of an unknown type");
          input.type = static_cast<Type>(element);
        }
        if (tensor.field() != 2) return {};
        return inside(tensor, [&](ProtoReader& shape) -> Status {
          if (shape.field() != 1) return {};
          input.width = -1;
          return inside(shape, [&](ProtoReader& dim) -> Status {
            if (dim.field() != 1) return {};
            TIDEMILL_TRY_LET(value, dim.integer());
            input.width = value;
            return {};
          });
        });
      });
    });
  }));
  if (input.width > kMaxFeatures) {
    return fail(Code::kExhausted,
                fmt::format("input {} is {} wide; the cap is {}", printable(input.name, 40),
                            input.width, kMaxFeatures));
  }
  return input;
}

// GraphProto
Status read_graph(ProtoReader reader, OnnxGraph& graph) {
  std::vector<OnnxInput> inputs;
  for (;;) {
    TIDEMILL_TRY_LET(more, reader.next());
    if (!more) break;
    const uint32_t field = reader.field();
    if (field != 1 && field != 5 && field != 11 && field != 12) {
      if (field == 15) return fail(Code::kInvalid, "sparse constants are not supported");
      continue;
    }
    TIDEMILL_TRY_LET(message, reader.message());
    if (field == 1) {
      auto node = read_node(message);
      if (!node) return fail(node.error().in(fmt::format("node {}", graph.nodes.size())));
      if (graph.nodes.size() >= kMaxNodesOfGraph) return fail(Code::kExhausted, "too many nodes");
      graph.nodes.push_back(std::move(*node));
    } else if (field == 5) {
      std::string name;
      TIDEMILL_TRY_LET(tensor, read_tensor(message, &name));
      graph.constants[name] = std::move(tensor);
    } else {
      TIDEMILL_TRY_LET(info, read_value_info(message));
      if (field == 12) graph.outputs.push_back(info.name);
      if (field == 11) inputs.push_back(info);
    }
  }
  for (auto& input : inputs) {
    if (!graph.constants.contains(input.name)) graph.inputs.push_back(std::move(input));
  }
  return {};
}

Status read_operator_set(ProtoReader reader, std::map<std::string, int64_t>& versions) {
  std::string domain;
  int64_t version = 0;
  for (;;) {
    TIDEMILL_TRY_LET(more, reader.next());
    if (!more) break;
    if (reader.field() == 1) {
      TIDEMILL_TRY_LET(text, name_of(reader));
      domain = text == "ai.onnx" ? "" : text;
    }
    if (reader.field() == 2) {
      TIDEMILL_TRY_LET(value, reader.integer());
      version = value;
    }
  }
  const auto [known, added] = versions.emplace(domain, version);
  const int64_t newest = domain == "ai.onnx.ml" ? kNewestMl : kNewest;
  if (!added && known->second != version) {
    return fail(Code::kInvalid, fmt::format("operator set \"{}\" is imported as versions {} and {}",
                                            domain, known->second, version));
  }
  if (version < 1 || version > newest) {
    return fail(Code::kInvalid, fmt::format("operator set \"{}\" version {}; 1 to {} are known",
                                            domain.empty() ? "ai.onnx" : domain, version, newest));
  }
  return {};
}

// Each node after those whose outputs it reads. A name is defined once.
Status order(OnnxGraph& graph) {
  std::set<std::string, std::less<>> defined;
  for (const auto& [name, tensor] : graph.constants) defined.insert(name);
  for (const auto& input : graph.inputs) {
    if (!defined.insert(input.name).second) return fail(Code::kInvalid, "an input occurs twice");
  }
  std::vector<OnnxNode> ordered, waiting = std::move(graph.nodes);
  while (!waiting.empty()) {
    std::vector<OnnxNode> later;
    for (OnnxNode& node : waiting) {
      const bool is_ready = std::all_of(node.inputs.begin(), node.inputs.end(), [&](const auto& n) {
        return n.empty() || defined.contains(n);
      });
      if (!is_ready) {
        later.push_back(std::move(node));
        continue;
      }
      for (const auto& output : node.outputs) {
        if (output.empty() || defined.insert(output).second) continue;
        return fail(Code::kInvalid, fmt::format("\"{}\" is defined twice", printable(output, 40)));
      }
      ordered.push_back(std::move(node));
    }
    // Files are in order; a graph that needs many rounds is not one that a converter wrote.
    if (later.size() == ordered.size() + later.size() || ordered.empty() ||
        (later.size() == waiting.size())) {
      return fail(Code::kInvalid,
                  fmt::format("node {} ({}) reads what nothing defines, or itself",
                              printable(later.front().name, 40), printable(later.front().op, 40)));
    }
    waiting = std::move(later);
  }
  graph.nodes = std::move(ordered);
  for (const auto& output : graph.outputs) {
    if (defined.contains(output)) continue;
    return fail(Code::kInvalid,
                fmt::format("nothing defines the output \"{}\"", printable(output, 40)));
  }
  if (graph.outputs.empty()) return fail(Code::kInvalid, "the graph has no outputs");
  if (graph.inputs.empty()) return fail(Code::kInvalid, "the graph has no inputs");
  return {};
}

}  // namespace

const OnnxAttribute* OnnxNode::find(std::string_view attribute) const {
  const auto found = attributes.find(attribute);
  return found == attributes.end() ? nullptr : &found->second;
}

int64_t OnnxNode::integer(std::string_view attribute, int64_t otherwise) const {
  const OnnxAttribute* found = find(attribute);
  return found == nullptr ? otherwise : found->integer;
}

std::string_view OnnxNode::text(std::string_view attribute, std::string_view otherwise) const {
  const OnnxAttribute* found = find(attribute);
  return found == nullptr ? otherwise : std::string_view(found->text);
}

Result<size_t> onnx_elements(const std::vector<int64_t>& dims) {
  size_t count = 1;
  for (const int64_t dim : dims) {
    if (dim < 0 || static_cast<size_t>(dim) > kMaxOnnxElements ||
        (dim != 0 && count > kMaxOnnxElements / static_cast<size_t>(dim))) {
      return fail(Code::kExhausted, fmt::format("a tensor with a dimension of {}", dim));
    }
    count *= static_cast<size_t>(dim);
  }
  return count;
}

Result<OnnxGraph> read_onnx_graph(std::string_view file) {
  OnnxGraph graph;
  ProtoReader reader(file);
  std::map<std::string, int64_t> versions;
  bool has_graph = false;
  for (;;) {
    TIDEMILL_TRY_LET(more, reader.next());
    if (!more) break;
    if (reader.field() != 7 && reader.field() != 8) continue;
    TIDEMILL_TRY_LET(message, reader.message());
    if (reader.field() == 8) {
      TIDEMILL_TRY(read_operator_set(message, versions));
      continue;
    }
    if (has_graph) return fail(Code::kInvalid, "the model has two graphs");
    has_graph = true;
    TIDEMILL_TRY(read_graph(message, graph));
  }
  if (!has_graph) return fail(Code::kInvalid, "there is no graph: this is not an ONNX model");
  if (versions.contains("ai.onnx.ml")) graph.ml_version = versions["ai.onnx.ml"];
  if (versions.contains("")) graph.version = versions[""];
  TIDEMILL_TRY(order(graph));
  return graph;
}

}  // namespace tidemill::model
