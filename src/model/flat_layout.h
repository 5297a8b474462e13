// Where things are in a flat model file: docs/formats/model.md as code. Private to the room.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace tidemill::model {

static_assert(std::endian::native == std::endian::little, "the flat form is read in place");

inline constexpr std::array<char, 8> kFlatMagic = {'T', 'I', 'D', 'E', 'M', 'O', 'D', 'L'};
inline constexpr uint32_t kFlatVersion = 1;
inline constexpr uint32_t kFamilyFloat32Less = 1;
inline constexpr uint32_t kFlagNamed = 1;
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
  uint32_t zero;
};
static_assert(sizeof(FlatHeader) == 128);

struct FlatText {
  uint32_t begin;
  uint32_t bytes;
};
struct FlatFeature {
  FlatText name;
  uint32_t first_category;
  uint32_t categories;
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
static_assert(sizeof(NarrowNode) == 8 && sizeof(WideNode) == 12);

// The places of the sections, in bytes from the start. Counts are 32 bits, so nothing overflows.
struct FlatLayout {
  uint64_t features, categories, strings, base_margins, iterations, trees, columns, sets, nodes,
      origins, end;

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
    base_margins = section(h.outputs, sizeof(float));
    iterations = section(uint64_t{h.iterations} + 1, sizeof(uint32_t));
    trees = section(h.trees, sizeof(FlatTree));
    columns = section(h.columns, sizeof(FlatColumn));
    sets = section(h.set_words, sizeof(uint64_t));
    nodes = section(h.nodes, h.node_bytes);
    origins = section(h.nodes, sizeof(uint32_t));
    end = at;
  }
};

}  // namespace tidemill::model
