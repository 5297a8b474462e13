// `tidemill approval`: what waits for somebody's yes or no.
#pragma once

#include <string>
#include <vector>

#include "cli/run_commands.h"

namespace tidemill::cli {

struct ApprovalOptions {
  std::string run;
  std::string task;
  std::string item;
  std::string comment;
  std::vector<std::string> fields;  // NAME=VALUE
};

int approval_list(const Common& common);
// `verdict` is "approve" or "reject".
int approval_decide(const Common& common, const std::string& verdict,
                    const ApprovalOptions& options);

}  // namespace tidemill::cli
