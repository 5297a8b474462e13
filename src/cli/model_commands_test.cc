#include "cli/model_commands.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "io/real/files.h"
#include "io/real/loop.h"

namespace tidemill::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string vector_file(const std::string& name) {
  return std::string(TIDEMILL_SOURCE_DIR) + "/tests/vectors/models/" + name;
}

// What a command wrote.
class Sink {
 public:
  Sink() : file_(open_memstream(&data_, &size_)) {}
  ~Sink() {
    std::fclose(file_);
    std::free(data_);
  }
  std::FILE* file() { return file_; }
  std::string text() {
    std::fflush(file_);
    return {data_, size_};
  }

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
  std::FILE* file_;
};

class ModelCommands : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "tidemill-model-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << text;
    return folder_ + "/" + name;
  }

  // In a child, as the server runs it, since the limits stay with the process.
  int compile(const std::string& in, const std::string& out) {
    const std::string messages = folder_ + "/stderr";
    const pid_t child = fork();
    if (child == 0) {
      std::FILE* err = std::fopen(messages.c_str(), "w");
      const int code = model_compile({in, out}, files_, err);
      std::fclose(err);
      _exit(code);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    std::ifstream text(messages);
    message_.assign(std::istreambuf_iterator<char>(text), {});
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string score(const ModelScoreOptions& options, int expected_code = kModelOk) {
    Sink out, err;
    EXPECT_EQ(model_score(options, files_, out.file(), err.file()), expected_code) << err.text();
    message_ = err.text();
    return out.text();
  }

  io::RealLoop loop_;
  io::RealFiles files_{loop_};
  std::string folder_, message_;
};

TEST_F(ModelCommands, compile_writes_a_flat_file_that_scores_like_the_model) {
  const std::string flat = folder_ + "/model.flat";
  ASSERT_EQ(compile(vector_file("xgb-binary-german/model.json"), flat), kModelOk) << message_;
  const std::string cases = vector_file("xgb-binary-german/cases.jsonl");
  const std::string from_flat = score({.file = flat, .cases = cases});
  EXPECT_THAT(from_flat, StartsWith("{\"margin\":["));
  EXPECT_EQ(from_flat,
            score({.file = vector_file("xgb-binary-german/model.json"), .cases = cases}));
}

TEST_F(ModelCommands, compile_refuses_in_one_line_and_writes_nothing) {
  for (const char* name : {"xgb-cycle.json", "xgb-deep.json", "xgb-num-nodes-lies.json",
                           "xgb-empty.json", "xgb-huge-array.ubj", "no-such-file.json"}) {
    EXPECT_EQ(compile(vector_file(std::string("hostile/") + name), folder_ + "/out"),
              kModelRefused);
    EXPECT_THAT(message_, HasSubstr(name));
    EXPECT_EQ(std::count(message_.begin(), message_.end(), '\n'), 1) << message_;
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/out"));
  }
}

TEST_F(ModelCommands, compile_reads_long_arrays_within_its_memory) {
  std::string text = "{\"learner\":{\"gradient_booster\":{\"model\":{\"trees\":[{\"categories\":[0";
  for (int i = 0; i < 3'000'000; ++i) text += ",0";
  EXPECT_EQ(compile(write("long.json", text), folder_ + "/out"), kModelRefused);
  EXPECT_THAT(message_, HasSubstr("the file ends where"));
}

TEST_F(ModelCommands, compile_names_a_folder_that_cannot_be_written) {
  EXPECT_EQ(compile(vector_file("xgb-stump/model.json"), folder_ + "/none/out"), kModelRefused);
  EXPECT_THAT(message_, HasSubstr("none"));
}

TEST_F(ModelCommands, check_tells_what_the_model_is) {
  Sink out, err;
  EXPECT_EQ(
      model_check({.file = vector_file("xgb-softprob/model.json")}, files_, out.file(), err.file()),
      kModelOk);
  EXPECT_THAT(out.text(), HasSubstr("multi:softprob, 22 features, 36 trees"));
  EXPECT_THAT(out.text(), HasSubstr("no golden rows"));
}

TEST_F(ModelCommands, check_uses_the_golden_rows_beside_the_model) {
  const std::string model = folder_ + "/model.json";
  std::filesystem::copy_file(vector_file("xgb-no-split/model.json"), model);
  write("golden.jsonl", "{\"features\":{\"f0\":1},\"prediction\":0.3}\n");
  Sink out, err;
  EXPECT_EQ(model_check({.file = model}, files_, out.file(), err.file()), kModelOk) << err.text();
  EXPECT_THAT(out.text(), HasSubstr("1 golden rows agree"));
  write("golden.jsonl", "{\"features\":{\"f0\":1},\"prediction\":0.9}\n");
  EXPECT_EQ(model_check({.file = model}, files_, out.file(), err.file()), kModelRefused);
  EXPECT_THAT(err.text(), HasSubstr("golden.jsonl: golden row in line 1"));
  EXPECT_THAT(err.text(), HasSubstr("expected 0.9, got 0.3"));
}

TEST_F(ModelCommands, rows_are_scored_by_name_from_csv_and_json_lines_alike) {
  const std::string model = vector_file("xgb-names/model.json");
  const std::string csv = write("rows.csv",
                                "id,\"a \"\"quoted\"\" name\",\"ratio, debt/income\",a\xC3\xB1o,x,"
                                "\xE6\x97\xA5\xE4\xBB\x98\n");
  const std::string answer = score({.file = model, .rows = csv}, kModelRefused);
  EXPECT_THAT(message_, HasSubstr("the input lacks 1 of the model's 5 features"));
  const std::string tiny = vector_file("xgb-cat-strings/model.json");
  const std::string header =
      "seniority,home,time,age,marital,records,job,expenses,income,assets,debt,amount,price\n";
  const std::string by_csv = score(
      {.file = tiny,
       .rows = write("a.csv", header + "25,owner,60,51,married,no,fixed,35,93,3500,0,900,995\n"
                                       "25,owner,,51,married,no,fixed,35,93,3500,0,900,995\n"
                                       "25,castle,60,51,married,no,fixed,35,93,3500,0,900,995\n"
                                       "x,owner,60,51,married,no,fixed,35,93,3500,0,900,995\n")});
  const std::string by_json = score(
      {.file = tiny,
       .rows = write("a.jsonl",
                     R"({"seniority":25,"home":"owner","time":60,"age":51,"marital":"married",)"
                     R"("records":"no","job":"fixed","expenses":35,"income":93,"assets":3500,)"
                     R"("debt":0,"amount":900,"price":995})"
                     "\n"
                     R"({"seniority":25,"home":"owner","age":51,"marital":"married","time":null,)"
                     R"("records":"no","job":"fixed","expenses":35,"income":93,"assets":3500,)"
                     R"("debt":0,"amount":900,"price":995})"
                     "\n{\"home\":\"castle\"}\n{\"seniority\":\"x\"}\n")});
  EXPECT_EQ(by_csv, by_json);
  EXPECT_THAT(by_csv,
              StartsWith("{\"margin\":[-1.6519815],\"prediction\":[0.16084133],\"leaf\":[57,"));
  EXPECT_THAT(by_csv, HasSubstr("\\\"castle\\\" is not a category"));
  EXPECT_THAT(by_csv, HasSubstr("seniority is numeric"));
}

TEST_F(ModelCommands, a_bad_case_gets_its_error_and_the_next_one_is_scored) {
  const std::string cases = write("cases.jsonl",
                                  "{\"x\":[1]}\nnot json\n{\"y\":1}\n{\"x\":[1,2,\"inf\",4,5]}\n"
                                  "{\"x\":[0.1,0.2,0.3,0.4,null]}\n");
  const std::string out = score({.file = vector_file("xgb-names/model.json"), .cases = cases});
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 5);
  EXPECT_THAT(out, HasSubstr("the row has 1 values; the model has 5 features"));
  EXPECT_THAT(out, HasSubstr("is infinite"));
  EXPECT_THAT(out.substr(out.rfind("\n{") + 1), StartsWith("{\"margin\":["));
}

}  // namespace
}  // namespace tidemill::cli
