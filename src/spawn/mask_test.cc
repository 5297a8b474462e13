#include "spawn/mask.h"

#include <gtest/gtest.h>

namespace tidemill::spawn {
namespace {

const std::string kSecret = "hunter2-hunter3";

std::string through(Masker masker, std::string_view text, size_t step) {
  std::string out;
  for (size_t at = 0; at < text.size(); at += step) out += masker.add(text.substr(at, step));
  return out + masker.finish();
}

TEST(Mask, TakesASecretOutHoweverTheChunksAreCut) {
  const std::string text = "a " + kSecret + kSecret + " b hunter2 c " + kSecret;
  for (size_t step = 1; step <= text.size(); ++step) {
    EXPECT_EQ(through(Masker({kSecret}), text, step), "a ****** b hunter2 c ***") << step;
  }
}

TEST(Mask, HoldsBackOnlyWhatMayBeginASecret) {
  Masker masker({kSecret});
  EXPECT_EQ(masker.add("progress 10%\n"), "progress 10%\n");
  EXPECT_EQ(masker.add("key hunt"), "key ");
  EXPECT_EQ(masker.add("ing\n"), "hunting\n");
  EXPECT_EQ(masker.add("hunter2-"), "");
  EXPECT_EQ(masker.finish(), "hunter2-");
}

TEST(Mask, LeavesShortValuesAlone) {
  EXPECT_EQ(through(Masker({"1234567", ""}), "1234567", 3), "1234567");
}

TEST(Mask, TakesOutTheWholeOfOverlappingSecrets) {
  const Masker masker({"abcdefgh", "abcdefghijkl", "efghijklmnop"});
  for (size_t step = 1; step < 20; ++step) {
    EXPECT_EQ(through(masker, "xabcdefghijkly", step), "x***y") << step;
    EXPECT_EQ(through(masker, "xabcdefghz", step), "x***z") << step;
    EXPECT_EQ(through(masker, "abcdefgh", step), "***") << step;
  }
}

TEST(Mask, TakesOutTheFormsThatPeoplePrint) {
  const Masker masker({"p@ss word\"\\x"});
  EXPECT_EQ(masker.whole("?k=p%40ss%20word%22%5Cx&"), "?k=***&");
  EXPECT_EQ(masker.whole("?k=p%40ss%20word%22%5cx&"), "?k=***&");
  EXPECT_EQ(masker.whole(R"({"k":"p@ss word\"\\x"})"), R"({"k":"***"})");
}

// base64 of "hunter2-hunter3" behind 0, 1 and 2 other bytes.
TEST(Mask, TakesOutBase64AtEveryAlignment) {
  const Masker masker({kSecret});
  for (const std::string_view encoded : {"aHVudGVyMi1odW50ZXIz", "dTpodW50ZXIyLWh1bnRlcjM=",
                                         "dXM6aHVudGVyMi1odW50ZXIz", "eGh1bnRlcjItaHVudGVyMw=="}) {
    const std::string masked = masker.whole(encoded);
    EXPECT_NE(masked.find("***"), std::string::npos) << encoded;
    EXPECT_LE(masked.size(), 11u) << masked;
  }
}

TEST(Mask, TakesOutEachLineOfASecretOfLines) {
  const Masker masker({"-----BEGIN KEY-----\nMIIEvQIBADANBg\nshort\n"});
  EXPECT_EQ(masker.whole("> MIIEvQIBADANBg <"), "> *** <");
  EXPECT_EQ(masker.whole("short"), "short");
}

}  // namespace
}  // namespace tidemill::spawn
