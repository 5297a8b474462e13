#include "model/flat_write.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"
#include "model/flat_layout.h"
#include "model/source.h"

namespace tidemill::model {
namespace {

constexpr uint32_t kNarrowLimit = 65'536;

// Names of features and categories and the objective, one after another.
struct Strings {
  std::string bytes;
  FlatText add(std::string_view text) {
    const FlatText at{static_cast<uint32_t>(bytes.size()), static_cast<uint32_t>(text.size())};
    bytes += text;
    return at;
  }
};

bool fits_narrow(const Ensemble& ensemble) {
  if (ensemble.columns.size() > kNarrowLimit) return false;
  for (const auto& tree : ensemble.trees) {
    for (uint32_t n = 0; n < tree.nodes; ++n) {
      const auto& node = ensemble.nodes[tree.first_node + n];
      if (node.left != 0 && node.left - n >= kNarrowLimit) return false;
    }
  }
  return true;
}

template <class Node>
void put_nodes(const Ensemble& ensemble, std::byte* nodes, std::byte* origins) {
  for (const auto& tree : ensemble.trees) {
    for (uint32_t n = 0; n < tree.nodes; ++n) {
      const size_t at = size_t{tree.first_node} + n;
      const auto& from = ensemble.nodes[at];
      Node node{};
      node.value = static_cast<decltype(node.value)>(from.value);
      node.column = static_cast<decltype(node.column)>(from.column);
      node.step = static_cast<decltype(node.step)>(from.left == 0 ? 0 : from.left - n);
      std::memcpy(nodes + at * sizeof(Node), &node, sizeof(Node));
      std::memcpy(origins + at * sizeof(uint32_t), &from.origin, sizeof(uint32_t));
    }
  }
}

void put_sha256(FlatHeader& header, std::string_view source) {
  const std::string hex = sha256_hex(source);
  for (size_t i = 0; i < header.source_sha256.size(); ++i) {
    const char* digits = hex.data() + 2 * i;
    std::from_chars(digits, digits + 2, header.source_sha256[i], 16);
  }
}

template <class T>
void put(std::vector<std::byte>& file, uint64_t at, const T* from, size_t count) {
  TIDEMILL_CHECK(at + count * sizeof(T) <= file.size());
  if (count != 0) std::memcpy(file.data() + at, from, count * sizeof(T));
}

uint32_t flags_of(const Ensemble& ensemble) {
  const std::pair<bool, uint32_t> flags[] = {
      {ensemble.named, kFlagNamed},
      {ensemble.rounds_rows, kFlagRoundsRows},
      {ensemble.tiny_is_zero, kFlagTinyIsZero},
      {ensemble.refuses_infinite, kFlagRefusesInfinite},
      {ensemble.averages, kFlagAverages},
      {ensemble.linear_skips_missing, kFlagLinearSkipsMissing},
      {!ensemble.offsets.empty() || ensemble.scale != 1, kFlagScaled},
  };
  uint32_t all = 0;
  for (const auto& [is_set, flag] : flags) all |= is_set ? flag : 0;
  return all;
}

void put_extras(const Ensemble& ensemble, std::vector<std::byte>& file, const FlatLayout& layout) {
  for (size_t i = 0; i < ensemble.nodes.size(); ++i) {
    put(file, layout.extras + i * sizeof(uint32_t), &ensemble.nodes[i].extra, 1);
  }
}

FlatHeader make_header(const Ensemble& ensemble, std::string_view source) {
  FlatHeader header{};
  header.magic = kFlatMagic;
  header.version = kFlatVersion;
  header.header_bytes = sizeof(FlatHeader);
  put_sha256(header, source);
  header.family = static_cast<uint32_t>(ensemble.family);
  header.transform = static_cast<uint32_t>(ensemble.transform);
  header.features = static_cast<uint32_t>(ensemble.features.size());
  header.outputs = static_cast<uint32_t>(ensemble.base_margins.size());
  header.trees = static_cast<uint32_t>(ensemble.trees.size());
  header.iterations = static_cast<uint32_t>(ensemble.iterations.size() - 1);
  header.columns = static_cast<uint32_t>(ensemble.columns.size());
  header.nodes = static_cast<uint32_t>(ensemble.nodes.size());
  header.node_bytes = ensemble.family == Family::kFloat64 ? sizeof(DoubleNode)
                      : fits_narrow(ensemble)             ? sizeof(NarrowNode)
                                                          : sizeof(WideNode);
  header.set_words = static_cast<uint32_t>(ensemble.set_words.size());
  header.flags = flags_of(ensemble);
  header.unknown_text = static_cast<uint32_t>(ensemble.unknown_text);
  header.slope = ensemble.slope;
  header.scale = ensemble.scale;
  header.origin = static_cast<uint32_t>(ensemble.origin);
  header.vectors = static_cast<uint32_t>(ensemble.vectors.size() / ensemble.base_margins.size());
  header.linear_leaves = static_cast<uint32_t>(ensemble.linear.size());
  header.terms = static_cast<uint32_t>(ensemble.terms.size());
  return header;
}

}  // namespace

Result<std::vector<std::byte>> write_flat(const Ensemble& ensemble, std::string_view source) {
  TIDEMILL_CHECK(!ensemble.iterations.empty());
  FlatHeader header = make_header(ensemble, source);
  Strings strings;
  const FlatText objective = strings.add(ensemble.objective);
  header.objective_begin = objective.begin;
  header.objective_bytes = objective.bytes;
  std::vector<FlatFeature> features;
  std::vector<FlatText> categories;
  for (const auto& feature : ensemble.features) {
    const auto first = static_cast<uint32_t>(categories.size());
    FlatFeature flat{};
    flat.name = strings.add(feature.name);
    flat.first_category = first;
    flat.categories = static_cast<uint32_t>(feature.categories.size()) & 0x7fffffffu;
    flat.is_text = feature.is_text ? 1 : 0;
    features.push_back(flat);
    for (const auto& category : feature.categories) categories.push_back(strings.add(category));
  }
  if (strings.bytes.size() > kMaxFileBytes) {
    return fail(Code::kExhausted, "the names of features and categories are too long together");
  }
  header.categories = static_cast<uint32_t>(categories.size());
  header.string_bytes = static_cast<uint32_t>(strings.bytes.size());

  const FlatLayout layout(header);
  header.file_bytes = layout.end;
  std::vector<std::byte> file(layout.end);
  put(file, layout.features, features.data(), features.size());
  put(file, layout.categories, categories.data(), categories.size());
  put(file, layout.strings, strings.bytes.data(), strings.bytes.size());
  put(file, layout.base_margins, ensemble.base_margins.data(), ensemble.base_margins.size());
  put(file, layout.iterations, ensemble.iterations.data(), ensemble.iterations.size());
  static_assert(sizeof(Ensemble::Tree) == sizeof(FlatTree));
  static_assert(sizeof(Ensemble::Column) == sizeof(FlatColumn));
  put(file, layout.trees, ensemble.trees.data(), ensemble.trees.size());
  put(file, layout.columns, ensemble.columns.data(), ensemble.columns.size());
  put(file, layout.sets, ensemble.set_words.data(), ensemble.set_words.size());
  static_assert(sizeof(Ensemble::LinearLeaf) == sizeof(FlatLinearLeaf));
  static_assert(sizeof(Ensemble::Term) == sizeof(FlatTerm));
  if ((header.flags & kFlagScaled) != 0) {
    std::vector<double> offsets = ensemble.offsets;
    offsets.resize(header.outputs, 0);
    put(file, layout.offsets, offsets.data(), offsets.size());
  }
  put(file, layout.vectors, ensemble.vectors.data(), ensemble.vectors.size());
  put(file, layout.linear, ensemble.linear.data(), ensemble.linear.size());
  put(file, layout.terms, ensemble.terms.data(), ensemble.terms.size());
  if (header.vectors + header.linear_leaves != 0) put_extras(ensemble, file, layout);
  std::byte* const nodes = file.data() + layout.nodes;
  std::byte* const origins = file.data() + layout.origins;
  if (header.node_bytes == sizeof(DoubleNode)) {
    put_nodes<DoubleNode>(ensemble, nodes, origins);
  } else if (header.node_bytes == sizeof(NarrowNode)) {
    put_nodes<NarrowNode>(ensemble, nodes, origins);
  } else {
    put_nodes<WideNode>(ensemble, nodes, origins);
  }
  put(file, 0, &header, 1);
  header.checksum = hash64(std::string_view(reinterpret_cast<const char*>(file.data()), file.size())
                               .substr(kChecksumFrom));
  put(file, 0, &header, 1);
  return file;
}

Result<std::vector<std::byte>> compile_model(std::string_view file) {
  TIDEMILL_TRY_LET(ensemble, read_model(file));
  return write_flat(ensemble, file);
}

}  // namespace tidemill::model
