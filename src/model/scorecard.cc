#include "model/scorecard.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <unordered_set>

#include "base/text.h"
#include "base/yaml.h"

namespace tidemill::model {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr size_t kMaxBins = 500;  // of a characteristic: each is a level of its tree
constexpr size_t kMaxYamlBytes = 4u << 20;

struct Bin {
  enum class Kind { kInterval, kValues, kMissing, kOther } kind = Kind::kOther;
  double low = -kInfinity, high = kInfinity;
  bool has_low = false, has_high = false;  // the edge itself belongs to the bin
  std::vector<std::string> values;
  double points = 0;
  uint32_t place = 0;
  int line = 0;
};

struct Characteristic {
  std::string feature;
  std::vector<Bin> bins;
  int line = 0;
};

tl::unexpected<Error> at_line(int line, std::string_view message) {
  return fail(Code::kInvalid, fmt::format("line {}: {}", line, message));
}

Result<double> number_at(int line, std::string_view text, std::string_view what) {
  const std::string_view digits = trim(text);
  double value = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (ec == std::errc{} && end == digits.data() + digits.size() && std::isfinite(value)) {
    return value;
  }
  return at_line(line,
                 fmt::format("{} is \"{}\", expected a finite number", what, printable(text, 40)));
}

// "(25, 40]", "missing", "other", or texts between bars.
Result<Bin> read_bin(int line, std::string_view text) {
  Bin bin;
  bin.line = line;
  text = trim(text);
  if (text == "missing" || text == "other") {
    bin.kind = text == "missing" ? Bin::Kind::kMissing : Bin::Kind::kOther;
    return bin;
  }
  const bool opens = text.starts_with('(') || text.starts_with('[');
  const bool closes = text.ends_with(')') || text.ends_with(']');
  if (opens && closes && text.find(',') != text.npos) {
    const size_t comma = text.find(',');
    bin.kind = Bin::Kind::kInterval;
    const std::string_view low = trim(text.substr(1, comma - 1));
    const std::string_view high = trim(text.substr(comma + 1, text.size() - comma - 2));
    if (low != "-inf") {
      TIDEMILL_TRY_LET(value, number_at(line, low, "the lower edge"));
      bin.low = value;
    }
    if (high != "inf" && high != "+inf") {
      TIDEMILL_TRY_LET(value, number_at(line, high, "the upper edge"));
      bin.high = value;
    }
    bin.has_low = text.front() == '[';
    bin.has_high = text.back() == ']';
    if (!(bin.low < bin.high) && !(bin.low == bin.high && bin.has_low && bin.has_high)) {
      return at_line(line, fmt::format("the interval {} is empty", printable(text, 40)));
    }
    return bin;
  }
  bin.kind = Bin::Kind::kValues;
  for (const std::string_view part : split(text, '|')) bin.values.emplace_back(trim(part));
  return bin;
}

// The smallest number that is above the bin, and the smallest that is in it: `x < edge` divides.
double edge_above(const Bin& bin) {
  return bin.has_high ? std::nextafter(bin.high, kInfinity) : bin.high;
}
double edge_below(const Bin& bin) {
  return bin.has_low || !std::isfinite(bin.low) ? bin.low : std::nextafter(bin.low, kInfinity);
}

class Builder {
 public:
  Builder() {
    ensemble_.origin = Origin::kScorecard;
    ensemble_.family = Family::kFloat64;
    ensemble_.objective = "scorecard";
    ensemble_.named = true;
    ensemble_.unknown_text = UnknownText::kNoMember;
    ensemble_.base_margins = {0};
  }
  Ensemble& ensemble() { return ensemble_; }

  Status add(Characteristic& characteristic) {
    if (ensemble_.features.size() >= kMaxFeatures)
      return fail(Code::kExhausted, "too many features");
    if (!names_.insert(characteristic.feature).second || characteristic.feature.empty() ||
        characteristic.feature.size() > kMaxNameBytes) {
      return at_line(characteristic.line,
                     fmt::format("feature \"{}\" is empty, too long or occurs twice",
                                 printable(characteristic.feature, 60)));
    }
    feature_ = static_cast<uint32_t>(ensemble_.features.size());
    ensemble_.features.push_back({characteristic.feature, {}, false});
    if (auto status = add_tree(characteristic); !status) {
      return fail(status.error().in(
          fmt::format("characteristic \"{}\"", printable(characteristic.feature, 60))));
    }
    return {};
  }

