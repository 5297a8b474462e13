// Flow files of the cases.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "server_process.h"

namespace tidemill::bench {

// A flow t1 -> t2 -> ... -> tN; `task` gives the settings of the task of a number.
std::string chain_flow(const std::string& name, int length,
                       const std::function<std::string(int)>& task);
std::string calc_task(int number);
// A POST to the stub that carries an idempotency key.
std::string http_task(int stub_port);
// `start`, then `width` tasks side by side, then `join`, which waits for all.
std::string fan_flow(const std::string& name, int width);
// A task `items`, whose rows others are mapped over.
std::string items_task(int width);
// The same as one task that is mapped over a list.
std::string mapped_flow(const std::string& name, int width);
std::vector<ProjectFile> only(const std::string& name, std::string text);

}  // namespace tidemill::bench
