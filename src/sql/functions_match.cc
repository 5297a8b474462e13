// LIKE, GLOB and regular expressions. A constant pattern is compiled once, when the query is bound.
#include "sql/function.h"
#include "sql/kernels/pattern.h"
#include "sql/lexer.h"

namespace tidemill::sql {

using value::Kind;
using value::Type;
using value::Value;
namespace k = kernels;
using View = std::string_view;

namespace {

// --- LIKE and ILIKE ---

template <k::LetterCase letter_case>
Result<bool> like_any(View text, View pattern, View escape) {
  TIDEMILL_TRY_LET(compiled, k::LikePattern::compile(pattern, escape, letter_case));
  return compiled.matches(text);
}

bool like_compiled(const Call& call, View text) {
  return static_cast<const k::LikePattern*>(call.extra)->matches(text);
}

Result<BoundPtr> bind_like(View name, std::vector<BoundPtr> args, Position at) {
  static constexpr Kind kinds[] = {Kind::kVarchar};
  const bool is_negated = name.starts_with("!");
  const bool ignores_case = name.ends_with("*") || name.starts_with("ilike");
  TIDEMILL_TRY_LET(texts, cast_arguments(name, std::move(args), kinds, at));
  if (texts.size() == 2) texts.push_back(bound_constant(Value::text("")));
  const auto letter_case = ignores_case ? k::LetterCase::kInsensitive : k::LetterCase::kSensitive;
  const bool is_constant = texts[1]->is_constant() && texts[2]->is_constant() &&
                           !texts[1]->is_null() && !texts[2]->is_null();
  BoundPtr match;
  auto compiled = is_constant ? k::LikePattern::compile(texts[1]->constant.as_text(),
                                                        texts[2]->constant.as_text(), letter_case)
                              : Result<k::LikePattern>();
  if (is_constant && compiled) {
    CallOptions options;
    options.extra = std::make_shared<const k::LikePattern>(*std::move(compiled));
    options.extra_key = fmt::format("{}/{}/{}", texts[1]->constant.as_text(),
                                    texts[2]->constant.as_text(), ignores_case);
    match =
        bound_call("like", &wrap<&like_compiled>, Kind::kBool, {texts[0]}, at, std::move(options));
  } else {
    const Kernel kernel = ignores_case ? &wrap<&like_any<k::LetterCase::kInsensitive>>
                                       : &wrap<&like_any<k::LetterCase::kSensitive>>;
    match = bound_call("like", kernel, Kind::kBool, std::move(texts), at);
  }
  return is_negated ? bind_not(std::move(match), at) : Result<BoundPtr>(std::move(match));
}

Result<BoundPtr> bind_glob(View name, std::vector<BoundPtr> args, Position at) {
  static constexpr Kind kinds[] = {Kind::kVarchar};
  TIDEMILL_TRY_LET(texts, cast_arguments(name, std::move(args), kinds, at));
  return bound_call("glob", &wrap<&k::glob_matches>, Kind::kBool, std::move(texts), at);
}

// --- Regular expressions ---
//
// Each kernel reads its pattern from the extra; where pattern or options are no constants, the
// arguments stand behind the others and are compiled for each row.

struct RegexExtra {
  k::RegexUse use = k::RegexUse::kMatch;
  std::optional<k::Regex> regex;
  size_t pattern_at = 0;  // which argument holds the pattern, if it is not compiled
  size_t options_at = 0;  // 0: none
};

Result<k::Regex> regex_of(const Call& call, size_t row) {
  const auto& extra = *static_cast<const RegexExtra*>(call.extra);
  if (extra.regex) return *extra.regex;
  const View options = extra.options_at == 0 ? View() : call.args[extra.options_at].at<View>(row);
  return k::Regex::compile(call.args[extra.pattern_at].at<View>(row), options, extra.use);
}

template <class F>
void regex_rows(const Call& call, size_t n, F&& f) {
  for (size_t row = 0; row < n; ++row) {
    uint8_t state = kValueState;
    for (size_t i = 0; i < call.arg_count; ++i) state = both(state, call.args[i].state_at(row));
    call.out.state[row] = state;
    if (state != kValueState) continue;
    const Result<k::Regex> regex = regex_of(call, row);
    if (!regex) {
      call.fail_row(row, regex.error());
    } else {
      f(*regex, call.args[0].at<View>(row), row);
    }
  }
}

template <bool (k::Regex::*test)(View) const>
void regex_test(const Call& call, size_t n) {
  regex_rows(call, n, [&](const k::Regex& regex, View text, size_t row) {
    call.out.data[row] = (regex.*test)(text);
  });
}

void regex_extract(const Call& call, size_t n) {
  regex_rows(call, n, [&](const k::Regex& regex, View text, size_t row) {
    Result<std::string> part = regex.extract(text, call.args[1].at<int64_t>(row));
    if (!part) return call.fail_row(row, part.error());
    call.out.values<View>()[row] = call.context->arena.copy(*part);
  });
}

void regex_replace(const Call& call, size_t n) {
  regex_rows(call, n, [&](const k::Regex& regex, View text, size_t row) {
    wrap_detail::write(call, row, regex.replace(text, call.args[1].at<View>(row)));
  });
}

Value list_of_texts(const std::vector<std::string>& parts) {
  std::vector<Value> items;
  for (const std::string& part : parts) items.push_back(Value::text(part));
  return Value::nested(Type::list(Kind::kVarchar), std::move(items));
}

void regex_split(const Call& call, size_t n) {
  regex_rows(call, n, [&](const k::Regex& regex, View text, size_t row) {
    call.out.values<const Value*>()[row] =
        call.context->arena.keep(list_of_texts(regex.split(text)));
  });
}

void regex_extract_all(const Call& call, size_t n) {
  regex_rows(call, n, [&](const k::Regex& regex, View text, size_t row) {
    const auto parts = regex.extract_all(text, call.args[1].at<int64_t>(row));
    if (!parts) return call.fail_row(row, parts.error());
    call.out.values<const Value*>()[row] = call.context->arena.keep(list_of_texts(*parts));
  });
}

struct RegexCall {
  View name;
  Kernel kernel;
  Type result;
  std::vector<BoundPtr> args;  // without pattern and options
  BoundPtr pattern;
  BoundPtr options;  // or null
};

Result<BoundPtr> finish_regex(RegexCall call, Position at) {
  auto extra = std::make_shared<RegexExtra>();
  extra->use = call.name == "regexp_replace" ? k::RegexUse::kReplace : k::RegexUse::kMatch;
  std::string key;
  const bool is_constant =
      call.pattern->is_constant() && !call.pattern->is_null() &&
      (!call.options || (call.options->is_constant() && !call.options->is_null()));
  if (is_constant) {
    const std::string options = call.options ? call.options->constant.as_text() : "";
    auto regex = k::Regex::compile(call.pattern->constant.as_text(), options, extra->use);
    if (!regex) return fail(Error{regex.error()});
    extra->regex = *std::move(regex);
    key = call.pattern->constant.as_text() + "/" + options;
  } else {
    extra->pattern_at = call.args.size();
    call.args.push_back(call.pattern);
    if (call.options) {
      extra->options_at = call.args.size();
      call.args.push_back(call.options);
    }
  }
  CallOptions options;
  options.extra = std::move(extra);
  options.extra_key = std::move(key);
  return bound_call(call.name, call.kernel, call.result, std::move(call.args), at,
                    std::move(options));
}

Result<BoundPtr> bind_regex_test(View name, std::vector<BoundPtr> args, Position at) {
  static constexpr Kind kinds[] = {Kind::kVarchar};
  TIDEMILL_TRY_LET(texts, cast_arguments(name, std::move(args), kinds, at));
  const bool is_part = name == "regexp_matches" || name.find('~') != View::npos;
  const bool is_negated = name.starts_with("!");
  BoundPtr options = texts.size() > 2 ? texts[2] : nullptr;
  if (name.ends_with("*")) options = bound_constant(Value::text("i"));
  auto match = finish_regex(
      {name,
       is_part ? &regex_test<&k::Regex::matches_somewhere> : &regex_test<&k::Regex::matches_whole>,
       Kind::kBool,
       {texts[0]},
       texts[1],
       options},
      at);
  if (!match || !is_negated) return match;
  return bind_not(*std::move(match), at);
}

Result<BoundPtr> bind_regex_extract(View name, std::vector<BoundPtr> args, Position at) {
  static constexpr Kind kinds[] = {Kind::kVarchar, Kind::kVarchar, Kind::kInt64, Kind::kVarchar};
  if (args.size() == 2) args.push_back(bound_constant(Value::bigint(0)));
  TIDEMILL_TRY_LET(cast, cast_arguments(name, std::move(args), kinds, at));
  const bool is_all = name == "regexp_extract_all";
  return finish_regex({name,
                       is_all ? &regex_extract_all : &regex_extract,
                       is_all ? Type::list(Kind::kVarchar) : Type(Kind::kVarchar),
                       {cast[0], cast[2]},
                       cast[1],
                       cast.size() > 3 ? cast[3] : nullptr},
                      at);
}

Result<BoundPtr> bind_regex_replace(View name, std::vector<BoundPtr> args, Position at) {
  static constexpr Kind kinds[] = {Kind::kVarchar};
  TIDEMILL_TRY_LET(texts, cast_arguments(name, std::move(args), kinds, at));
  return finish_regex({name,
                       &regex_replace,
                       Kind::kVarchar,
                       {texts[0], texts[2]},
                       texts[1],
                       texts.size() > 3 ? texts[3] : nullptr},
                      at);
}

Result<BoundPtr> bind_regex_split(View name, std::vector<BoundPtr> args, Position at) {
  static constexpr Kind kinds[] = {Kind::kVarchar};
  TIDEMILL_TRY_LET(texts, cast_arguments(name, std::move(args), kinds, at));
  return finish_regex({name,
                       &regex_split,
                       Type::list(Kind::kVarchar),
                       {texts[0]},
                       texts[1],
                       texts.size() > 2 ? texts[2] : nullptr},
                      at);
}

constexpr SpecialFunction kMatch[] = {
    {"~~", 2, 3, &bind_like, "LIKE(VARCHAR, VARCHAR) -> BOOLEAN"},
    {"!~~", 2, 3, &bind_like, "NOT LIKE(VARCHAR, VARCHAR) -> BOOLEAN"},
    {"~~*", 2, 3, &bind_like, "ILIKE(VARCHAR, VARCHAR) -> BOOLEAN"},
    {"!~~*", 2, 3, &bind_like, "NOT ILIKE(VARCHAR, VARCHAR) -> BOOLEAN"},
    {"like_escape", 3, 3, &bind_like, "like_escape(VARCHAR, VARCHAR, VARCHAR) -> BOOLEAN"},
    {"ilike_escape", 3, 3, &bind_like, "ilike_escape(VARCHAR, VARCHAR, VARCHAR) -> BOOLEAN"},
    {"~~~", 2, 2, &bind_glob, "GLOB(VARCHAR, VARCHAR) -> BOOLEAN"},
    {"similar to", 2, 2, &bind_regex_test, "SIMILAR TO(VARCHAR, VARCHAR) -> BOOLEAN"},
    {"!~", 2, 2, &bind_regex_test, "!~(VARCHAR, VARCHAR) -> BOOLEAN"},
    {"~*", 2, 2, &bind_regex_test, "~*(VARCHAR, VARCHAR) -> BOOLEAN"},
    {"!~*", 2, 2, &bind_regex_test, "!~*(VARCHAR, VARCHAR) -> BOOLEAN"},
    {"~", 2, 2, &bind_regex_test, "~(VARCHAR, VARCHAR) -> BOOLEAN"},
    {"regexp_matches", 2, 3, &bind_regex_test, "regexp_matches(VARCHAR, VARCHAR) -> BOOLEAN"},
    {"regexp_full_match", 2, 3, &bind_regex_test, "regexp_full_match(VARCHAR, VARCHAR) -> BOOLEAN"},
    {"regexp_extract", 2, 4, &bind_regex_extract,
     "regexp_extract(VARCHAR, VARCHAR, BIGINT) -> VARCHAR"},
    {"regexp_extract_all", 2, 4, &bind_regex_extract,
     "regexp_extract_all(VARCHAR, VARCHAR, BIGINT) -> VARCHAR[]"},
    {"regexp_replace", 3, 4, &bind_regex_replace,
     "regexp_replace(VARCHAR, VARCHAR, VARCHAR) -> VARCHAR"},
    {"regexp_split_to_array", 2, 3, &bind_regex_split,
     "regexp_split_to_array(VARCHAR, VARCHAR) -> VARCHAR[]"},
    {"string_split_regex", 2, 3, &bind_regex_split,
     "string_split_regex(VARCHAR, VARCHAR) -> VARCHAR[]"},
};

}  // namespace

std::span<const SpecialFunction> match_specials() { return kMatch; }

}  // namespace tidemill::sql
