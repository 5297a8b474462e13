// The simulation itself: it repeats, and each of its checks finds a server that is broken.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/hash.h"
#include "life.h"

namespace tidemill::sim {
namespace {

TEST(Simulation, TheSameSeedGivesTheSameTraceAndOthersGiveOthers) {
  std::set<std::string> traces;
  for (uint64_t seed = 100; seed < 110; ++seed) {
    Life first(seed);
    Life second(seed);
    first.live();
    second.live();
    EXPECT_EQ(first.history().text(), second.history().text()) << "seed " << seed;
    traces.insert(sha256_hex(first.history().text()));
  }
  EXPECT_EQ(traces.size(), 10u);
}

// How many of the seeds break a promise, and which ones.
std::map<std::string, int> findings_of(const Mutant& mutant, uint64_t seeds) {
  std::map<std::string, int> found;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    Life life(seed, mutant);
    std::set<std::string> names;
    for (const Finding& finding : life.live()) names.insert(finding.name);
    for (const std::string& name : names) ++found[name];
  }
  return found;
}

constexpr uint64_t kSeeds = 40;

std::string text_of(const std::map<std::string, int>& found) {
  std::string text = "found:";
  for (const auto& [name, seeds] : found) text += " " + name + " in " + std::to_string(seeds);
  return text;
}

TEST(Mutants, ADiskThatLiesAboutSyncsIsFound) {
  Mutant mutant;
  mutant.disk_lies = true;
  auto const found = findings_of(mutant, kSeeds);
  EXPECT_TRUE(found.contains("acknowledged_is_kept")) << text_of(found);
}

TEST(Mutants, AStoreWithoutTheUniqueKeyIsFound) {
  Mutant mutant;
  mutant.keys_are_free = true;
  auto const found = findings_of(mutant, kSeeds);
  EXPECT_TRUE(found.contains("one_run_per_key")) << text_of(found);
  EXPECT_TRUE(found.contains("one_answer_per_idempotency_key")) << text_of(found);
}

TEST(Mutants, AnEngineThatIgnoresAttemptNumbersIsFound) {
  Mutant mutant;
  mutant.engine.ignores_attempts = true;
  auto const found = findings_of(mutant, kSeeds);
  EXPECT_TRUE(found.contains("results_are_of_their_own_attempt") ||
              found.contains("attempts_end_as_they_were_answered"))
      << text_of(found);
}

TEST(Mutants, AnEngineThatActsBeforeTheCommitIsFound) {
  Mutant mutant;
  mutant.engine.acts_first = true;
  auto const found = findings_of(mutant, kSeeds);
  EXPECT_TRUE(found.contains("effects_have_their_rows")) << text_of(found);
}

TEST(Mutants, AStoreThatAnswersBeforeItHasWrittenIsFound) {
  Mutant mutant;
  mutant.answers_first = true;
  auto const found = findings_of(mutant, kSeeds);
  EXPECT_TRUE(found.contains("acknowledged_is_kept")) << text_of(found);
}

TEST(Mutants, AnEngineThatReleasesAChildTwiceIsFound) {
  Mutant mutant;
  mutant.engine.starts_twice = true;
  auto const found = findings_of(mutant, kSeeds);
  EXPECT_TRUE(found.contains("dead_before_the_next_starts")) << text_of(found);
  EXPECT_TRUE(found.contains("one_current_attempt")) << text_of(found);
}

}  // namespace
}  // namespace tidemill::sim
