// Functions of dates, times and intervals.
#include "sql/function.h"
#include "sql/lexer.h"
#include "value/date.h"
#include "value/date_format.h"
#include "value/date_part.h"

namespace tidemill::sql {

using value::Date;
using value::DateFormat;
using value::DatePart;
using value::Interval;
using value::Kind;
using value::TimeOfDay;
using value::Timestamp;
using value::Type;
using value::Value;
using View = std::string_view;

namespace {

Result<Interval> unit(int64_t n, View name) { return value::make_interval(n, name); }
Result<Interval> unit(double n, View name) { return value::make_interval(n, name); }

constexpr Function kDate[] = {
    plain<&value::last_day>("last_day"),
    plain<[](Timestamp t) { return value::last_day(value::date_of(t)); }>("last_day"),
    plain<&value::day_name>("dayname"),
    plain<[](Timestamp t) { return value::day_name(value::date_of(t)); }>("dayname"),
    plain<&value::month_name>("monthname"),
    plain<[](Timestamp t) { return value::month_name(value::date_of(t)); }>("monthname"),
    plain<[](int64_t y, int64_t m, int64_t d) { return value::make_date(y, m, d); }>("make_date"),
    plain<[](int32_t days) { return Date{days}; }>("make_date"),
    plain<&value::make_time>("make_time"),
    plain<&value::make_timestamp>("make_timestamp"),
    plain<&value::timestamp_from_epoch_us>("make_timestamp"),
    plain<&value::age>("age"),
    plain<&value::timestamp_from_epoch_ms>("epoch_ms"),
    plain<[](Timestamp t) { return t.us / 1000 - (t.us % 1000 < 0 ? 1 : 0); }>("epoch_ms"),
    plain<[](Timestamp t) { return t.us; }>("epoch_us"),
    plain<[](Timestamp t) { return t.us / 1'000'000 - (t.us % 1'000'000 < 0 ? 1 : 0); }>("epoch_s"),
    plain<[](int64_t n) { return unit(n, "years"); }>("to_years"),
    plain<[](int64_t n) { return unit(n, "quarters"); }>("to_quarters"),
    plain<[](int64_t n) { return unit(n, "months"); }>("to_months"),
    plain<[](int64_t n) { return unit(n, "weeks"); }>("to_weeks"),
    plain<[](int64_t n) { return unit(n, "days"); }>("to_days"),
    plain<[](int64_t n) { return unit(n, "hours"); }>("to_hours"),
    plain<[](int64_t n) { return unit(n, "minutes"); }>("to_minutes"),
    plain<[](double n) { return unit(n, "seconds"); }>("to_seconds"),
    plain<[](double n) { return unit(n, "milliseconds"); }>("to_milliseconds"),
    plain<[](int64_t n) { return unit(n, "microseconds"); }>("to_microseconds"),
    plain<[](Interval w, Date d) { return value::time_bucket(w, d); }>("time_bucket"),
    plain<[](Interval w, Timestamp t) { return value::time_bucket(w, t); }>("time_bucket"),
    plain<[](Interval w, Timestamp t, Timestamp o) { return value::time_bucket(w, t, o); }>(
        "time_bucket"),
    plain<[](Interval w, Timestamp t, Interval o) { return value::time_bucket(w, t, o); }>(
        "time_bucket"),
};

// --- date_part, date_trunc, date_diff, date_sub: the part is most often a constant ---

// The part of a call whose argument 0 holds its name, or of the extra.
Result<DatePart> part_of(const Call& call, size_t row) {
  if (call.extra != nullptr) return *static_cast<const DatePart*>(call.extra);
  return value::parse_date_part(call.args[0].at<View>(row));
}

template <class F>
void part_rows(const Call& call, size_t n, F&& f) {
  for (size_t row = 0; row < n; ++row) {
    uint8_t state = kValueState;
    for (size_t i = 0; i < call.arg_count; ++i) state = both(state, call.args[i].state_at(row));
    call.out.state[row] = state;
    if (state != kValueState) continue;
    const Result<DatePart> part = part_of(call, row);
    if (!part) {
      call.fail_row(row, part.error());
    } else {
      wrap_detail::write(call, row, f(*part, row));
    }
  }
}

template <class T>
T argument(const Call& call, size_t i, size_t row) {
  return Stored<T>::load(call.args[i].at<typename Stored<T>::Type>(row));
}

template <class T>
void extract_rows(const Call& call, size_t n) {
  const size_t at = call.arg_count - 1;
  part_rows(call, n, [&](DatePart part, size_t row) {
    return value::extract(part, argument<T>(call, at, row));
  });
}

// DOUBLE for every part: the part is not known when the query is bound.
template <class T>
void extract_double_rows(const Call& call, size_t n) {
  const size_t at = call.arg_count - 1;
  part_rows(call, n, [&](DatePart part, size_t row) -> Result<std::optional<double>> {
    const T x = argument<T>(call, at, row);
    if (value::part_is_double(part)) return value::extract_double(part, x);
    TIDEMILL_TRY_LET(whole, value::extract(part, x));
    return whole ? std::optional<double>(double(*whole)) : std::nullopt;
  });
}

template <class T>
void trunc_rows(const Call& call, size_t n) {
  const size_t at = call.arg_count - 1;
  part_rows(call, n, [&](DatePart part, size_t row) {
    return value::date_trunc(part, argument<T>(call, at, row));
  });
}

template <class T, bool is_whole>
void between_rows(const Call& call, size_t n) {
  const size_t at = call.arg_count - 2;
  part_rows(call, n, [&](DatePart part, size_t row) {
    const T start = argument<T>(call, at, row);
    const T end = argument<T>(call, at + 1, row);
    return is_whole ? value::date_sub(part, start, end) : value::date_diff(part, start, end);
  });
}

// The call with the part taken out of the arguments if it is a constant.
Result<BoundPtr> finish_part(View name, Kernel kernel, Type result, std::vector<BoundPtr> args,
                             Position at) {
  TIDEMILL_TRY_LET(part, bind_cast(args[0], Kind::kVarchar, false, at));
  args[0] = part;
  CallOptions options;
  if (part->is_constant() && !part->is_null()) {
    auto parsed = value::parse_date_part(part->constant.as_text());
    if (!parsed) return fail(Error{parsed.error()});
    options.extra = std::make_shared<DatePart>(*parsed);
    options.extra_key = fmt::format("{}", static_cast<int>(*parsed));
    args.erase(args.begin());
  }
  return bound_call(name, kernel, std::move(result), std::move(args), at, std::move(options));
}

// The kind that a date function works on: text literals and untyped nulls are taken as timestamps.
Result<Kind> temporal_kind(View name, const std::vector<BoundPtr>& args, size_t i, Position at) {
  const BoundPtr& arg = args[i];
  switch (arg->type.kind()) {
    case Kind::kDate:
    case Kind::kTime:
    case Kind::kInterval:
    case Kind::kTimestamp:
    case Kind::kTimestampTz:
      return arg->type.kind();
    case Kind::kNull:
      return Kind::kTimestamp;
    default:
      break;
  }
  return fail(no_match(name, args, at));
}

bool is_double_part(const BoundPtr& part) {
  if (!part->is_constant() || part->is_null() || !part->type.is_text()) return true;
  const auto parsed = value::parse_date_part(part->constant.as_text());
  return parsed && value::part_is_double(*parsed);
}

template <template <class> class Rows>
Kernel by_temporal(Kind kind) {
  switch (kind) {
    case Kind::kDate:
      return Rows<Date>::kernel;
    case Kind::kTime:
      return Rows<TimeOfDay>::kernel;
    case Kind::kInterval:
      return Rows<Interval>::kernel;
    default:
      return Rows<Timestamp>::kernel;
  }
}
template <class T>
struct ExtractRows {
  static constexpr Kernel kernel = &extract_rows<T>;
};
template <class T>
struct ExtractDoubleRows {
  static constexpr Kernel kernel = &extract_double_rows<T>;
};

Result<BoundPtr> bind_date_part(View name, std::vector<BoundPtr> args, Position at) {
  TIDEMILL_TRY_LET(kind, temporal_kind(name, args, 1, at));
  TIDEMILL_TRY_LET(x, bind_cast(args[1], kind, false, at));
  args[1] = x;
  if (!args[0]->type.is_text() && !args[0]->is_null()) return fail(no_match(name, args, at));
  const bool is_double = is_double_part(args[0]);
  const Kernel kernel =
      is_double ? by_temporal<ExtractDoubleRows>(kind) : by_temporal<ExtractRows>(kind);
  return finish_part(name, kernel, is_double ? Kind::kDouble : Kind::kInt64, std::move(args), at);
}

// year(x), dayofweek(x), ...: date_part with the part's name.
Result<BoundPtr> bind_named_part(View name, std::vector<BoundPtr> args, Position at) {
  if (args[0]->literal == LiteralKind::kText) {
    return fail(sql_error("Binder Error", at,
                          fmt::format("Could not choose a best candidate function for the function "
                                      "call \"{}(STRING_LITERAL)\". In order to select one, please "
                                      "add explicit type casts",
                                      name)));
  }
  args.insert(args.begin(), bound_constant(Value::text(std::string(name))));
  return bind_date_part(name, std::move(args), at);
}

Result<BoundPtr> bind_date_trunc(View name, std::vector<BoundPtr> args, Position at) {
  TIDEMILL_TRY_LET(kind, temporal_kind(name, args, 1, at));
  if (kind == Kind::kTime) return fail(no_match(name, args, at));
  const Kind as = kind == Kind::kDate ? Kind::kTimestamp : kind;
  TIDEMILL_TRY_LET(x, bind_cast(args[1], as, false, at));
  args[1] = x;
  const Kernel kernel = as == Kind::kInterval ? &trunc_rows<Interval> : &trunc_rows<Timestamp>;
  return finish_part(name, kernel, as, std::move(args), at);
}

template <bool is_whole>
Result<BoundPtr> bind_between(View name, std::vector<BoundPtr> args, Position at) {
  const bool is_time = args[1]->type.kind() == Kind::kTime || args[2]->type.kind() == Kind::kTime;
  const Kind as = is_time ? Kind::kTime : Kind::kTimestamp;
  for (size_t i = 1; i < 3; ++i) {
    if (args[i]->literal != LiteralKind::kText) {
      TIDEMILL_TRY_LET(kind, temporal_kind(name, args, i, at));
      if (kind == Kind::kInterval) return fail(no_match(name, args, at));
    }
    TIDEMILL_TRY_LET(x, bind_cast(args[i], as, false, at));
    args[i] = x;
  }
  const Kernel kernel =
      is_time ? &between_rows<TimeOfDay, is_whole> : &between_rows<Timestamp, is_whole>;
  return finish_part(name, kernel, Kind::kInt64, std::move(args), at);
}

// --- strftime and strptime ---

Result<DateFormat> format_of(const Call& call, size_t row) {
  if (call.extra != nullptr) return *static_cast<const DateFormat*>(call.extra);
  return DateFormat::compile(call.args[1].at<View>(row));
}

template <class F>
void format_rows(const Call& call, size_t n, F&& f) {
  for (size_t row = 0; row < n; ++row) {
    uint8_t state = kValueState;
    for (size_t i = 0; i < call.arg_count; ++i) state = both(state, call.args[i].state_at(row));
    call.out.state[row] = state;
    if (state != kValueState) continue;
    if (call.extra != nullptr) {
      f(*static_cast<const DateFormat*>(call.extra), row);
      continue;
    }
    const Result<DateFormat> format = format_of(call, row);
    if (!format) {
      call.fail_row(row, format.error());
    } else {
      f(*format, row);
    }
  }
}

void strftime_rows(const Call& call, size_t n) {
  format_rows(call, n, [&](const DateFormat& format, size_t row) {
    wrap_detail::write(call, row, format.format(argument<Timestamp>(call, 0, row)));
  });
}
void strftime_date_rows(const Call& call, size_t n) {
  format_rows(call, n, [&](const DateFormat& format, size_t row) {
    wrap_detail::write(call, row, format.format(argument<Date>(call, 0, row)));
  });
}
void strptime_rows(const Call& call, size_t n) {
  format_rows(call, n, [&](const DateFormat& format, size_t row) {
    wrap_detail::write(call, row, format.parse(call.args[0].at<View>(row)));
  });
}
void try_strptime_rows(const Call& call, size_t n) {
  format_rows(call, n, [&](const DateFormat& format, size_t row) {
    wrap_detail::write(call, row, format.try_parse(call.args[0].at<View>(row)));
  });
}

Result<BoundPtr> finish_format(View name, Kernel kernel, Type result, std::vector<BoundPtr> args,
                               Position at) {
  CallOptions options;
  if (args[1]->is_constant() && !args[1]->is_null()) {
    auto format = DateFormat::compile(args[1]->constant.as_text());
    if (!format) return fail(Error{format.error()});
    options.extra_key = args[1]->constant.as_text();
    options.extra = std::make_shared<const DateFormat>(*std::move(format));
    args.pop_back();
  }
  return bound_call(name, kernel, std::move(result), std::move(args), at, std::move(options));
}

Result<BoundPtr> bind_strftime(View name, std::vector<BoundPtr> args, Position at) {
  if (args[0]->type.is_text() && !args[1]->type.is_text()) std::swap(args[0], args[1]);
  TIDEMILL_TRY_LET(kind, temporal_kind(name, args, 0, at));
  if (kind == Kind::kTime || kind == Kind::kInterval) return fail(no_match(name, args, at));
  const bool is_date = kind == Kind::kDate;
  TIDEMILL_TRY_LET(x, bind_cast(args[0], is_date ? Kind::kDate : Kind::kTimestamp, false, at));
  TIDEMILL_TRY_LET(format, bind_cast(args[1], Kind::kVarchar, false, at));
  return finish_format(name, is_date ? &strftime_date_rows : &strftime_rows, Kind::kVarchar,
                       {x, format}, at);
}

// strptime(text, [format, ...]): the first format that fits.
struct FormatList {
  std::vector<DateFormat> formats;
  bool is_try = false;
};

Result<std::optional<Timestamp>> parse_with_list(const Call& call, View text) {
  const auto& list = *static_cast<const FormatList*>(call.extra);
  Result<Timestamp> parsed = value::parse_with_any(list.formats, text);
  if (parsed) return *parsed;
  if (list.is_try) return std::nullopt;
  return fail(parsed.error());
}

Result<BoundPtr> bind_strptime(View name, std::vector<BoundPtr> args, Position at) {
  const bool is_try = name == "try_strptime";
  const bool is_list = args[1]->type.kind() == Kind::kList && args[1]->is_constant();
  if (is_list && !args[1]->is_null()) {
    auto list = std::make_shared<FormatList>();
    list->is_try = is_try;
    CallOptions options;
    for (const Value& item : args[1]->constant.items()) {
      auto format = DateFormat::compile(item.to_text());
      if (!format) return fail(Error{format.error()});
      list->formats.push_back(*std::move(format));
      options.extra_key += item.to_text() + "\n";
    }
    options.extra = std::move(list);
    TIDEMILL_TRY_LET(text, bind_cast(args[0], Kind::kVarchar, false, at));
    return bound_call(name, &wrap<&parse_with_list>, Kind::kTimestamp, {text}, at,
                      std::move(options));
  }
  static constexpr Kind kinds[] = {Kind::kVarchar};
  TIDEMILL_TRY_LET(texts, cast_arguments(name, std::move(args), kinds, at));
  return finish_format(name, is_try ? &try_strptime_rows : &strptime_rows, Kind::kTimestamp,
                       std::move(texts), at);
}

Result<BoundPtr> bind_date_add(View, std::vector<BoundPtr> args, Position at) {
  return bind_arithmetic("+", std::move(args[0]), std::move(args[1]), at);
}

Result<BoundPtr> bind_to_timestamp(View, std::vector<BoundPtr> args, Position at) {
  TIDEMILL_TRY_LET(seconds, bind_cast(std::move(args[0]), Kind::kDouble, false, at));
  return bound_call("to_timestamp", &wrap<&value::timestamp_from_epoch_seconds>, Kind::kTimestampTz,
                    {seconds}, at);
}

constexpr SpecialFunction kSpecials[] = {
    {"date_part", 2, 2, &bind_date_part, "date_part(VARCHAR, TIMESTAMP) -> BIGINT or DOUBLE"},
    {"datepart", 2, 2, &bind_date_part, "datepart(VARCHAR, TIMESTAMP) -> BIGINT or DOUBLE"},
    {"date_trunc", 2, 2, &bind_date_trunc, "date_trunc(VARCHAR, TIMESTAMP) -> TIMESTAMP"},
    {"datetrunc", 2, 2, &bind_date_trunc, "datetrunc(VARCHAR, TIMESTAMP) -> TIMESTAMP"},
    {"date_diff", 3, 3, &bind_between<false>, "date_diff(VARCHAR, TIMESTAMP, TIMESTAMP) -> BIGINT"},
    {"datediff", 3, 3, &bind_between<false>, "datediff(VARCHAR, TIMESTAMP, TIMESTAMP) -> BIGINT"},
    {"date_sub", 3, 3, &bind_between<true>, "date_sub(VARCHAR, TIMESTAMP, TIMESTAMP) -> BIGINT"},
    {"datesub", 3, 3, &bind_between<true>, "datesub(VARCHAR, TIMESTAMP, TIMESTAMP) -> BIGINT"},
    {"date_add", 2, 2, &bind_date_add, "date_add(DATE, INTERVAL) -> TIMESTAMP"},
    {"strftime", 2, 2, &bind_strftime, "strftime(TIMESTAMP, VARCHAR) -> VARCHAR"},
    {"strptime", 2, 2, &bind_strptime, "strptime(VARCHAR, VARCHAR) -> TIMESTAMP"},
    {"try_strptime", 2, 2, &bind_strptime, "try_strptime(VARCHAR, VARCHAR) -> TIMESTAMP"},
    {"to_timestamp", 1, 1, &bind_to_timestamp, "to_timestamp(DOUBLE) -> TIMESTAMPTZ"},
    {"year", 1, 1, &bind_named_part, "year(TIMESTAMP) -> BIGINT"},
    {"month", 1, 1, &bind_named_part, "month(TIMESTAMP) -> BIGINT"},
    {"day", 1, 1, &bind_named_part, "day(TIMESTAMP) -> BIGINT"},
    {"dayofmonth", 1, 1, &bind_named_part, "dayofmonth(TIMESTAMP) -> BIGINT"},
    {"decade", 1, 1, &bind_named_part, "decade(TIMESTAMP) -> BIGINT"},
    {"century", 1, 1, &bind_named_part, "century(TIMESTAMP) -> BIGINT"},
    {"millennium", 1, 1, &bind_named_part, "millennium(TIMESTAMP) -> BIGINT"},
    {"quarter", 1, 1, &bind_named_part, "quarter(TIMESTAMP) -> BIGINT"},
    {"week", 1, 1, &bind_named_part, "week(TIMESTAMP) -> BIGINT"},
    {"weekofyear", 1, 1, &bind_named_part, "weekofyear(TIMESTAMP) -> BIGINT"},
    {"isoyear", 1, 1, &bind_named_part, "isoyear(TIMESTAMP) -> BIGINT"},
    {"yearweek", 1, 1, &bind_named_part, "yearweek(TIMESTAMP) -> BIGINT"},
    {"dayofweek", 1, 1, &bind_named_part, "dayofweek(TIMESTAMP) -> BIGINT"},
    {"weekday", 1, 1, &bind_named_part, "weekday(TIMESTAMP) -> BIGINT"},
    {"isodow", 1, 1, &bind_named_part, "isodow(TIMESTAMP) -> BIGINT"},
    {"dayofyear", 1, 1, &bind_named_part, "dayofyear(TIMESTAMP) -> BIGINT"},
    {"era", 1, 1, &bind_named_part, "era(TIMESTAMP) -> BIGINT"},
    {"hour", 1, 1, &bind_named_part, "hour(TIMESTAMP) -> BIGINT"},
    {"minute", 1, 1, &bind_named_part, "minute(TIMESTAMP) -> BIGINT"},
    {"second", 1, 1, &bind_named_part, "second(TIMESTAMP) -> BIGINT"},
    {"millisecond", 1, 1, &bind_named_part, "millisecond(TIMESTAMP) -> BIGINT"},
    {"microsecond", 1, 1, &bind_named_part, "microsecond(TIMESTAMP) -> BIGINT"},
    {"epoch", 1, 1, &bind_named_part, "epoch(TIMESTAMP) -> DOUBLE"},
    {"julian", 1, 1, &bind_named_part, "julian(TIMESTAMP) -> DOUBLE"},
};

}  // namespace

std::span<const Function> date_functions() { return kDate; }
std::span<const SpecialFunction> date_specials() { return kSpecials; }

}  // namespace tidemill::sql
