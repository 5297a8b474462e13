// The command "tidemill sql".
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "io/files.h"

namespace tidemill::cli {

struct SqlOptions {
  std::string text;                 // one SELECT
  std::vector<std::string> tables;  // "NAME=FILE.csv"
  bool json = false;
};

// Runs the statement over the files and prints the result: a table for people, or with `json`
// {"columns":[{"name","type"}],"rows":[[...]]}. Answers 0, or 1 with the error on `err`; with
// `json` also as {"error":"...","error_class":"..."} on `out`, the class being DuckDB's, "" if it
// has none.
int sql_command(const SqlOptions& options, io::Files& files, std::FILE* out, std::FILE* err);

}  // namespace tidemill::cli
