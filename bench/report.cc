#include "report.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

namespace tidemill::bench {
namespace {

double seconds_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace

double now_seconds() { return seconds_of(CLOCK_MONOTONIC); }
double wall_seconds() { return seconds_of(CLOCK_REALTIME); }

void die(const std::string& what) {
  int const reason = errno;
  std::fprintf(stderr, "bench: %s%s%s\n", what.c_str(), reason != 0 ? ": " : "",
               reason != 0 ? std::strerror(reason) : "");
  std::exit(1);
}

void say(const std::string& text) { std::fprintf(stderr, "  %s\n", text.c_str()); }

Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

Spread exactly(double value) { return {value, value, value}; }

double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<size_t>(part * static_cast<double>(values.size())))];
}

void report(const std::string& name, const std::string& metric, Spread spread,
            const std::string& unit, const std::string& config) {
  std::printf(
      "{\"case\":\"%s\",\"metric\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"config\":{%s%s"
      "\"low\":%.6g,\"high\":%.6g}}\n",
      name.c_str(), metric.c_str(), spread.median, unit.c_str(), config.c_str(),
      config.empty() ? "" : ",", spread.low, spread.high);
  std::fflush(stdout);
}

double pss_mb(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
  std::string word;
  while (file >> word) {
    if (word != "Pss:") continue;
    double kb = 0;
    file >> kb;
    return kb / 1024;
  }
  return 0;
}

double cpu_seconds(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  size_t const end = text.rfind(')');
  if (end == std::string::npos) return 0;
  std::istringstream rest(text.substr(end + 2));
  std::string skip;
  for (int i = 0; i < 11; ++i) rest >> skip;
  double user = 0, system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::string output_of(const std::vector<std::string>& words) {
  std::string command;
  for (const std::string& word : words) command += "'" + word + "' ";
  std::FILE* pipe = ::popen((command + "2>/dev/null").c_str(), "r");
  if (pipe == nullptr) die("popen");
  std::string text;
  char chunk[4096];
  size_t n;
  while ((n = std::fread(chunk, 1, sizeof chunk, pipe)) > 0) text.append(chunk, n);
  ::pclose(pipe);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string rounds_text(int rounds) { return "\"rounds\":" + std::to_string(rounds); }

}  // namespace tidemill::bench
