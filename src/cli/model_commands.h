// The commands "tidemill model compile", "model check" and "model score".
#pragma once

#include <cstdio>
#include <string>

#include "io/files.h"

namespace tidemill::cli {

// Exit codes of these commands.
inline constexpr int kModelOk = 0;
inline constexpr int kModelRefused = 1;  // the reason is one line on `err`

struct ModelCompileOptions {
  std::string in;   // a trainer's file, recognised by its content
  std::string out;  // the flat file, replaced as a whole or not at all
};

// What the server runs as a child for each model: the one place where a trainer's file is parsed.
// Limits itself first: 60 s of processor time, and memory of what the process has at its start plus
// 64 MiB and 4 bytes for each byte of the file (not under sanitizers, which need more). So it must
// be the last thing that its process does.
int model_compile(const ModelCompileOptions& options, io::Files& files, std::FILE* err);

struct ModelCheckOptions {
  std::string file;  // a trainer's file or a flat one
  std::string golden =
      "";  // rows it must reproduce; "" = golden.jsonl in the same folder, if it exists
};

// Says what the model is in one line, or why it is refused.
int model_check(const ModelCheckOptions& options, io::Files& files, std::FILE* out, std::FILE* err);

struct ModelScoreOptions {
  std::string file;        // a trainer's file or a flat one
  std::string rows = "";   // .csv with a header, or .jsonl of {"name": value, ...}: by feature name
  std::string cases = "";  // or .jsonl of {"x": [...]}: in the model's own order
};

// One line a row: {"margin":[...],"prediction":[...],"leaf":[...]} with numbers in their
// shortest form (of float32 where the model is), or {"error":"..."}; a bad row does not stop the
// others. In a CSV every feature needs its column and an empty cell is a missing value; in JSON
// lines, an absent name is one too. `leaf` has the trainer's number of the leaf in each tree.
int model_score(const ModelScoreOptions& options, io::Files& files, std::FILE* out, std::FILE* err);

}  // namespace tidemill::cli
