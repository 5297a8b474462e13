// Where things are in a flat model file: docs/formats/model.md as code. Private to the room.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace tidemill::model {

static_assert(std::endian::native == std::endian::little, "the flat form is read in place");

inline constexpr std::array<char, 8> kFlatMagic = {'T', 'I', 'D', 'E', 'M', 'O', 'D', 'L'};
inline constexpr uint32_t kFlatVersion = 2;
inline constexpr uint32_t kFlagNamed = 1;
inline constexpr uint32_t kFlagRoundsRows = 2;
inline constexpr uint32_t kFlagTinyIsZero = 4;
inline constexpr uint32_t kFlagRefusesInfinite = 8;
inline constexpr uint32_t kFlagAverages = 16;
inline constexpr uint32_t kFlagLinearSkipsMissing = 32;
inline constexpr uint32_t kFlagScaled = 64;
inline constexpr uint32_t kFlags = 127;
inline constexpr size_t kSectionAlignment = 64;
inline constexpr size_t kChecksumFrom = 32;

struct FlatHeader {
  std::array<char, 8> magic;
  uint32_t version;
  uint32_t header_bytes;
  uint64_t file_bytes;
  uint64_t checksum;
  std::array<unsigned char, 32> source_sha256;
  uint32_t family;
  uint32_t transform;
  uint32_t features;
  uint32_t outputs;
  uint32_t trees;
  uint32_t iterations;
  uint32_t columns;
  uint32_t nodes;
  uint32_t node_bytes;
  uint32_t categories;
  uint32_t set_words;
  uint32_t string_bytes;
  uint32_t objective_begin;
  uint32_t objective_bytes;
  uint32_t flags;
  uint32_t unknown_text;
  double slope;
  double scale;
  uint32_t origin;
  uint32_t vectors;  // leaves with one number for each output
  uint32_t linear_leaves;
  uint32_t terms;
  std::array<uint32_t, 8> zero;
};
static_assert(sizeof(FlatHeader) == 192);

struct FlatText {
  uint32_t begin;
  uint32_t bytes;
};
struct FlatFeature {
  FlatText name;
  uint32_t first_category;
  uint32_t categories : 31;
  uint32_t is_text : 1;
};
struct FlatLinearLeaf {
  double constant;
  uint32_t first_term;
  uint32_t terms;
};
struct FlatTerm {
  double coefficient;
  uint32_t feature;
  uint32_t zero;
};
struct FlatTree {
  uint32_t first_node;
  uint32_t nodes;
  uint32_t depth;
  uint32_t output;
};
struct FlatColumn {
  uint32_t feature;
  uint32_t kind;
  uint32_t first_word;
  uint32_t words;
};
struct NarrowNode {
  float value;
  uint16_t column;
  uint16_t step;
};
struct WideNode {
  float value;
  uint32_t column;
  uint32_t step;
};
struct DoubleNode {
  double value;
  uint32_t column;
  uint32_t step;
};
static_assert(sizeof(NarrowNode) == 8 && sizeof(WideNode) == 12 && sizeof(DoubleNode) == 16);

// The places of the sections, in bytes from the start. Counts are 32 bits, so nothing overflows.
struct FlatLayout {
  uint64_t features, categories, strings, base_margins, offsets, iterations, trees, columns, sets,
      nodes, origins, extras, vectors, linear, terms, end;

  explicit FlatLayout(const FlatHeader& h) {
    uint64_t at = sizeof(FlatHeader);
    const auto section = [&at](uint64_t count, uint64_t entry_bytes) {
      at = (at + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
      const uint64_t begin = at;
      at += count * entry_bytes;
      return begin;
    };
    features = section(h.features, sizeof(FlatFeature));
    categories = section(h.categories, sizeof(FlatText));
    strings = section(h.string_bytes, 1);
    base_margins = section(h.outputs, sizeof(double));
    offsets = section((h.flags & kFlagScaled) != 0 ? h.outputs : 0, sizeof(double));
    iterations = section(uint64_t{h.iterations} + 1, sizeof(uint32_t));
    trees = section(h.trees, sizeof(FlatTree));
    columns = section(h.columns, sizeof(FlatColumn));
    sets = section(h.set_words, sizeof(uint64_t));
    nodes = section(h.nodes, h.node_bytes);
    origins = section(h.nodes, sizeof(uint32_t));
    extras = section(h.vectors + h.linear_leaves != 0 ? h.nodes : 0, sizeof(uint32_t));
    vectors = section(uint64_t{h.vectors} * h.outputs, sizeof(double));
    linear = section(h.linear_leaves, sizeof(FlatLinearLeaf));
    terms = section(h.terms, sizeof(FlatTerm));
    end = at;
  }
};

}  // namespace tidemill::model
