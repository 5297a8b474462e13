// Dates, times and intervals against DuckDB's answers.
#include "value/date.h"
#include "value/date_format.h"
#include "value/date_part.h"
#include "value/interval.h"
#include "value/vector_test.h"

namespace tidemill::value {
namespace {

using Arguments = VectorArguments;

VectorAnswer whole(const Result<std::optional<int64_t>>& result) {
  if (!result) return fail(result.error());
  if (!result->has_value()) return std::nullopt;
  return std::optional<std::string>(std::to_string(**result));
}
VectorAnswer real(const Result<std::optional<double>>& result) {
  if (!result) return fail(result.error());
  if (!result->has_value()) return std::nullopt;
  return std::optional<std::string>(format_double(**result));
}
VectorAnswer text(std::string answer) { return std::optional<std::string>(std::move(answer)); }

Timestamp stamp(const std::string& given) { return parse_timestamp(given).value(); }
Interval span_of(const std::string& given) { return parse_interval(given).value(); }
DatePart part_of(const std::string& given) { return parse_date_part(given).value(); }

void add_reading(VectorTable& table) {
  table["parse_date"] = [](const Arguments& a) { return answer_of(parse_date(a[0]), format_date); };
  table["parse_timestamp"] = [](const Arguments& a) {
    return answer_of(parse_timestamp(a[0]), format_timestamp);
  };
  table["parse_timestamptz"] = [](const Arguments& a) {
    return answer_of(parse_timestamptz(a[0]), format_timestamptz);
  };
  table["parse_time"] = [](const Arguments& a) { return answer_of(parse_time(a[0]), format_time); };
  table["date_of"] = [](const Arguments& a) { return text(format_date(date_of(stamp(a[0])))); };
  table["time_of"] = [](const Arguments& a) {
    return answer_of(time_of(stamp(a[0])), format_time);
  };
  table["make_date"] = [](const Arguments& a) {
    return answer_of(make_date(std::stoll(a[0]), std::stoll(a[1]), std::stoll(a[2])), format_date);
  };
  table["make_time"] = [](const Arguments& a) {
    return answer_of(make_time(std::stoll(a[0]), std::stoll(a[1]), std::stod(a[2])), format_time);
  };
  table["strftime"] = [](const Arguments& a) -> VectorAnswer {
    TIDEMILL_TRY_LET(format, DateFormat::compile(a[1]));
    return text(format.format(stamp(a[0])));
  };
  table["strptime"] = [](const Arguments& a) -> VectorAnswer {
    TIDEMILL_TRY_LET(format, DateFormat::compile(a[1]));
    return answer_of(format.parse(a[0]), format_timestamp);
  };
}

void add_parts(VectorTable& table) {
  table["extract"] = [](const Arguments& a) { return whole(extract(part_of(a[0]), stamp(a[1]))); };
  table["extract_double"] = [](const Arguments& a) {
    return real(extract_double(part_of(a[0]), stamp(a[1])));
  };
  table["date_trunc"] = [](const Arguments& a) {
    return answer_of(date_trunc(part_of(a[0]), stamp(a[1])), format_timestamp);
  };
  table["date_diff"] = [](const Arguments& a) {
    return whole(date_diff(part_of(a[0]), stamp(a[1]), stamp(a[2])));
  };
  table["date_sub"] = [](const Arguments& a) {
    return whole(date_sub(part_of(a[0]), stamp(a[1]), stamp(a[2])));
  };
  table["last_day"] = [](const Arguments& a) -> VectorAnswer {
    const auto day = last_day(parse_date(a[0]).value());
    return day ? text(format_date(*day)) : VectorAnswer(std::nullopt);
  };
  table["dayname"] = [](const Arguments& a) -> VectorAnswer {
    const auto name = day_name(parse_date(a[0]).value());
    return name ? text(std::string(*name)) : VectorAnswer(std::nullopt);
  };
  table["monthname"] = [](const Arguments& a) -> VectorAnswer {
    const auto name = month_name(parse_date(a[0]).value());
    return name ? text(std::string(*name)) : VectorAnswer(std::nullopt);
  };
}

void add_arithmetic(VectorTable& table) {
  table["age"] = [](const Arguments& a) -> VectorAnswer {
    const auto interval = age(stamp(a[0]), stamp(a[1]));
    return interval ? text(format_interval(*interval)) : VectorAnswer(std::nullopt);
  };
  table["difference"] = [](const Arguments& a) {
    return answer_of(difference(stamp(a[0]), stamp(a[1])), format_interval);
  };
  table["add_interval"] = [](const Arguments& a) {
    return answer_of(add(stamp(a[0]), span_of(a[1])), format_timestamp);
  };
  table["subtract_interval"] = [](const Arguments& a) {
    return answer_of(subtract(stamp(a[0]), span_of(a[1])), format_timestamp);
  };
  table["add_days"] = [](const Arguments& a) {
    return answer_of(add_days(parse_date(a[0]).value(), std::stoll(a[1])), format_date);
  };
  table["time_add"] = [](const Arguments& a) {
    return text(format_time(add(parse_time(a[0]).value(), span_of(a[1]))));
  };
  table["time_bucket"] = [](const Arguments& a) {
    return answer_of(time_bucket(span_of(a[0]), stamp(a[1])), format_timestamp);
  };
  table["time_bucket_offset"] = [](const Arguments& a) {
    return answer_of(time_bucket(span_of(a[0]), stamp(a[1]), span_of(a[2])), format_timestamp);
  };
  table["time_bucket_origin"] = [](const Arguments& a) {
    return answer_of(time_bucket(span_of(a[0]), stamp(a[1]), stamp(a[2])), format_timestamp);
  };
}

TEST(DateVectors, TextPartsAndArithmeticAgree) {
  VectorTable table;
  add_reading(table);
  add_parts(table);
  add_arithmetic(table);
  // A blank before 'Z' or an offset is as good in TIMESTAMPTZ as in TIMESTAMP, and a day that the
  // year lacks is an error.
  run_vectors(
      "dates", table, VectorMatch::kExact,
      {R"(["parse_timestamptz","2024-12-31 10:05:01 Z"])",
       R"(["parse_timestamptz","2024-12-31 10:05:01 +02"])", R"(["strptime","2023 366","%Y %j"])"});
}

TEST(IntervalVectors, TextComparisonAndArithmeticAgree) {
  VectorTable table;
  const auto boolean = [](bool b) { return text(b ? "true" : "false"); };
  table["parse_interval"] = [](const Arguments& a) {
    return answer_of(parse_interval(a[0]), format_interval);
  };
  table["interval_multiply"] = [](const Arguments& a) {
    return answer_of(multiply(span_of(a[0]), std::stod(a[1])), format_interval);
  };
  table["interval_divide"] = [](const Arguments& a) {
    return answer_of(divide(span_of(a[0]), std::stod(a[1])), format_interval);
  };
  table["interval_add"] = [](const Arguments& a) {
    return answer_of(add(span_of(a[0]), span_of(a[1])), format_interval);
  };
  table["interval_subtract"] = [](const Arguments& a) {
    return answer_of(subtract(span_of(a[0]), span_of(a[1])), format_interval);
  };
  table["interval_equal"] = [boolean](const Arguments& a) {
    return boolean(span_of(a[0]) == span_of(a[1]));
  };
  table["interval_less"] = [boolean](const Arguments& a) {
    return boolean(span_of(a[0]) < span_of(a[1]));
  };
  table["interval_extract"] = [](const Arguments& a) {
    return whole(extract(part_of(a[0]), span_of(a[1])));
  };
  table["interval_epoch"] = [](const Arguments& a) {
    return real(extract_double(DatePart::kEpoch, span_of(a[0])));
  };
  table["interval_trunc"] = [](const Arguments& a) {
    return answer_of(date_trunc(part_of(a[0]), span_of(a[1])), format_interval);
  };
  // The months leave a remainder of -10.0000003 days, which doubles of this size cannot tell from
  // ten.
  run_vectors("intervals", table, VectorMatch::kExact,
              {R"(["interval_divide","2147483647 months","-3"])"});
}

}  // namespace
}  // namespace tidemill::value
