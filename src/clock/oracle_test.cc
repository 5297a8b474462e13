// All rows of the vectors made by Debian's own cron.
#include "clock/oracle.h"

#include <fstream>
#include <set>

namespace tidemill::clock {
namespace {

struct Row {
  Json json;
  Comparison comparison;
};

std::vector<Row> compare_file(VectorKind kind, const std::string& name) {
  std::ifstream file(std::string(TIDEMILL_SOURCE_DIR) + "/tests/vectors/cron/" + name);
  std::vector<Row> rows;
  std::string line;
  while (std::getline(file, line)) {
    auto json = parse_json(line);
    EXPECT_TRUE(json) << line;
    if (!json) continue;
    auto comparison = compare_with_vector(kind, *json);
    EXPECT_TRUE(comparison) << line.substr(0, 100) << ": " << comparison.error().message;
    if (comparison) rows.push_back({*json, *comparison});
  }
  return rows;
}

std::string key_of(const Json& row) {
  return row.text_or("zone", "") + " " + std::to_string(row.int_or("after", 0)) + " " +
         row.text_or("entry", "");
}

TEST(DebianVectors, SyntaxAgreesInEveryRow) {
  std::vector<Row> const rows = compare_file(VectorKind::kSyntax, "syntax.jsonl");
  EXPECT_EQ(rows.size(), 68u);
  for (const Row& row : rows) {
    EXPECT_EQ(row.comparison.verdict, Verdict::kAgrees)
        << row.json.text_or("entry", "") << ": " << row.comparison.words;
  }
}

TEST(DebianVectors, YearAgreesInEveryRow) {
  std::vector<Row> const rows = compare_file(VectorKind::kYear, "year.jsonl");
  EXPECT_EQ(rows.size(), 360u);
  for (const Row& row : rows) {
    EXPECT_EQ(row.comparison.verdict, Verdict::kAgrees)
        << key_of(row.json) << ": " << row.comparison.words;
  }
}

TEST(DebianVectors, ClockChangesAgreeInEveryRowButEightThatDifferOnlyByPacing) {
  std::set<std::string> const paced = {"America/New_York 1710043170 9-39/2 5,2-4,3 * * *",
                                       "America/New_York 1710043170 1-51/1 2 * * *",
                                       "America/New_York 1710043170 59-59/3,11-49/4 1-5 * * *",
                                       "Europe/Paris 1743287370 29-50,54-58 2-4 * * *",
                                       "Pacific/Chatham 1727521170 22-46,27-39 3-4/2 * * *",
                                       "Asia/Gaza 1713560370 5,30,29-46 2 * * *",
                                       "Asia/Gaza 1713560370 21-35 4-4,0-5,5 * * *",
                                       "Asia/Gaza 1713560370 2-51 5,2,4-5/4 * * *"};
  std::vector<Row> const rows = compare_file(VectorKind::kDst, "dst.jsonl");
  EXPECT_EQ(rows.size(), 390u);
  std::set<std::string> seen;
  for (const Row& row : rows) {
    std::string const key = key_of(row.json);
    if (row.comparison.verdict == Verdict::kAgreesButForPacing) seen.insert(key);
    EXPECT_NE(row.comparison.verdict, Verdict::kDisagrees) << key << ": " << row.comparison.words;
  }
  EXPECT_EQ(seen, paced);
}

TEST(SystemdVectors, AgreeInEveryRow) {
  std::vector<Row> rows = compare_file(VectorKind::kSyntax, "systemd_syntax.jsonl");
  EXPECT_EQ(rows.size(), 81u);
  for (Row& row : compare_file(VectorKind::kDst, "systemd_dst.jsonl")) rows.push_back(row);
  EXPECT_EQ(rows.size(), 170u);
  for (const Row& row : rows) {
    EXPECT_EQ(row.comparison.verdict, Verdict::kAgrees)
        << key_of(row.json) << ": " << row.comparison.words;
  }
}

Json with(const std::string& text, std::string_view member, Json value) {
  Json row = *parse_json(text);
  row.set(member, std::move(value));
  return row;
}

TEST(DebianVectors, AWrongRowIsFound) {
  std::string const syntax =
      R"({"entry":"0 0 1 1 *","accepted":true,"count":1,"first":[1830297600]})";
  std::string const dst =
      R"({"entry":"0 2 * * *","zone":"America/New_York","after":1710043170,"before":1710072000,)"
      R"("runs":[1710054000],"launches":1})";
  auto verdict = [](VectorKind kind, const Json& row) {
    return compare_with_vector(kind, row)->verdict;
  };
  EXPECT_EQ(verdict(VectorKind::kSyntax, *parse_json(syntax)), Verdict::kAgrees);
  EXPECT_EQ(verdict(VectorKind::kSyntax, with(syntax, "accepted", false)), Verdict::kDisagrees);
  EXPECT_EQ(verdict(VectorKind::kSyntax, with(syntax, "count", 2)), Verdict::kDisagrees);
  EXPECT_EQ(verdict(VectorKind::kSyntax, with(syntax, "first", Json(Json::Array{5}))),
            Verdict::kDisagrees);
  EXPECT_EQ(verdict(VectorKind::kDst, *parse_json(dst)), Verdict::kAgrees);
  EXPECT_EQ(verdict(VectorKind::kDst, with(dst, "launches", 2)), Verdict::kDisagrees);
  EXPECT_EQ(verdict(VectorKind::kDst, with(dst, "runs", Json(Json::Array{1710054060}))),
            Verdict::kDisagrees);
  // A later minute of Debian's is pacing only where several ticks are caught up.
  EXPECT_EQ(verdict(VectorKind::kDst, with(dst, "runs", Json(Json::Array{1710054000, 1710054060}))),
            Verdict::kDisagrees);
}

TEST(DebianVectors, ARowOfAnotherFormIsAnError) {
  EXPECT_FALSE(compare_with_vector(VectorKind::kYear, *parse_json(R"({"entry":"* * * * *"})")));
  EXPECT_FALSE(compare_with_vector(VectorKind::kSyntax, *parse_json("[]")));
  EXPECT_FALSE(vector_kind_from_name("cron-years"));
  EXPECT_EQ(*vector_kind_from_name("cron-dst"), VectorKind::kDst);
}

}  // namespace
}  // namespace tidemill::clock
