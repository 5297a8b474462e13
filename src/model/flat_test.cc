#include "model/flat.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/hash.h"
#include "model/model_testing.h"
#include "model/score.h"
#include "model/source.h"

namespace tidemill::model {
namespace {

// As if a hostile writer had made the file: the checksum is right.
void seal(std::vector<std::byte>& file) {
  const std::string_view all(reinterpret_cast<const char*>(file.data()), file.size());
  const uint64_t checksum = hash64(all.substr(kChecksumFrom));
  std::memcpy(file.data() + offsetof(FlatHeader, checksum), &checksum, sizeof checksum);
}

TEST(FlatModel, gives_back_what_the_trainer_wrote) {
  const auto owned = compile_and_open(tiny_model());
  ASSERT_TRUE(owned) << owned.error().text();
  const FlatModel& model = owned->model;
  EXPECT_EQ(model.features(), 2u);
  EXPECT_EQ(model.feature_name(0), "age");
  EXPECT_EQ(model.feature_name(1), "income");
  EXPECT_TRUE(model.features_are_named());
  EXPECT_EQ(model.objective(), "reg:squarederror");
  EXPECT_EQ(model.outputs(), 1u);
  EXPECT_EQ(model.trees(), 2u);
  EXPECT_EQ(model.nodes(), 4u);
  EXPECT_EQ(model.max_depth(), 1u);
  EXPECT_EQ(model.source_sha256(), sha256_hex(tiny_model()));
}

TEST(FlatModel, keeps_awkward_names_and_categories) {
  const auto names = compile_and_open(read_vector("xgb-names/model.json"));
  ASSERT_TRUE(names);
  EXPECT_EQ(names->model.feature_name(0), "ratio, debt/income");
  EXPECT_EQ(names->model.feature_name(3), "a \"quoted\" name");
  const auto cats = compile_and_open(read_vector("xgb-cat-strings/model.json"));
  ASSERT_TRUE(cats);
  ASSERT_EQ(cats->model.categories(1), 6u);
  EXPECT_EQ(cats->model.category(1, 2), "owner");
  EXPECT_EQ(cats->model.category(6, 3), "partime");
  EXPECT_EQ(cats->model.categories(0), 0u);
}

TEST(FlatModel, equal_models_give_equal_bytes) {
  EXPECT_EQ(*compile_model(tiny_model()), *compile_model(tiny_model()));
}

TEST(FlatModel, every_truncation_is_refused) {
  for (const char* name : {"xgb-stump/model.json", "xgb-cat-strings/model.json"}) {
    const auto bytes = *compile_model(read_vector(name));
    for (size_t size = 0; size < bytes.size(); ++size) {
      std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
      ASSERT_FALSE(FlatModel::open(cut)) << size;
      if (size >= sizeof(FlatHeader) && size % 7 == 0) {  // also with a size that agrees
        const uint64_t stated = size;
        std::memcpy(cut.data() + offsetof(FlatHeader, file_bytes), &stated, sizeof stated);
        seal(cut);
        ASSERT_FALSE(FlatModel::open(cut)) << size;
      }
    }
  }
}

TEST(FlatModel, every_flipped_bit_is_refused) {
  auto bytes = *compile_model(tiny_model());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    ASSERT_FALSE(FlatModel::open(bytes)) << "bit " << bit;
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
  EXPECT_TRUE(FlatModel::open(bytes));
}

// Whoever writes a right checksum can change what the model says, and still cannot make scoring
// read outside of the file: what opens can be scored. The sanitizers watch.
TEST(FlatModel, a_flipped_bit_under_a_right_checksum_is_refused_or_scores_safely) {
  for (const char* name : {"xgb-stump/model.json", "xgb17-cat-codes/model.json"}) {
    auto bytes = *compile_model(read_vector(name));
    const size_t step = bytes.size() < 4000 ? 1 : 37;
    size_t opened = 0, refused = 0;
    for (size_t bit = 0; bit < bytes.size() * 8; bit += step) {
      auto changed = bytes;
      changed[bit / 8] ^= std::byte{1} << (bit % 8);
      seal(changed);
      const auto model = FlatModel::open(changed);
      (model ? opened : refused) += 1;
      if (!model) continue;
      Scratch scratch(*model);
      std::vector<double> row(model->features()), margins(model->outputs());
      for (const double value : {0.0, 1.0, 1e9, std::numeric_limits<double>::quiet_NaN()}) {
        std::fill(row.begin(), row.end(), value);
        ASSERT_TRUE(score_row(*model, row, scratch, margins));
      }
    }
    EXPECT_GT(opened, 0u);
    EXPECT_GT(refused, 0u);
  }
}

TEST(FlatModel, wrong_indices_under_a_right_checksum_are_refused) {
  const auto bytes = *compile_model(tiny_model());
  FlatHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  const FlatLayout at(header);
  ASSERT_EQ(header.node_bytes, sizeof(NarrowNode));
  const struct {
    std::string_view what;
    uint64_t offset;
    std::vector<uint8_t> value;
  } changes[] = {
      {"step past the tree", at.nodes + offsetof(NarrowNode, step), {200, 0}},
      {"step 0 in a split", at.nodes + offsetof(NarrowNode, step), {0, 0}},
      {"column past the table", at.nodes + offsetof(NarrowNode, column), {9, 0}},
      {"column 0 in a split", at.nodes + offsetof(NarrowNode, column), {0, 0}},
      {"column in a leaf", at.nodes + 8 + offsetof(NarrowNode, column), {1, 0}},
      {"threshold NaN", at.nodes, {0, 0, 0xc0, 0x7f}},
      {"depth too small", at.trees + offsetof(FlatTree, depth), {0}},
      {"depth too large", at.trees + offsetof(FlatTree, depth), {2}},
      {"output past the outputs", at.trees + offsetof(FlatTree, output), {1}},
      {"first node elsewhere", at.trees + 16 + offsetof(FlatTree, first_node), {2}},
      {"nodes past the end", at.trees + 16 + offsetof(FlatTree, nodes), {2}},
      {"feature past the features", at.columns + 16 + offsetof(FlatColumn, feature), {2}},
      {"words of no set", at.columns + 16 + offsetof(FlatColumn, words), {1}},
      {"kind unknown", at.columns + 16 + offsetof(FlatColumn, kind), {10}},
      {"kind bottom", at.columns + 16 + offsetof(FlatColumn, kind), {0}},
      {"name past the strings", at.features, {255}},
      {"name not UTF-8", at.strings + 17, {0xff}},
      {"base margin infinite", at.base_margins, {0, 0, 0, 0, 0, 0, 0xf0, 0x7f}},
      {"iterations fall", at.iterations + 4, {9}},
  };
  for (const auto& change : changes) {
    auto changed = bytes;
    for (size_t i = 0; i < change.value.size(); ++i) {
      changed[change.offset + i] = std::byte{change.value[i]};
    }
    ASSERT_NE(changed, bytes) << change.what;
    seal(changed);
    EXPECT_FALSE(FlatModel::open(changed)) << change.what;
  }
}

// A chain of splits whose columns do not fit into 16 bits.
TEST(FlatModel, wide_nodes_score_as_narrow_ones) {
  constexpr uint32_t kFeatures = 70'000;
  auto tiny = read_model(tiny_model());
  ASSERT_TRUE(tiny);
  Ensemble& ensemble = *tiny;
  ensemble.features.resize(kFeatures);
  for (uint32_t i = 2; i < kFeatures; ++i) ensemble.features[i].name = std::to_string(i);
  for (uint32_t i = 1; i < kFeatures - 1; ++i) ensemble.numeric_column(i, Missing::kLeft);
  const uint32_t last = ensemble.numeric_column(kFeatures - 1, Missing::kRight);
  ASSERT_GT(last, 65'535u);
  ensemble.nodes[0].column = last;
  const auto bytes = write_flat(ensemble, "");
  ASSERT_TRUE(bytes);
  const auto model = FlatModel::open(*bytes);
  ASSERT_TRUE(model) << model.error().text();
  EXPECT_FALSE(model->is_narrow());
  Scratch scratch(*model);
  std::vector<double> row(kFeatures, 0.0), margin(1);
  ASSERT_TRUE(score_row(*model, row, scratch, margin));
  EXPECT_EQ(margin[0], 0.25f + 1.0f + 0.5f);
  row.back() = std::numeric_limits<double>::quiet_NaN();
  ASSERT_TRUE(score_row(*model, row, scratch, margin));
  EXPECT_EQ(margin[0], 0.25f + 2.0f + 0.5f);
}

// The set of a categorical split may be empty: every code goes left, only missing may go right.
TEST(FlatModel, an_empty_category_set_sends_every_code_left) {
  auto tiny = read_model(tiny_model());
  ASSERT_TRUE(tiny);
  tiny->nodes[0].column = *tiny->set_column(0, ColumnKind::kSetMissingRight, {});
  tiny->nodes[0].value = 0.5f;
  const auto bytes = write_flat(*tiny, "");
  const auto model = FlatModel::open(*bytes);
  ASSERT_TRUE(model) << model.error().text();
  Scratch scratch(*model);
  std::vector<double> margin(1);
  ASSERT_TRUE(score_row(*model, std::vector<double>{7.0, 0.0}, scratch, margin));
  EXPECT_EQ(margin[0], 0.25f + 1.0f + 0.5f);
  const double missing = std::numeric_limits<double>::quiet_NaN();
  ASSERT_TRUE(score_row(*model, std::vector<double>{missing, 0.0}, scratch, margin));
  EXPECT_EQ(margin[0], 0.25f + 2.0f + 0.5f);
}

}  // namespace
}  // namespace tidemill::model