  Result<Ensemble> finish() {
    if (ensemble_.trees.empty()) return fail(Code::kInvalid, "there are no characteristics");
    ensemble_.iterations = {0, static_cast<uint32_t>(ensemble_.trees.size())};
    return std::move(ensemble_);
  }

 private:
  // A way down: splits one below the other, each with a bin on one side.
  struct Level {
    uint32_t column;
    double threshold;
    const Bin* bin;
    bool bin_is_left;
  };

  Status add_tree(Characteristic& characteristic) {
    const Bin *missing = nullptr, *other = nullptr;
    std::vector<Bin*> intervals;
    std::vector<const Bin*> sets;
    if (characteristic.bins.size() > kMaxBins) {
      return at_line(characteristic.line, fmt::format("more than {} bins", kMaxBins));
    }
    for (Bin& bin : characteristic.bins) {
      const Bin*& alone = bin.kind == Bin::Kind::kMissing ? missing : other;
      if (bin.kind == Bin::Kind::kInterval) intervals.push_back(&bin);
      if (bin.kind == Bin::Kind::kValues) sets.push_back(&bin);
      if (bin.kind != Bin::Kind::kMissing && bin.kind != Bin::Kind::kOther) continue;
      if (alone != nullptr) return at_line(bin.line, "the bin occurs twice");
      alone = &bin;
    }
    if (missing == nullptr) {
      return at_line(characteristic.line,
                     "there is no bin \"missing\"; say what a missing value "
                     "counts");
    }
    if (!intervals.empty() && !sets.empty()) {
      return at_line(characteristic.line, "it has intervals and texts; a feature is one of them");
    }
    levels_ = {{ensemble_.numeric_column(feature_, ColumnKind::kIsMissing), 0.5, missing, false}};
    const Bin* last = other;
    if (intervals.empty()) {
      if (other == nullptr) return at_line(characteristic.line, "there is no bin \"other\"");
      TIDEMILL_TRY(add_sets(sets));
    } else {
      TIDEMILL_TRY_LET(end, add_intervals(intervals, other));
      last = end;
    }
    write_tree(last);
    return {};
  }

  // Ordered, without overlap. What lies between two of them is "other".
  Result<const Bin*> add_intervals(std::vector<Bin*>& intervals, const Bin* other) {
    const uint32_t column = ensemble_.numeric_column(feature_, Missing::kLeft);
    std::sort(intervals.begin(), intervals.end(),
              [](const Bin* a, const Bin* b) { return edge_below(*a) < edge_below(*b); });
    double reached = -kInfinity;  // the bins so far hold what is below it
    for (const Bin* bin : intervals) {
      const double below = edge_below(*bin);
      if (below < reached) return at_line(bin->line, "the interval overlaps another one");
      if (below > reached) {
        if (other == nullptr) {
          return at_line(bin->line, fmt::format("no bin holds what lies before it, from {} on; add "
                                                "a bin \"other\"",
                                                reached));
        }
        levels_.push_back({column, below, other, true});
      }
      reached = edge_above(*bin);
      if (reached == kInfinity) return bin;
      levels_.push_back({column, reached, bin, true});
    }
    if (other != nullptr) return other;
    return at_line(intervals.back()->line,
                   fmt::format("no bin holds what lies from {} on; add a bin \"other\"", reached));
  }

  Status add_sets(const std::vector<const Bin*>& sets) {
    auto& categories = ensemble_.features[feature_].categories;
    for (const Bin* bin : sets) {
      std::vector<int32_t> codes;
      for (const std::string& value : bin->values) {
        const bool is_known =
            std::find(categories.begin(), categories.end(), value) != categories.end();
        if (is_known || value.empty() || value.size() > kMaxNameBytes ||
            value.find('\0') != value.npos) {
          return at_line(bin->line,
                         fmt::format("the text \"{}\" is empty, too long or occurs twice",
                                     printable(value, 60)));
        }
        codes.push_back(static_cast<int32_t>(categories.size()));
        categories.push_back(value);
      }
      TIDEMILL_TRY_LET(column, ensemble_.set_column(feature_, ColumnKind::kSetMissingLeft, codes));
      levels_.push_back({column, 0.5, bin, false});
    }
    return {};
  }

