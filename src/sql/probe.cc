#include "sql/probe.h"

#include <cmath>

#include "base/json.h"
#include "base/text.h"
#include "sql/query.h"
#include "sql/result_json.h"

namespace tidemill::sql {

using value::Batch;
using value::Value;

namespace {

Result<Batch> answer(const std::string& sql) {
  TIDEMILL_TRY_LET(statement, Statement::parse(sql));
  TIDEMILL_TRY_LET(query, Query::bind(statement, Catalog{}));
  return query.run({});
}

// Doubles agree to some last bits: formulas over sums may be computed in another order.
bool same_json(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number() && (a.is_double() || b.is_double())) {
    const double x = a.as_double();
    const double y = b.as_double();
    return x == y || std::fabs(x - y) <= 1e-14 * std::max(std::fabs(x), std::fabs(y));
  }
  return a == b;
}

// The sign of NaN has no meaning.
std::string without_nan_sign(std::string text) { return text == "-nan" ? "nan" : text; }

std::string compare_value(const Json& probe, const Batch& batch) {
  if (batch.rows() != 1 || batch.width() != 1) {
    return fmt::format("found {} rows of {} columns, expected one value", batch.rows(),
                       batch.width());
  }
  const Value value = batch.at(0, 0);
  const std::string type = value.type().name();
  if (type != probe.text_or("type", "")) {
    return fmt::format("type: found {}, expected {}", type, probe.text_or("type", ""));
  }
  std::string shown;
  append_value_json(shown, value);
  const auto found = parse_json(shown);
  const Json* expected = probe.find("value");
  if (!found || expected == nullptr || !same_json(*found, *expected)) {
    return fmt::format("value: found {}, expected {}", shown,
                       expected == nullptr ? "nothing" : expected->dump());
  }
  const Json* text = probe.find("text");
  if (text == nullptr || text->is_null()) return "";
  const std::string own = without_nan_sign(value.to_text());
  if (own != without_nan_sign(text->as_string()) && !value.type().is_floating()) {
    return fmt::format("text: found {}, expected {}", own, text->as_string());
  }
  return "";
}

std::string compare_error(const Json& probe, const Error& error) {
  if (probe.find("error") == nullptr) {
    return fmt::format("found the error {}, expected {}", error.text(),
                       probe.find("value") == nullptr ? "" : probe.find("value")->dump());
  }
  const std::string expected = probe.text_or("error_class", "");
  const std::string_view found = error_class(error);
  if (found == expected) return "";
  return fmt::format("error class: found {} ({}), expected {}", found, error.text(), expected);
}

}  // namespace

Result<std::vector<ProbeOutcome>> run_probes(std::string_view lines) {
  std::vector<ProbeOutcome> out;
  size_t number = 0;
  for (const std::string_view line : split(lines, '\n')) {
    ++number;
    if (trim(line).empty()) continue;
    auto probe = parse_json(line);
    if (!probe) {
      return fail(probe.error().in(fmt::format("line {}", number)));
    }
    const Json* sql = probe->find("sql");
    if (sql == nullptr) continue;
    if (!sql->is_string()) {
      return fail(Code::kInvalid, fmt::format("line {}: \"sql\" is no text", number));
    }
    ProbeOutcome outcome;
    outcome.sql = sql->as_string();
    outcome.id = probe->find("id") == nullptr ? "" : probe->find("id")->dump();
    const Result<Batch> result = answer("SELECT " + outcome.sql);
    if (!result) {
      outcome.difference = compare_error(*probe, result.error());
    } else if (probe->find("error") != nullptr) {
      outcome.difference = fmt::format("found {}, expected the error {}", result_json(*result),
                                       probe->text_or("error", ""));
    } else {
      outcome.difference = compare_value(*probe, *result);
    }
    out.push_back(std::move(outcome));
  }
  return out;
}

}  // namespace tidemill::sql
