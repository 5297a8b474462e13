#include "flow/test_project.h"

namespace tidemill::flow {
namespace {

class ReadSettings : public FlowTest {
 protected:
  template <class T>
  const T& settings(const std::string& task) {
    flow_ = AssertLoads("flow: f\nparams: {p: string, n: number}\ntasks:\n  t: " + task + "\n");
    return std::get<T>(flow_->tasks.at(0).settings);
  }
  std::shared_ptr<const Flow> flow_;
};

TEST_F(ReadSettings, Shell) {
  EXPECT_EQ(settings<ShellSettings>("{shell: \"echo $X; date\"}").command, "echo $X; date");
  AssertTaskErrors("{shell: \"\"}", "5:14: 'shell' of task 't': found empty text");
  AssertTaskErrors("{shell: [x]}", "5:14: 'shell' of task 't': found a list, expected text");
}

TEST_F(ReadSettings, RefusesAnExpressionInAShellCommandAndSaysTheMend) {
  AssertTaskErrors(
      "{shell: \"echo {{ p }}\"}",
      "5:20: 'shell' of task 't': an expression in a shell command is refused, because "
      "its value would be read as shell code; put it into env or args: env: {VALUE: \"{{ "
      "p }}\"} and \"$VALUE\" in the command");
  AssertErrors(
      "flow: f\ntasks:\n  t:\n    shell: |\n      set -e\n      echo {{ p }}\n",
      "6:12: 'shell' of task 't': an expression in a shell command is refused, because its "
      "value would be read as shell code; put it into env or args: env: {VALUE: \"{{ p }}\"} "
      "and \"$VALUE\" in the command");
}

TEST_F(ReadSettings, PythonWithTheModulesThatItImports) {
  auto const loaded = load("flow: f\ntasks: {t: {python: score:main, with: {x: 1}}}\n");
  ASSERT_TRUE(loaded);
  auto const& files = loaded->bundle.files;
  EXPECT_EQ(files.count("python/score.py"), 1u);
  EXPECT_EQ(files.count("python/helper.py"), 1u);
  EXPECT_EQ(files.count("python/unused.py"), 0u);
  auto const& python = std::get<PythonSettings>(loaded->flow->tasks[0].settings);
  EXPECT_EQ(python.target, "score:main");
  EXPECT_EQ(python.interpreter, "python3");
  EXPECT_EQ(settings<PythonSettings>("{python: pack.inner:go}").target, "pack.inner:go");
}

TEST_F(ReadSettings, RefusesBadPython) {
  AssertTaskErrors("{python: score}",
                   "5:15: 'python' of task 't': found 'score', expected module:function, such as "
                   "features:main");
  AssertTaskErrors("{python: scor:main}",
                   "5:15: 'python' of task 't': there is no module python/scor.py; did you mean "
                   "'score'?");
  AssertTaskErrors(
      "{python: score:man}",
      "5:15: 'python' of task 't': 'python/score.py' has no function 'man'; did you mean "
      "'main'? it has: main");
  AssertTaskErrors(
      "{python: pack.outer:go}",
      "5:15: 'python' of task 't': there is no file 'python/pack/outer.py'; did you mean "
      "'python/pack/inner.py'?");
}

TEST_F(ReadSettings, Http) {
  EXPECT_EQ(settings<HttpSettings>("{http: \"https://a.example/x?id={{ p }}\"}").method, "GET");
  const HttpSettings& http = settings<HttpSettings>(
      "{http: {method: POST, url: \"http://127.0.0.1:8080/{{ p }}\", headers: {X-Id: \"{{ p }}\"}, "
      "body: {n: \"{{ n }}\", list: [1, true, \"1\"]}, effect: write, idempotency: "
      "key:Idempotency-Key, "
      "private: true}}");
  EXPECT_EQ(http.effect, HttpSettings::Effect::kWrite);
  EXPECT_EQ(http.idempotency_header, "Idempotency-Key");
  EXPECT_TRUE(http.private_addresses);
  EXPECT_EQ(http.headers.size(), 1u);
  Scope scope;
  scope.add_params(flow_->params, *parse_json(R"({"p":"a b/c","n":2.5})"));
  EXPECT_EQ(http.body->json(scope)->dump(), R"({"n":2.5,"list":[1,true,"1"]})");
  EXPECT_EQ(*http.url.text(scope, Rendered::Encoding::kPercent), "http://127.0.0.1:8080/a%20b%2Fc");
}

TEST_F(ReadSettings, RefusesBadHttp) {
  AssertTaskErrors(
      "{http: \"ftp://a.example\"}",
      "5:13: 'http' of task 't': found 'ftp://a.example', expected a URL that begins with "
      "http:// or https://");
  AssertTaskErrors("{http: \"https://{{ p }}.example/\"}",
                   "5:13: 'http' of task 't': an expression in the host; write the host out, with "
                   "expressions only after it");
  AssertTaskErrors(
      "{http: \"https://user:pw@a.example/\"}",
      "5:13: 'http' of task 't': found the host 'user:pw@a.example', expected a name or "
      "an address, with a port if it is another, without user and password");
  AssertTaskErrors(
      "{http: {method: get, body: {}, idempotency: yes, effect: reed, heders: {}}}",
      "5:13: 'http' of task 't' has no 'url'\n"
      "5:22: 'method' of 'http' of task 't': found 'get', expected one of: GET, HEAD, "
      "POST, PUT, PATCH, DELETE\n"
      "5:33: 'body' of 'http' of task 't': a GET request has no body; choose another "
      "method\n"
      "5:50: 'idempotency' of 'http' of task 't': found 'yes', expected none or "
      "key:<header>, such as key:Idempotency-Key\n"
      "5:63: 'effect' of 'http' of task 't': found 'reed', expected one of: read, write; "
      "did you mean 'read'?\n"
      "5:69: unknown key 'heders' in 'http' of task 't'; did you mean 'headers'? expected "
      "one of: method, url, headers, body, effect, idempotency, private");
  AssertTaskErrors("{http: {url: \"https://a.example\", headers: {\"a b\": x}}}",
                   "5:50: 'headers' of 'http' of task 't': 'a b' is no name for a header");
}

TEST_F(ReadSettings, RefusesHeadersAndUrlsThatWouldBreakTheRequest) {
  AssertTaskErrors(
      "{http: {url: \"https://a.example\", headers: {Host: b, X: \"a\\r\\nY: b\"}}}",
      "5:49: 'http' of task 't': the header 'Host' is set by the client; leave it out\n"
      "5:49: 'http' of task 't': the header 'X' has a line break or another control "
      "character in its value");
  AssertTaskErrors(
      "{http: \"https://a.example/a b\"}",
      "5:13: 'http' of task 't': found 'https://a.example/a b', expected a URL without "
      "blanks; write %20 for one");
}

TEST_F(ReadSettings, Vendor) {
  const VendorSettings& vendor =
      settings<VendorSettings>("{vendor: bureau.report, with: {ssn: \"{{ p }}\"}}");
  EXPECT_EQ(vendor.product, "report");
  EXPECT_EQ(vendor.spec->base_url, "https://bureau.example");
}

TEST_F(ReadSettings, RefusesBadVendor) {
  AssertTaskErrors("{vendor: bureau}",
                   "5:15: 'vendor' of task 't': found 'bureau', expected vendor.product, such as "
                   "bureau.report");
  AssertTaskErrors("{vendor: buro.report}",
                   "5:15: 'vendor' of task 't': there is no file 'vendors/buro.yaml'; did you mean "
                   "'vendors/bureau.yaml'?");
  AssertTaskErrors(
      "{vendor: bureau.reprt, with: {ssn: x}}",
      "5:15: 'vendor' of task 't': the vendor 'bureau' has no product 'reprt'; did you "
      "mean 'report'? it has: report, pull");
  AssertTaskErrors(
      "{vendor: bureau.report, with: {sn: x}}",
      "5:15: 'vendor' of task 't': the product reads 'ssn', which the task does not give; "
      "add it to with\n"
      "5:37: the product reads no 'sn'; did you mean 'ssn'? it reads: ssn");
}

TEST_F(ReadSettings, ShowsAVendorsMistakesOnceInItsOwnFile) {
  source.files["vendors/bureau.yaml"] = "vendor: bureau\nbase_url: nonsense\nproducts: {}\n";
  auto const loaded = load(
      "flow: f\ntasks:\n  a: {vendor: bureau.report}\n  b: {vendor: bureau.report}\n  c: {shel: "
      "x}\n");
  ASSERT_FALSE(loaded);
  const auto& errors = loaded.error();
  ASSERT_GE(errors.size(), 2u);
  EXPECT_EQ(errors.front().path, "vendors/bureau.yaml");
  EXPECT_EQ(errors.back().path, "f.yaml");
  EXPECT_EQ(errors.back().mark.line, 5);
}

TEST_F(ReadSettings, RefusesAVendorFileOfAnotherName) {
  source.files["vendors/other.yaml"] = source.files["vendors/bureau.yaml"];
  AssertTaskErrors(
      "{vendor: other.pull}",
      "vendors/other.yaml:1:1: the file is named 'other.yaml' and describes the vendor "
      "'bureau'; make both the same");
}

TEST_F(ReadSettings, ModelWithEveryCandidate) {
  EXPECT_EQ(settings<ModelSettings>("{model: fraud}").candidates,
            std::vector<std::string>{"fraud"});
  EXPECT_EQ(settings<ModelSettings>("{model: \"default-risk-{{ n }}\"}").candidates,
            (std::vector<std::string>{"default-risk-0", "default-risk-1"}));
  EXPECT_EQ(settings<ModelSettings>("{model: \"{{ p }}-{{ n }}\"}").candidates,
            (std::vector<std::string>{"default-risk-0", "default-risk-1"}));
}

TEST_F(ReadSettings, RefusesBadModels) {
  AssertTaskErrors(
      "{model: fraud@champion}",
      "5:14: 'model' of task 't': aliases such as '@champion' need the model registry, "
      "which this version does not have; name the model alone");
  AssertTaskErrors(
      "{model: frud}",
      "5:14: 'model' of task 't': there is no model 'frud'; did you mean 'fraud'? models/ "
      "has: default-risk-0, default-risk-1, fraud");
  AssertTaskErrors(
      "{model: \"price-{{ n }}\"}",
      "5:14: 'model' of task 't': there is no model that fits 'price-{{ n }}'; models/ "
      "has: default-risk-0, default-risk-1, fraud");
  source.files.erase("models/fraud/golden.jsonl");
  AssertTaskErrors(
      "{model: fraud}",
      "5:14: 'model' of task 't': there is no file 'models/fraud/golden.jsonl'; did you "
      "mean 'models/fraud/model.json'?");
}

TEST_F(ReadSettings, PublishAndFlow) {
  EXPECT_EQ(settings<PublishSettings>("{publish: {dataset: decisions}}").dataset, "decisions");
  EXPECT_EQ(settings<FlowSettings>("{flow: other, with: {x: 1}}").flow.value, "other");
  AssertTaskErrors("{publish: {topic: x}}",
                   "5:16: 'publish' of task 't' has no 'dataset'\n"
                   "5:17: 'topic' in 'publish' of task 't' is not available in this version; use "
                   "dataset");
  AssertTaskErrors("{publish: decisions}",
                   "5:16: 'publish' of task 't': found 'decisions', expected a map");
  AssertTaskErrors("{flow: f}",
                   "5:13: 'flow' of task 't': the flow runs itself and would not end; name another "
                   "flow");
}

}  // namespace
}  // namespace tidemill::flow