  void write_tree(const Bin* last) {
    const auto first = static_cast<uint32_t>(ensemble_.nodes.size());
    const auto leaf = [](const Bin* bin) {
      return Ensemble::Node{bin->points, 0, 0, bin->place, 0};
    };
    uint32_t next = 1;
    // Breadth first: each level is a split and the leaf of the level above, in the order of sides.
    std::vector<Ensemble::Node> nodes;
    for (size_t i = 0; i <= levels_.size(); ++i) {
      Ensemble::Node inner{};
      if (i < levels_.size()) {
        inner = {levels_[i].threshold, levels_[i].column, next, 0, 0};
        next += 2;
      } else {
        inner = leaf(last);
      }
      if (i == 0) {
        nodes.push_back(inner);
        continue;
      }
      const Level& above = levels_[i - 1];
      if (above.bin_is_left) {
        nodes.push_back(leaf(above.bin));
        nodes.push_back(inner);
      } else {
        nodes.push_back(inner);
        nodes.push_back(leaf(above.bin));
      }
    }
    ensemble_.nodes.insert(ensemble_.nodes.end(), nodes.begin(), nodes.end());
    ensemble_.trees.push_back(
        {first, static_cast<uint32_t>(nodes.size()), static_cast<uint32_t>(levels_.size()), 0});
  }

  Ensemble ensemble_;
  uint32_t feature_ = 0;
  std::vector<Level> levels_;
  std::unordered_set<std::string> names_;
};

Result<std::string> scalar(const YamlNode& node, std::string_view what) {
  if (node.is_scalar()) return node.scalar;
  return at_line(node.mark.line,
                 fmt::format("{} is {}, expected a value", what, node.kind_words()));
}

Result<double> yaml_number(const YamlNode& node, std::string_view what) {
  TIDEMILL_TRY_LET(text, scalar(node, what));
  return number_at(node.mark.line, text, what);
}

Result<Bin> read_yaml_bin(const YamlNode& node, double coefficient) {
  if (!node.is_map()) return at_line(node.mark.line, "a bin is a map");
  std::optional<Bin> bin;
  std::optional<double> points;
  for (const auto& [key, mark, value] : node.entries) {
    if (key == "bin") {
      TIDEMILL_TRY_LET(text, scalar(value, key));
      TIDEMILL_TRY_LET(read, read_bin(mark.line, text));
      bin = std::move(read);
    } else if (key == "values" && value.is_sequence()) {
      bin.emplace();
      bin->kind = Bin::Kind::kValues;
      for (const YamlNode& item : value.items) {
        TIDEMILL_TRY_LET(text, scalar(item, "a text of values"));
        bin->values.push_back(std::move(text));
      }
    } else if (key == "points" || key == "woe") {
      TIDEMILL_TRY_LET(read, yaml_number(value, key));
      if (points) return at_line(mark.line, "a bin has points or a woe, not both");
      points = key == "woe" ? read * coefficient : read;
    } else {
      return at_line(mark.line, fmt::format("\"{}\" is not known; a bin has bin or values, and "
                                            "points or woe",
                                            printable(key, 40)));
    }
  }
  if (!bin || !points)
    return at_line(node.mark.line, "a bin needs bin or values, and points or woe");
  bin->points = *points;
  bin->line = node.mark.line;
  return *bin;
}

Result<Characteristic> read_yaml_characteristic(const YamlNode& node) {
  Characteristic out;
  out.line = node.mark.line;
  double coefficient = 1;
  const YamlNode* bins = nullptr;
  if (!node.is_map()) return at_line(node.mark.line, "a characteristic is a map");
  for (const auto& [key, mark, value] : node.entries) {
    if (key == "feature") {
      TIDEMILL_TRY_LET(text, scalar(value, key));
      out.feature = std::move(text);
    } else if (key == "coefficient") {
      TIDEMILL_TRY_LET(read, yaml_number(value, key));
      coefficient = read;
    } else if (key == "bins" && value.is_sequence()) {
      bins = &value;
    } else if (key != "group") {
      return at_line(mark.line, fmt::format("\"{}\" is not known; a characteristic has feature, "
                                            "group, coefficient and a list of bins",
                                            printable(key, 40)));
    }
  }
  if (bins == nullptr) return at_line(node.mark.line, "a characteristic needs a list of bins");
  for (const YamlNode& item : bins->items) {
    TIDEMILL_TRY_LET(bin, read_yaml_bin(item, coefficient));
    bin.place = static_cast<uint32_t>(out.bins.size());
    out.bins.push_back(std::move(bin));
  }
  return out;
}

// points = offset + factor x (base + the sum), factor = pdo / ln 2
Status read_scaling(const YamlNode& node, Ensemble& ensemble) {
  double offset = 0;
  for (const auto& [key, mark, value] : node.entries) {
    TIDEMILL_TRY_LET(read, yaml_number(value, key));
    if (key == "offset") {
      offset = read;
    } else if (key == "pdo") {
      ensemble.scale = read / std::numbers::ln2;
    } else {
      return at_line(mark.line, fmt::format("\"{}\" is not known; scaling has offset and pdo",
                                            printable(key, 40)));
    }
  }
  ensemble.offsets = {offset};
  return {};
}

}  // namespace

