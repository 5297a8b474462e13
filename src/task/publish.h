// `publish`: appends the rows of a value to a dataset of JSON lines. A line names its run, task,
// index and attempt; (run, task, index) is unique in the file, also after a crash at any point.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "flow/project.h"
#include "io/clock.h"
#include "io/executor.h"
#include "io/files.h"
#include "io/loop.h"
#include "task/work.h"

namespace tidemill::task {

class PublishRunner final : public Runner {
 public:
  // `path_of` tells where a dataset's file stands.
  PublishRunner(std::function<std::string(const std::string& dataset)> path_of,
                io::Executor& executor, io::Loop& loop, io::Files& files, io::Clock& clock);

  void start(const Work& work, const flow::Scope& scope, Done done) override;
  void stop(const Work& work) override;
  // Looks at the tail of the file for lines that were written, and writes what is missing.
  void recover(const Work& work, const flow::Scope& scope, Done done) override;

  // One line before it has its place in the file.
  struct Line {
    int64_t index = 0;
    std::string text;
  };
  struct Job {
    std::string run;
    std::string task;
    std::vector<Line> lines;
    bool is_recovery = false;
    Done done;
  };

 private:
  void enqueue(const Work& work, const flow::Scope& scope, Done done, bool is_recovery);
  void write_next(const std::string& path);

  std::function<std::string(const std::string&)> path_of_;
  io::Executor& executor_;
  io::Loop& loop_;
  io::Files& files_;
  io::Clock& clock_;
  // One writer a file: jobs that wait are written together, with one fsync.
  std::map<std::string, std::vector<Job>> waiting_;
  std::map<std::string, bool> writing_;
};

// Writes the lines of `jobs` that the file does not have; durable when it answers. A last line that
// a crash cut is taken away first.
Status append_jobs(io::Files& files, const std::string& path,
                   const std::vector<PublishRunner::Job>& jobs);

}  // namespace tidemill::task
