#include "cli/sql_command.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "cli/probe_vectors.h"
#include "io/real/files.h"
#include "io/real/loop.h"

namespace tidemill::cli {
namespace {

struct Answer {
  int code = 0;
  std::string out;
  std::string err;
};

std::string content(std::FILE* file) {
  std::string text;
  std::rewind(file);
  char buffer[4096];
  for (size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;) text.append(buffer, n);
  std::fclose(file);
  return text;
}

Answer run(SqlOptions options) {
  io::RealLoop loop;
  io::RealFiles files(loop);
  std::FILE* out = std::tmpfile();
  std::FILE* err = std::tmpfile();
  Answer answer;
  answer.code = sql_command(options, files, out, err);
  answer.out = content(out);
  answer.err = content(err);
  return answer;
}

std::string write_file(const std::string& text) {
  std::string path = testing::TempDir() + "sql_command_XXXXXX";
  const int file = ::mkstemp(path.data());
  EXPECT_EQ(::write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(file);
  return path;
}

TEST(SqlCommandTest, AnswersJsonOverACsvFile) {
  const std::string path = write_file("id,amount\n1,2.5\n2,\n");
  const Answer answer =
      run({"SELECT id, amount * 2 AS twice FROM t ORDER BY id", {"t=" + path}, true});
  EXPECT_EQ(answer.code, 0) << answer.err;
  EXPECT_EQ(answer.out,
            "{\"columns\":[{\"name\":\"id\",\"type\":\"BIGINT\"},{\"name\":\"twice\",\"type\":"
            "\"DOUBLE\"}],\"rows\":[[1,5.0],[2,null]]}\n");
  std::remove(path.c_str());
}

TEST(SqlCommandTest, ErrorsGoToStandardErrorWithTheirClassInJson) {
  const Answer answer = run({"SELECT 1//0", {}, true});
  EXPECT_EQ(answer.code, 1);
  EXPECT_NE(answer.out.find("\"error_class\":\"InvalidInputException\""), std::string::npos)
      << answer.out;
  EXPECT_NE(answer.err.find("Division by zero"), std::string::npos);
}

TEST(SqlCommandTest, TableOptionWithoutAFileIsRefused) {
  EXPECT_NE(run({"SELECT 1", {"t"}, false}).err.find("expected NAME=FILE.csv"), std::string::npos);
  EXPECT_EQ(run({"SELECT 1", {"t=/no/such/file.csv"}, false}).code, 1);
}

TEST(SqlCommandTest, PeopleGetATable) {
  const Answer answer = run({"SELECT 1 AS a, NULL AS b", {}, false});
  EXPECT_EQ(answer.code, 0);
  EXPECT_NE(answer.out.find("NULL"), std::string::npos) << answer.out;
}

TEST(ProbeVectorsTest, CountsAgreementsAndFailsOnADifference) {
  const std::string path = write_file(
      "{\"id\":0,\"sql\":\"1+1\",\"type\":\"INTEGER\",\"value\":2,\"text\":\"2\"}\n"
      "{\"id\":1,\"sql\":\"1+1\",\"type\":\"INTEGER\",\"value\":3,\"text\":\"3\"}\n");
  std::FILE* out = std::tmpfile();
  EXPECT_EQ(check_probes(path, out, out), 1);
  const std::string text = content(out);
  EXPECT_TRUE(text.ends_with("agree=1 of=2\n")) << text;
  std::remove(path.c_str());
}

}  // namespace
}  // namespace tidemill::cli
