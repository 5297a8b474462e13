#include "model/source.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "model/model_testing.h"

namespace tidemill::model {
namespace {

std::string refusal(std::string_view file) {
  const auto ensemble = read_model(file);
  return ensemble ? "" : ensemble.error().text();
}

TEST(Source, every_hostile_file_is_refused_with_a_reason) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(vector_path("hostile"))) {
    const std::string name = entry.path().filename();
    EXPECT_GT(refusal(read_vector("hostile/" + name)).size(), 10u) << name;
    ++files;
  }
  EXPECT_EQ(files, 69u);
}

TEST(Source, a_program_is_never_loaded) {
  EXPECT_NE(refusal("\x80\x04pickled").find("skl2onnx"), std::string::npos);
  EXPECT_NE(refusal(std::string_view("PK\x03\x04")).find("zip"), std::string::npos);
  EXPECT_NE(refusal("binf").find("old binary form"), std::string::npos);
}

TEST(Source, the_content_counts_not_the_name) {
  EXPECT_EQ(*recognise(tiny_model()), SourceFormat::kXgboostJson);
  EXPECT_EQ(*recognise("\n {\"learner\":1}"), SourceFormat::kXgboostJson);
  EXPECT_EQ(*recognise(std::string("{L\0\0", 4)), SourceFormat::kXgboostUbjson);
  EXPECT_EQ(*recognise("tree\nversion=v4\n"), SourceFormat::kLightgbmText);
  EXPECT_FALSE(recognise("id,age\n"));
  EXPECT_FALSE(recognise(""));
}

// A cut anywhere is an error, never a fault and never a model.
TEST(Source, a_file_that_is_cut_is_refused_wherever_it_is_cut) {
  for (const auto name : {"xgb-stump/model.json", "xgb-stump/model.ubj", "lgb-stump/model.txt",
                          "cat-ctr/model.cbm", "cat-poisson/model.json"}) {
    std::string file = read_vector(name);
    const size_t needed = std::min(file.find("end of trees"), file.size() - 1);
    for (size_t size = 0; size < needed; size += 1 + size / 200) {
      EXPECT_NE(refusal(std::string_view(file).substr(0, size)), "") << name << " " << size;
    }
  }
}

// One byte changed may give another model, but never a fault.
TEST(Source, a_byte_changed_never_gives_a_model_that_cannot_be_opened) {
  for (const auto name : {"xgb-stump/model.ubj", "xgb-gblinear/model.ubj", "lgb-stump/model.txt",
                          "cat-onehot/model.cbm", "cat-depthwise/model.cbm", "cat-ctr/model.cbm",
                          "lgb-one-leaf/model.txt"}) {
    const std::string file = read_vector(name);
    for (size_t at = 0; at < file.size(); at += 1 + at / 300) {
      std::string changed = file;
      changed[at] = static_cast<char>(changed[at] + 1 + static_cast<char>(at % 250));
      const auto flat = compile_model(changed);
      if (!flat) continue;
      EXPECT_TRUE(FlatModel::open(*flat)) << name << " " << at;
    }
  }
}

}  // namespace
}  // namespace tidemill::model
