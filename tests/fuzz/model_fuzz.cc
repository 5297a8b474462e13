// Model files from a stranger. Whatever is accepted must open and score without a fault, and every
// answer must be the same twice. Two inputs in one: a flat file (its size and checksum are put
// right, so that the checks behind them are reached), or anything else as a trainer's file, of
// whatever format it is. Seeds: tests/vectors/models and the flat files made from them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
#include "base/json.h"
#include "model/flat.h"
#include "model/flat_write.h"
#include "model/golden.h"
#include "model/onnx_model.h"
#include "model/onnx_row.h"
#include "model/score.h"
#include "model/source.h"

namespace {

using namespace tidemill::model;

void score_some_rows(const FlatModel& model) {
  if (uint64_t{model.features()} + model.outputs() + model.nodes() > 1'000'000) return;
  Scratch scratch(model);
  std::vector<double> row(model.features()), margins(model.outputs());
  std::vector<double> predictions(model.predictions()), again(model.outputs());
  std::vector<uint32_t> leaves(model.trees());
  const double missing = std::numeric_limits<double>::quiet_NaN();
  for (const double value : {0.0, -1.0, 1.5, 3e38, 1e-40, missing}) {
    for (size_t i = 0; i < row.size(); ++i) row[i] = i % 3 == 2 ? missing : value;
    TIDEMILL_CHECK(score_row(model, row, scratch, margins).has_value());
    last_leaves(model, scratch, leaves);
    predict(model, margins, scratch, predictions);
    TIDEMILL_CHECK(score_row(model, row, scratch, again).has_value());
    TIDEMILL_CHECK(std::memcmp(margins.data(), again.data(), again.size() * sizeof(double)) == 0);
  }
}

void open_flat(std::vector<std::byte> file) {
  const uint64_t bytes = file.size();
  if (bytes < sizeof(FlatHeader)) return;
  std::memcpy(file.data() + offsetof(FlatHeader, file_bytes), &bytes, sizeof bytes);
  const std::string_view all(reinterpret_cast<const char*>(file.data()), file.size());
  const uint64_t checksum = tidemill::hash64(all.substr(kChecksumFrom));
  std::memcpy(file.data() + offsetof(FlatHeader, checksum), &checksum, sizeof checksum);
  if (const auto model = FlatModel::open(file)) score_some_rows(*model);
}

void run_some_rows(std::string_view text) {
  const auto model = OnnxModel::read(text);
  if (!model) {
    TIDEMILL_CHECK(!model.error().message.empty());
    return;
  }
  for (const char* row : {"[]", "[0,1.5,null,-1]", "[\"a\",\"b\"]", "{}"}) {
    static_cast<void>(onnx_answer(*model, *tidemill::parse_json(row)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.starts_with("TIDEMODL")) {
    const auto* bytes = reinterpret_cast<const std::byte*>(data);
    open_flat({bytes, bytes + size});
    return 0;
  }
  if (const auto format = recognise(text); format && *format == SourceFormat::kOnnx) {
    run_some_rows(text);
    return 0;
  }
  const auto file = compile_model(text);
  if (!file) {
    TIDEMILL_CHECK(!file.error().message.empty());
    return 0;
  }
  const auto model = FlatModel::open(*file);
  TIDEMILL_CHECK(model.has_value());
  score_some_rows(*model);
  static_cast<void>(check_golden(*model, "{\"features\":{},\"prediction\":0}"));
  return 0;
}
