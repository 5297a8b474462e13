// Figures and how they are told: JSON lines on standard output, one a metric.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace tidemill::bench {

double now_seconds();   // monotonic
double wall_seconds();  // since 1970

// Ends the program with the reason on standard error.
[[noreturn]] void die(const std::string& what);

struct Spread {
  double median = 0, low = 0, high = 0;
};
Spread spread_of(std::vector<double> values);
Spread exactly(double value);
double percentile(std::vector<double> values, double part);

// One line: {"case","metric","value","unit","config":{...,"low","high"}}. `config` is the inner
// text of a JSON object.
void report(const std::string& name, const std::string& metric, Spread spread,
            const std::string& unit, const std::string& config);
// What is being done, on standard error.
void say(const std::string& text);

// Proportional set size of a process in MB, and its processor time in seconds.
double pss_mb(pid_t pid);
double cpu_seconds(pid_t pid);

// Standard output of a program; its standard error is dropped.
std::string output_of(const std::vector<std::string>& words);

// How the server stores: said in the config of every line that it has a part in.
inline const std::string kDurable = "\"fsync\":\"full\"";
inline constexpr int kRounds = 5;
std::string rounds_text(int rounds = kRounds);

}  // namespace tidemill::bench
