// The command behind "./dev vectors probes FILE".
#pragma once

#include <cstdio>
#include <string>

namespace tidemill::cli {

// Evaluates every probe of a file (tests/vectors/sql/README.md) and compares value, type, text or
// the class of the error. Prints each disagreement and as the last line "agree=N of=M". Answers 0
// only if all agree and there is at least one; 1 otherwise, also for a file that cannot be read.
int check_probes(const std::string& path, std::FILE* out = stdout, std::FILE* err = stderr);

}  // namespace tidemill::cli
