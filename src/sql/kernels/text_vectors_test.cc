// Text functions and patterns against DuckDB's answers.
#include "sql/kernels/pattern.h"
#include "sql/kernels/strings.h"
#include "value/vector_test.h"

namespace tidemill::sql::kernels {
namespace {

using value::answer_of;
using value::run_vectors;
using value::VectorAnswer;
using value::VectorMatch;
using value::VectorTable;
using Arguments = value::VectorArguments;

VectorAnswer text(std::string_view answer) { return std::optional<std::string>(answer); }
VectorAnswer boolean(bool b) { return text(b ? "true" : "false"); }
VectorAnswer whole(int64_t n) { return text(std::to_string(n)); }
VectorAnswer whole(const Result<int64_t>& n) {
  return answer_of(n, [](int64_t m) { return std::to_string(m); });
}
VectorAnswer real(const Result<double>& x) { return answer_of(x, value::format_double); }
int64_t number(const std::string& given) { return std::stoll(given); }

// The text of a list: elements that are empty, or that hold a separator, a quote or a blank at an
// edge, stand in quotes.
template <class Strings>
VectorAnswer list(const Strings& items) {
  std::string out = "[";
  for (const auto& item : items) {
    const std::string_view shown(item);
    const bool quoted = shown.empty() || shown.find_first_of(",'\"[](){}\\:=") != shown.npos ||
                        std::isspace(static_cast<unsigned char>(shown.front())) ||
                        std::isspace(static_cast<unsigned char>(shown.back()));
    if (out.size() > 1) out += ", ";
    std::string escaped;
    for (const char c : shown)
      escaped += quoted && (c == '\'' || c == '\\') ? std::string{'\\', c} : std::string(1, c);
    out += quoted ? "'" + escaped + "'" : escaped;
  }
  return text(out + "]");
}

using OneText = std::string (*)(std::string_view);
using OneView = std::string_view (*)(std::string_view);
using OneCount = int64_t (*)(std::string_view);
using TextNumber = std::string_view (*)(std::string_view, int64_t);
using TwoTexts = std::string_view (*)(std::string_view, std::string_view);
using Question = bool (*)(std::string_view, std::string_view);
using Distance = Result<int64_t> (*)(std::string_view, std::string_view);
using Similarity = Result<double> (*)(std::string_view, std::string_view);

void add_simple(VectorTable& table) {
  const std::pair<const char*, OneText> texts[] = {
      {"upper", upper}, {"lower", lower},   {"reverse", reverse},  {"md5", md5},
      {"sha1", sha1},   {"sha256", sha256}, {"hex", to_hex_upper},
  };
  for (const auto& [name, function] : texts) {
    table[name] = [f = function](const Arguments& a) { return text(f(a[0])); };
  }
  const std::pair<const char*, OneCount> counts[] = {{"length", length},
                                                     {"strlen", strlen},
                                                     {"bit_length", bit_length},
                                                     {"length_grapheme", length_grapheme}};
  for (const auto& [name, function] : counts) {
    table[name] = [f = function](const Arguments& a) { return whole(f(a[0])); };
  }
  table["ascii"] = [](const Arguments& a) { return whole(int64_t{ascii(a[0])}); };
  table["unicode"] = [](const Arguments& a) { return whole(int64_t{unicode(a[0])}); };
  table["chr"] = [](const Arguments& a) { return answer_of(chr(number(a[0]))); };
  const std::tuple<const char*, OneView, TwoTexts> trims[] = {
      {"trim", trim, trim}, {"ltrim", ltrim, ltrim}, {"rtrim", rtrim, rtrim}};
  for (const auto& [name, plain, with_set] : trims) {
    table[name] = [plain = plain, with_set = with_set](const Arguments& a) {
      return text(a.size() == 1 ? plain(a[0]) : with_set(a[0], a[1]));
    };
  }
  const std::pair<const char*, TextNumber> cuts[] = {
      {"left", left}, {"right", right}, {"character_at", character_at}};
  for (const auto& [name, function] : cuts) {
    table[name] = [f = function](const Arguments& a) { return text(f(a[0], number(a[1]))); };
  }
  const std::pair<const char*, Question> questions[] = {
      {"contains", contains}, {"starts_with", starts_with}, {"ends_with", ends_with}};
  for (const auto& [name, function] : questions) {
    table[name] = [f = function](const Arguments& a) { return boolean(f(a[0], a[1])); };
  }
}

void add_composed(VectorTable& table) {
  table["substr"] = [](const Arguments& a) {
    return text(a.size() == 2 ? substr(a[0], number(a[1]))
                              : substr(a[0], number(a[1]), number(a[2])));
  };
  table["slice"] = [](const Arguments& a) { return text(slice(a[0], number(a[1]), number(a[2]))); };
  table["repeat"] = [](const Arguments& a) { return answer_of(repeat(a[0], number(a[1]))); };
  table["lpad"] = [](const Arguments& a) { return answer_of(lpad(a[0], number(a[1]), a[2])); };
  table["rpad"] = [](const Arguments& a) { return answer_of(rpad(a[0], number(a[1]), a[2])); };
  table["position"] = [](const Arguments& a) { return whole(position(a[0], a[1])); };
  table["replace"] = [](const Arguments& a) { return text(replace(a[0], a[1], a[2])); };
  table["translate"] = [](const Arguments& a) { return text(translate(a[0], a[1], a[2])); };
  table["split_part"] = [](const Arguments& a) {
    return text(split_part(a[0], a[1], number(a[2])));
  };
  table["string_split"] = [](const Arguments& a) { return list(string_split(a[0], a[1])); };
  const std::pair<const char*, Distance> distances[] = {
      {"levenshtein", levenshtein},
      {"damerau_levenshtein", damerau_levenshtein},
      {"hamming", hamming}};
  for (const auto& [name, function] : distances) {
    table[name] = [f = function](const Arguments& a) { return whole(f(a[0], a[1])); };
  }
  const std::pair<const char*, Similarity> similarities[] = {
      {"jaccard", jaccard},
      {"jaro_similarity", jaro_similarity},
      {"jaro_winkler_similarity", jaro_winkler_similarity}};
  for (const auto& [name, function] : similarities) {
    table[name] = [f = function](const Arguments& a) { return real(f(a[0], a[1])); };
  }
}

TEST(TextVectors, FunctionsAgree) {
  VectorTable table;
  add_simple(table);
  add_composed(table);
  run_vectors("text", table, VectorMatch::kClose);
}

VectorAnswer like(const Arguments& a, std::string_view escape, LetterCase letter_case) {
  TIDEMILL_TRY_LET(pattern, LikePattern::compile(a[1], escape, letter_case));
  return boolean(pattern.matches(a[0]));
}

TEST(PatternVectors, LikeGlobAndRegexesAgree) {
  VectorTable table;
  table["like"] = [](const Arguments& a) { return like(a, "", LetterCase::kSensitive); };
  table["ilike"] = [](const Arguments& a) { return like(a, "", LetterCase::kInsensitive); };
  table["like_escape"] = [](const Arguments& a) { return like(a, a[2], LetterCase::kSensitive); };
  table["glob"] = [](const Arguments& a) { return boolean(glob_matches(a[0], a[1])); };
  table["regexp_matches"] = [](const Arguments& a) -> VectorAnswer {
    TIDEMILL_TRY_LET(regex, Regex::compile(a[1], a[2]));
    return boolean(regex.matches_somewhere(a[0]));
  };
  table["regexp_full_match"] = [](const Arguments& a) -> VectorAnswer {
    TIDEMILL_TRY_LET(regex, Regex::compile(a[1], ""));
    return boolean(regex.matches_whole(a[0]));
  };
  table["regexp_extract"] = [](const Arguments& a) -> VectorAnswer {
    TIDEMILL_TRY_LET(regex, Regex::compile(a[1], ""));
    return answer_of(regex.extract(a[0], number(a[2])));
  };
  table["regexp_extract_all"] = [](const Arguments& a) -> VectorAnswer {
    TIDEMILL_TRY_LET(regex, Regex::compile(a[1], ""));
    TIDEMILL_TRY_LET(found, regex.extract_all(a[0], number(a[2])));
    return list(found);
  };
  table["regexp_replace"] = [](const Arguments& a) -> VectorAnswer {
    TIDEMILL_TRY_LET(regex, Regex::compile(a[1], a[3], RegexUse::kReplace));
    return answer_of(regex.replace(a[0], a[2]));
  };
  table["regexp_split"] = [](const Arguments& a) -> VectorAnswer {
    TIDEMILL_TRY_LET(regex, Regex::compile(a[1], ""));
    return list(regex.split(a[0]));
  };
  table["regexp_escape"] = [](const Arguments& a) { return text(regexp_escape(a[0])); };
  // '?' of GLOB takes a character, not a byte.
  run_vectors("patterns", table, VectorMatch::kExact, {R"(["glob","東京","?京"])"});
}

}  // namespace
}  // namespace tidemill::sql::kernels