bool is_scorecard_yaml(std::string_view file) {
  for (std::string_view line : split(file.substr(0, 4096), '\n')) {
    if (trim(line).empty() || line.starts_with('#') || trim(line) == "---") continue;
    return line.starts_with("scorecard:");
  }
  return false;
}

bool is_scorecard_csv(std::string_view file) { return file.starts_with("feature,bin,points"); }

Result<Ensemble> read_scorecard_yaml(std::string_view file) {
  const auto document = parse_yaml(file, {.bytes = kMaxYamlBytes, .nodes = 500'000});
  if (!document) return at_line(document.error().mark.line, document.error().message);
  if (!document->is_map()) return at_line(1, "a scorecard is a map");
  Builder builder;
  for (const auto& [key, mark, value] : document->entries) {
    if (key == "scorecard") continue;  // its name
    if (key == "base") {
      TIDEMILL_TRY_LET(base, yaml_number(value, key));
      builder.ensemble().base_margins = {base};
    } else if (key == "scaling" && value.is_map()) {
      TIDEMILL_TRY(read_scaling(value, builder.ensemble()));
    } else if (key == "characteristics" && value.is_sequence()) {
      for (const YamlNode& item : value.items) {
        TIDEMILL_TRY_LET(characteristic, read_yaml_characteristic(item));
        TIDEMILL_TRY(builder.add(characteristic));
      }
    } else {
      return at_line(mark.line,
                     fmt::format("\"{}\" is not known or not of its kind; a scorecard has "
                                 "scorecard, base, scaling and characteristics",
                                 printable(key, 40)));
    }
  }
  return builder.finish();
}

Result<Ensemble> read_scorecard_csv(std::string_view file) {
  if (!is_utf8(file)) return fail(Code::kInvalid, "it is not UTF-8");
  Builder builder;
  Characteristic open;
  int number = 0;
  for (std::string_view line : split(file, '\n')) {
    ++number;
    line = trim(line);
    if (number == 1 || line.empty()) continue;
    // The bin may hold commas: it lies between the first one and the last.
    const size_t first = line.find(','), last = line.rfind(',');
    if (first == line.npos || first == last) {
      return at_line(number, "expected a feature, a bin and points");
    }
    std::string_view bin_text = trim(line.substr(first + 1, last - first - 1));
    if (bin_text.size() >= 2 && bin_text.starts_with('"') && bin_text.ends_with('"')) {
      bin_text = bin_text.substr(1, bin_text.size() - 2);
    }
    const std::string feature(trim(line.substr(0, first)));
    TIDEMILL_TRY_LET(bin, read_bin(number, bin_text));
    TIDEMILL_TRY_LET(points, number_at(number, line.substr(last + 1), "points"));
    if (feature == "base") {
      builder.ensemble().base_margins = {points};
      continue;
    }
    if (feature != open.feature && !open.bins.empty()) {
      TIDEMILL_TRY(builder.add(open));
      open = {};
    }
    if (open.bins.empty()) open.line = number;
    open.feature = feature;
    bin.points = points;
    bin.place = static_cast<uint32_t>(open.bins.size());
    open.bins.push_back(std::move(bin));
  }
  if (!open.bins.empty()) TIDEMILL_TRY(builder.add(open));
  return builder.finish();
}

}  // namespace tidemill::model
