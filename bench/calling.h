// Callers of a flow over HTTP: one after the other, or many at once.
#pragma once

#include <string>
#include <vector>

#include "server_process.h"

namespace tidemill::bench {

// One call that must succeed; how long it took, in seconds.
double call_once(HttpConnection& connection, const std::string& flow);
// One caller after the other: the seconds of `count` calls.
std::vector<double> one_by_one(const ServerProcess& server, const std::string& flow, int count);
// `callers` at once for `length` seconds: flows a second.
double at_once(const ServerProcess& server, const std::string& flow, int callers, double length);

}  // namespace tidemill::bench
