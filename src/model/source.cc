#include "model/source.h"

#include <fmt/format.h>

#include "base/text.h"
#include "model/catboost.h"
#include "model/json_reader.h"
#include "model/lightgbm.h"
#include "model/scorecard.h"
#include "model/ubjson_reader.h"
#include "model/xgboost.h"

namespace tidemill::model {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Forms that are known and never loaded, and what to do instead.
std::string_view refused_form(std::string_view file) {
  const char second = file.size() > 1 ? file[1] : '\0';
  if (file.empty()) return "the file is empty";
  if ((file[0] == '\x80' && second >= 2 && second <= 5) || file.starts_with("PK")) {
    return "this is a pickle or zip archive, which is a program and is never loaded; save the "
           "model of XGBoost with booster.save_model(\"model.json\"), of LightGBM with "
           "booster.save_model(\"model.txt\"), of scikit-learn with skl2onnx";
  }
  if (file.starts_with("binf") || file.starts_with("bs64")) {
    return "this is XGBoost's old binary form; save it as model.json with the version that wrote "
           "it";
  }
  return {};
}

Result<SourceFormat> recognise_json(std::string_view file) {
  if (contains(file, "\"learner\"")) return SourceFormat::kXgboostJson;
  if (contains(file, "\"features_info\"")) return SourceFormat::kCatboostJson;
  if (contains(file, "\"tree_structure\"")) {
    return fail(Code::kInvalid,
                "this is LightGBM's JSON dump, which cannot be loaded again; save the model with "
                "booster.save_model(\"model.txt\")");
  }
  return SourceFormat::kXgboostJson;  // its reader says what is missing
}

}  // namespace

Result<SourceFormat> recognise(std::string_view file) {
  if (const auto what = refused_form(file); !what.empty()) {
    return fail(Code::kInvalid, std::string(what));
  }
  if (file.size() > kMaxFileBytes) {
    return fail(Code::kExhausted,
                fmt::format("the file has {} bytes; the cap is {}", file.size(), kMaxFileBytes));
  }
  if (file[0] == '{') {
    const char second = file.size() > 1 ? file[1] : '\0';
    if (second != '\0' && contains("LiUIl$#", {&second, 1})) return SourceFormat::kXgboostUbjson;
    return recognise_json(file);
  }
  if (file.starts_with("tree\n") || file.starts_with("tree\r\n")) {
    return SourceFormat::kLightgbmText;
  }
  if (file[0] == '\x08' && file.size() > 1) return SourceFormat::kOnnx;
  if (file.starts_with("CBM1")) return SourceFormat::kCatboostBinary;
  if (is_scorecard_csv(file)) return SourceFormat::kScorecardCsv;
  if (is_scorecard_yaml(file)) return SourceFormat::kScorecardYaml;
  const size_t start = file.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && file[start] == '{') return recognise_json(file);
  return fail(Code::kInvalid,
              fmt::format("it begins with \"{}\": not a model file that is known (XGBoost JSON or "
                          "UBJSON, LightGBM text, CatBoost JSON or CBM, ONNX, a scorecard)",
                          printable(file.substr(0, 20), 40)));
}

Result<Ensemble> read_model(std::string_view file) {
  TIDEMILL_TRY_LET(format, recognise(file));
  switch (format) {
    case SourceFormat::kXgboostJson: {
      JsonReader reader(file);
      return read_xgboost(reader);
    }
    case SourceFormat::kXgboostUbjson: {
      UbjsonReader reader(file);
      return read_xgboost(reader);
    }
    case SourceFormat::kLightgbmText:
      return read_lightgbm(file);
    case SourceFormat::kCatboostJson:
      return read_catboost_json(file);
    case SourceFormat::kCatboostBinary:
      return read_catboost_binary(file);
    case SourceFormat::kScorecardYaml:
      return read_scorecard_yaml(file);
    case SourceFormat::kScorecardCsv:
      return read_scorecard_csv(file);
    case SourceFormat::kOnnx:
      return fail(Code::kInvalid,
                  "this is an ONNX graph, which has no flat form; score it by \"tidemill model "
                  "score\", or use the trainer's own file");
  }
  return fail(Code::kInternal, "a format without a reader");
}

}  // namespace tidemill::model
