// The command behind "./dev vectors cron-syntax|cron-year|cron-dst FILE".
#pragma once

#include <cstdio>
#include <string>

namespace tidemill::cli {

// Compares every row of a file of vectors (tests/vectors/cron/README.md) with what is computed
// here. Prints each disagreement, each row that "agrees but for pacing", and as the last line
// "agree=N of=M". Answers 0 only if all rows agree and there is at least one; 1 otherwise, also for
// a file that cannot be read; 2 for an unknown kind.
int check_cron_vectors(const std::string& kind, const std::string& path, std::FILE* out,
                       std::FILE* err);

}  // namespace tidemill::cli
