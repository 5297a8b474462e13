// The cases of ./dev bench engine. Each starts what it needs, measures and reports.
#pragma once

#include <string>

namespace tidemill::bench {

struct Environment {
  std::string program;  // tidemill
  std::string self;     // this program, which also plays small parts: see engine.cc
  std::string stamp;    // bench_stamp
};

void start_empty(const Environment& environment);
void idle(const Environment& environment);
void call3(const Environment& environment);
void call3_effect(const Environment& environment);
void chain40_calc(const Environment& environment);
void chain40_shell(const Environment& environment);
void chain40_python(const Environment& environment);
void fan200_calc(const Environment& environment);
void fan10k_calc(const Environment& environment);
void crash40(const Environment& environment);
void transitions(const Environment& environment);
void transitions_http(const Environment& environment);
void beside_pending(const Environment& environment);
void beside_finished(const Environment& environment);
void start_1m_runs(const Environment& environment);
void tick1000(const Environment& environment);
void tick20(const Environment& environment);
void tick1(const Environment& environment);
void schedules100k(const Environment& environment);

// The child of schedules100k: loads them, prints "load_ms rss_mb next_ns".
int load_schedules();

}  // namespace tidemill::bench
