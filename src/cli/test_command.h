// `tidemill test`: tests of flows, as data teams write them.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace tidemill::cli {

struct TestOptions {
  std::string project = ".";
  std::vector<std::string> files;  // within the project; none: tests/*.yaml
  bool json = false;
  std::string program;  // this one: it parses model files in a child
};

// 0: all passed. 1: some did not. 2: there is nothing to run, or a file has mistakes.
int test_flows(const TestOptions& options, std::FILE* out, std::FILE* err);

}  // namespace tidemill::cli
