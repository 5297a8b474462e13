#include "flow/graph.h"

#include <gtest/gtest.h>

#include "flow/graph_text.h"
#include "flow/test_project.h"

namespace tidemill::flow {
namespace {

TEST(Graph, OrdersEveryNodeAfterItsNeeds) {
  EXPECT_EQ(topological_order({{2}, {}, {1}}), (std::vector<int32_t>{1, 2, 0}));
  EXPECT_EQ(topological_order({}), std::vector<int32_t>());
  EXPECT_EQ(topological_order({{}, {}, {}}), (std::vector<int32_t>{0, 1, 2}));
}

TEST(Graph, FindsACircleAndNotWhatHangsOnIt) {
  EXPECT_TRUE(find_circle({{}, {0}, {0, 1}}).empty());
  // 4 needs 1, 1 needs 3, 3 needs 2, 2 needs 1: the circle is 1, 3, 2.
  EXPECT_EQ(find_circle({{}, {3}, {0, 1}, {2}, {1}}), (std::vector<int32_t>{1, 3, 2}));
  EXPECT_EQ(find_circle({{0}}), std::vector<int32_t>{0});
}

TEST(Graph, TakesAHundredThousandNodesWithoutRecursion) {
  Needs chain(100'000);
  for (size_t i = 1; i < chain.size(); ++i) chain[i] = {static_cast<int32_t>(i - 1)};
  EXPECT_EQ(topological_order(chain).size(), chain.size());
  chain[0] = {99'999};
  EXPECT_EQ(find_circle(chain).size(), chain.size());
}

TEST(Retry, DoublesItsWaitUpToTheCap) {
  Retry const retry{.attempts = 100, .base = Duration::seconds(1), .cap = Duration::seconds(60)};
  EXPECT_EQ(retry.wait_after(1), Duration::seconds(1));
  EXPECT_EQ(retry.wait_after(3), Duration::seconds(4));
  EXPECT_EQ(retry.wait_after(7), Duration::seconds(60));
  EXPECT_EQ(retry.wait_after(100), Duration::seconds(60));
  Retry const far{.attempts = 100, .base = Duration{1}, .cap = Duration{INT64_MAX}};
  EXPECT_EQ(far.wait_after(100), Duration{INT64_MAX});
}

using GraphText = FlowTest;

TEST_F(GraphText, ShowsDepthSettingsAndNeeds) {
  auto const flow = AssertLoads(
      "flow: f\nparams: {n: string}\ntasks:\n"
      "  decide: {calc: sql/ok.sql, needs: [risk, bureau], when: \"risk.score > 0.5\"}\n"
      "  bureau: {vendor: bureau.pull, optional: true, timeout: 3s}\n"
      "  risk: {model: \"default-risk-{{ n }}\", needs: bureau}\n"
      "  each: {shell: \"echo hello\", for_each: risk.rows, retry: 2, rule: all_done}\n"
      "  post: {http: \"https://a.example/{{ n }}\"}\n");
  ASSERT_TRUE(flow);
  EXPECT_EQ(
      graph_text(*flow),
      "bureau      vendor bureau.pull, timeout 3s, optional\n"
      "  risk      model default-risk-{{...}} (one of default-risk-0, default-risk-1)  needs "
      "bureau\n"
      "    decide  calc sql/ok.sql, when risk.score > 0.5                        needs risk, "
      "bureau\n"
      "    each    shell echo hello, for each row of risk, rule all_done, 2 attempts  needs risk\n"
      "post        http GET https://a.example/{{...}}\n");
}

}  // namespace
}  // namespace tidemill::flow
