#include "cli/model_commands.h"

#include <fmt/core.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <new>
#include <optional>
#include <span>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "model/ensemble.h"
#include "model/feature_map.h"
#include "model/flat.h"
#include "model/flat_write.h"
#include "model/golden.h"
#include "model/json_row.h"
#include "model/onnx_model.h"
#include "model/onnx_row.h"
#include "model/score.h"
#include "model/source.h"
#include "value/csv.h"

namespace tidemill::cli {
namespace {

using model::FlatModel;

constexpr size_t kMaxRowsBytes = 1u << 30;
constexpr size_t kMaxRowBytes = 16u << 20;
constexpr rlim_t kCompileSeconds = 60;
constexpr uint64_t kCompileBytes = 64u << 20;
constexpr uint64_t kCompileBytesPerByte = 4;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kLimitMemory = false;
#else
constexpr bool kLimitMemory = true;
#endif

int refused(std::FILE* err, std::string_view command, std::string_view file, const Error& error) {
  fmt::print(err, "model {}: {}: {}\n", command, file, error.text());
  return kModelRefused;
}

Status set_limit(int resource, rlim_t value, std::string_view name) {
  rlimit limit{};
  if (getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) {
    return fail(Code::kInternal, fmt::format("cannot read the limit of {}", name));
  }
  limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? value : std::min(value, limit.rlim_max);
  limit.rlim_max = limit.rlim_cur;
  if (setrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) {
    return fail(Code::kInternal, fmt::format("cannot set the limit of {}", name));
  }
  return {};
}

// Libraries that are mapped count as memory of the process too, so the limit begins from there.
Status limit_this_process(io::Files& files, uint64_t file_bytes) {
  TIDEMILL_TRY(set_limit(RLIMIT_CPU, kCompileSeconds, "processor time"));
  if (!kLimitMemory) return {};
  TIDEMILL_TRY_LET(statm, files.read("/proc/self/statm", 4096));
  uint64_t pages = 0;
  std::from_chars(statm.data(), statm.data() + statm.size(), pages);
  const uint64_t now = pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t more = kCompileBytes + kCompileBytesPerByte * file_bytes;
  return set_limit(RLIMIT_AS, now + more, "memory");
}

Status compile(const ModelCompileOptions& options, io::Files& files) {
  TIDEMILL_TRY_LET(info, files.info(options.in));
  if (info.is_folder) return fail(Code::kInvalid, "it is a folder; expected a model file");
  TIDEMILL_TRY(limit_this_process(files, static_cast<uint64_t>(info.size)));
  TIDEMILL_TRY_LET(file, files.read(options.in, model::kMaxFileBytes));
  TIDEMILL_TRY_LET(flat, model::compile_model(file));
  TIDEMILL_TRY(FlatModel::open(flat).map([](const FlatModel&) {}));  // what the server will do
  return files.write(options.out, {reinterpret_cast<const char*>(flat.data()), flat.size()});
}

// A model with the bytes it looks at.
struct Loaded {
  std::vector<std::byte> bytes;
  std::optional<FlatModel> model;
  bool is_flat = false;
};

Result<Loaded> load(const std::string& path, io::Files& files) {
  TIDEMILL_TRY_LET(file, files.read(path, model::kMaxFileBytes));
  Loaded loaded;
  loaded.is_flat = file.starts_with(std::string_view("TIDEMODL"));
  if (loaded.is_flat) {
    const auto bytes = std::as_bytes(std::span(file));
    loaded.bytes.assign(bytes.begin(), bytes.end());
  } else {
    TIDEMILL_TRY_LET(flat, model::compile_model(file));
    loaded.bytes = std::move(flat);
  }
  TIDEMILL_TRY_LET(opened, FlatModel::open(loaded.bytes));
  loaded.model = opened;
  return loaded;
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

// Shortest decimals; of a float32 if `is_single`.
template <class Numbers>
void append_numbers(std::string& out, std::string_view name, const Numbers& numbers,
                    bool is_single) {
  fmt::format_to(std::back_inserter(out), "\"{}\":[", name);
  bool first = true;
  for (const auto number : numbers) {
    if (!first) out += ',';
    first = false;
    if (std::isnan(static_cast<double>(number))) {
      out += "null";
    } else if (std::isinf(static_cast<double>(number))) {
      out += number > 0 ? "\"inf\"" : "\"-inf\"";
    } else if (is_single) {
      fmt::format_to(std::back_inserter(out), "{}", static_cast<float>(number));
    } else {
      fmt::format_to(std::back_inserter(out), "{}", number);
    }
  }
  out += ']';
}

// Scores row after row and writes a line for each.
class Answers {
 public:
  Answers(const FlatModel& model, std::FILE* out)
      : model_(model),
        out_(out),
        scratch_(model),
        margins_(model.outputs()),
        predictions_(model.predictions()),
        leaves_(model.trees()) {}

  void score(std::span<const double> row) {
    if (auto status = model::score_row(model_, row, scratch_, margins_); !status) {
      return error(status.error());
    }
    model::predict(model_, margins_, scratch_, predictions_);
    model::last_leaves(model_, scratch_, leaves_);
    line_ = "{";
    append_numbers(line_, "margin", margins_, model_.is_float32());
    line_ += ',';
    append_numbers(line_, "prediction", predictions_, model_.is_float32());
    line_ += ',';
    append_numbers(line_, "leaf", leaves_, false);
    line_ += "}\n";
    write();
  }

  void error(const Error& error) {
    line_ = "{\"error\":";
    append_json_string(line_, error.text());
    line_ += "}\n";
    write();
  }

  Status finish() const {
    if (!failed_ && std::fflush(out_) == 0) return {};
    return fail(Code::kUnavailable, "the answers cannot be written");
  }

 private:
  void write() { failed_ |= std::fwrite(line_.data(), 1, line_.size(), out_) != line_.size(); }

  const FlatModel& model_;
  std::FILE* out_;
  model::Scratch scratch_;
  std::vector<double> margins_, predictions_;
  std::vector<uint32_t> leaves_;
  std::string line_;
  bool failed_ = false;
};

enum class Form { kByName, kCases };

Status read_json_row(const model::FeatureNames& names, std::string_view line, Form form,
                     std::span<double> row) {
  TIDEMILL_TRY_LET(json, parse_json(line, {.bytes = kMaxRowBytes}));
  if (form == Form::kByName) return model::json_row_by_name(names, json, row);
  const Json* x = json.find("x");
  if (x == nullptr) return fail(Code::kInvalid, "a case is an object with the row as \"x\"");
  return x->is_object() ? model::json_row_by_name(names, *x, row)
                        : model::json_row_by_order(names, *x, row);
}

void score_json_lines(const FlatModel& model, std::string_view text, Form form, Answers& answers) {
  const model::FeatureNames names(model);
  std::vector<double> row(model.features());
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    if (auto status = read_json_row(names, line, form, row); !status) {
      answers.error(status.error());
    } else {
      answers.score(row);
    }
  }
}

// A cell of a CSV: missing, a number, or the text of a category.
Result<double> csv_feature(const model::FeatureNames& names, uint32_t feature,
                           std::string_view cell) {
  if (trim(cell).empty()) return std::numeric_limits<double>::quiet_NaN();
  const std::string_view digits = trim(cell);
  double number = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool is_number = end == digits.data() + digits.size() && ec != std::errc::invalid_argument;
  if (names.has_texts(feature)) {
    auto code = names.code(feature, cell);
    if (names.is_text(feature) || !is_number || (code && *code >= 0)) return code;
  } else if (!is_number) {
    return names.code(feature, cell);  // says that it is numeric
  }
  if (ec == std::errc::result_out_of_range) return std::numeric_limits<double>::infinity();
  return number;
}

Status score_csv(const FlatModel& model, std::string_view text, Answers& answers) {
  TIDEMILL_TRY_LET(batch, value::read_csv(text, {.sniff_types = false}));
  TIDEMILL_TRY_LET(map, model::FeatureMap::make(model, batch.names()));
  std::vector<double> row(model.features());
  for (size_t i = 0; i < batch.rows(); ++i) {
    Status status;
    for (uint32_t f = 0; f < model.features() && status; ++f) {
      const value::Column& column = batch.column(map.columns()[f]);
      const std::string_view cell = column.is_valid(i) ? column.text(i) : std::string_view();
      auto number = csv_feature(map.names(), f, cell);
      if (number) row[f] = *number;
      if (!number) status = fail(number.error());
    }
    if (status) {
      answers.score(row);
    } else {
      answers.error(status.error());
    }
  }
  return {};
}

bool is_onnx(std::string_view file) {
  const auto format = model::recognise(file);
  return format && *format == model::SourceFormat::kOnnx;
}

// {"x": row} of a case, or {"input": value, ...} by name.
Result<std::string> onnx_line(const model::OnnxModel& model, std::string_view line, Form form) {
  TIDEMILL_TRY_LET(json, parse_json(line, {.bytes = kMaxRowBytes}));
  if (form == Form::kByName) return model::onnx_answer(model, json);
  const Json* x = json.find("x");
  if (x == nullptr) return fail(Code::kInvalid, "a case is an object with the row as \"x\"");
  return model::onnx_answer(model, *x);
}

Status score_onnx(const ModelScoreOptions& options, std::string_view file, io::Files& files,
                  std::FILE* out) {
  TIDEMILL_TRY_LET(model, model::OnnxModel::read(file));
  const Form form = options.cases.empty() ? Form::kByName : Form::kCases;
  const std::string& path = options.rows.empty() ? options.cases : options.rows;
  if (!path.ends_with(".jsonl")) {
    return fail(Code::kInvalid, fmt::format("{}: rows of an ONNX model are a .jsonl file", path));
  }
  TIDEMILL_TRY_LET(lines, files.read(path, kMaxRowsBytes));
  bool is_written = true;
  for (std::string_view line : split(lines, '\n')) {
    line = trim(line);
    if (line.empty()) continue;
    auto answer = onnx_line(model, line, form);
    std::string text = answer ? *answer : "{\"error\":";
    if (!answer) {
      append_json_string(text, answer.error().text());
      text += '}';
    }
    text += '\n';
    is_written &= std::fwrite(text.data(), 1, text.size(), out) == text.size();
  }
  if (is_written && std::fflush(out) == 0) return {};
  return fail(Code::kUnavailable, "the answers cannot be written");
}

Status score(const ModelScoreOptions& options, io::Files& files, std::FILE* out) {
  if (options.rows.empty() == options.cases.empty()) {
    return fail(Code::kInvalid, "give the rows either by --rows or by --cases");
  }
  {
    TIDEMILL_TRY_LET(file, files.read(options.file, model::kMaxFileBytes));
    if (is_onnx(file)) return score_onnx(options, file, files, out);
  }
  TIDEMILL_TRY_LET(loaded, load(options.file, files));
  const std::string& path = options.rows.empty() ? options.cases : options.rows;
  const bool is_csv = options.cases.empty() && path.ends_with(".csv");
  if (!is_csv && !path.ends_with(".jsonl")) {
    return fail(Code::kInvalid, fmt::format("{} is neither .csv nor .jsonl", path));
  }
  TIDEMILL_TRY_LET(text, files.read(path, kMaxRowsBytes));
  Answers answers(*loaded.model, out);
  if (is_csv) {
    if (auto status = score_csv(*loaded.model, text, answers); !status) {
      return fail(status.error().in(path));
    }
  } else {
    const Form form = options.cases.empty() ? Form::kByName : Form::kCases;
    score_json_lines(*loaded.model, text, form, answers);
  }
  return answers.finish();
}

Result<std::string> check(const ModelCheckOptions& options, io::Files& files) {
  {
    TIDEMILL_TRY_LET(file, files.read(options.file, model::kMaxFileBytes));
    if (is_onnx(file)) {
      TIDEMILL_TRY_LET(model, model::OnnxModel::read(file));
      return fmt::format("onnx, {} nodes, {} inputs, {} outputs", model.nodes(),
                         model.inputs().size(), model.outputs().size());
    }
  }
  TIDEMILL_TRY_LET(loaded, load(options.file, files));
  const FlatModel& model = *loaded.model;
  std::string golden = options.golden;
  if (golden.empty()) {
    golden = folder_of(options.file) + "golden.jsonl";
    if (auto info = files.info(golden); !info) {
      if (info.error().code != Code::kNotFound) return fail(info.error());
      golden.clear();
    }
  }
  std::string rows = "no golden rows";
  if (!golden.empty()) {
    TIDEMILL_TRY_LET(text, files.read(golden, kMaxRowsBytes));
    auto checked = model::check_golden(model, text);
    if (!checked) return fail(checked.error().in(golden));
    rows = fmt::format("{} golden rows agree", *checked);
  }
  return fmt::format("{}, {}, {} features, {} trees, {} nodes, depth {}, {} outputs; {}",
                     loaded.is_flat ? fmt::format("flat {}", model.origin_name())
                                    : std::string(model.origin_name()),
                     model.objective(), model.features(), model.trees(), model.nodes(),
                     model.max_depth(), model.outputs(), rows);
}

Error out_of_memory() {
  return {
      Code::kExhausted, "it needs more memory than its size allows; it is damaged or hostile", {}};
}

}  // namespace

int model_compile(const ModelCompileOptions& options, io::Files& files, std::FILE* err) {
  try {
    if (auto status = compile(options, files); !status) {
      return refused(err, "compile", options.in, status.error());
    }
    return kModelOk;
  } catch (const std::bad_alloc&) {
    return refused(err, "compile", options.in, out_of_memory());
  }
}

int model_check(const ModelCheckOptions& options, io::Files& files, std::FILE* out,
                std::FILE* err) {
  auto what = check(options, files);
  if (!what) return refused(err, "check", options.file, what.error());
  fmt::print(out, "{}: {}\n", options.file, *what);
  return kModelOk;
}

int model_score(const ModelScoreOptions& options, io::Files& files, std::FILE* out,
                std::FILE* err) {
  if (auto status = score(options, files, out); !status) {
    return refused(err, "score", options.file, status.error());
  }
  return kModelOk;
}

}  // namespace tidemill::cli
