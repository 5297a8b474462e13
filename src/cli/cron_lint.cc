#include "cli/cron_lint.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <map>

#include "base/json.h"
#include "base/text.h"
#include "clock/crontab.h"

namespace tidemill::cli {
namespace {

constexpr int kClean = 0;
constexpr int kFound = 1;
constexpr int kWrongUse = 2;
constexpr size_t kLargestFile = 16u << 20;

Result<std::string> read_file(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    return fail(Code::kNotFound, fmt::format("{}: cannot be opened; give the path of a crontab, "
                                             "such as /etc/crontab",
                                             printable(path, 200)));
  }
  std::string text;
  char buffer[65536];
  while (size_t const got = std::fread(buffer, 1, sizeof buffer, file)) {
    text.append(buffer, got);
    if (text.size() > kLargestFile) break;
  }
  bool const is_whole = std::ferror(file) == 0;
  std::fclose(file);
  if (!is_whole) {
    return fail(Code::kUnavailable, fmt::format("{}: cannot be read to its end", path));
  }
  if (text.size() > kLargestFile) {
    return fail(Code::kInvalid,
                fmt::format("{}: more than {} bytes, which is no crontab", path, kLargestFile));
  }
  return text;
}

std::string folder_of(const std::string& path) {
  size_t const slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(1, slash));
}

std::string unsafe_script(const std::string& path) {
  struct stat script{};
  if (::stat(path.c_str(), &script) != 0) return "";
  if ((script.st_mode & 022) != 0) {
    return fmt::format("{} can be written by others than its owner (mode {:04o})", path,
                       script.st_mode & 07777);
  }
  struct stat folder{};
  bool const is_open = ::stat(folder_of(path).c_str(), &folder) == 0 &&
                       (folder.st_mode & 022) != 0 && (folder.st_mode & S_ISVTX) == 0;
  if (is_open) return fmt::format("the folder of {} can be written by others than its owner", path);
  return "";
}

clock::CrontabFacts facts_of(const std::string& path) {
  clock::CrontabFacts facts;
  std::string const folder = folder_of(path);
  facts.name = path.substr(path.rfind('/') + 1);
  facts.is_in_cron_d = folder.ends_with("/cron.d") || folder == "cron.d";
  facts.is_in_spool = folder.find("/spool/cron") != std::string::npos;
  facts.unsafe_script = unsafe_script;
  struct stat file{};
  // Elsewhere the file is a copy, whose mode says nothing.
  bool const is_in_place = facts.is_in_cron_d || facts.is_in_spool || path == "/etc/crontab";
  if (!is_in_place || ::stat(path.c_str(), &file) != 0) return facts;
  facts.mode = file.st_mode & 07777;
  facts.owner = file.st_uid;
  facts.links = static_cast<uint32_t>(file.st_nlink);
  struct stat parent{};
  if (::stat(folder.c_str(), &parent) == 0) {
    facts.is_newer_than_folder = file.st_mtime > parent.st_mtime;
  }
  return facts;
}

Result<clock::LintOptions> lint_options(const CronLintOptions& options) {
  clock::LintOptions lint;
  TIDEMILL_TRY_LET(dialect, clock::dialect_from_name(options.dialect));
  using clock::Dialect;
  if (dialect != Dialect::kDebian && dialect != Dialect::kCronie && dialect != Dialect::kVixie4 &&
      dialect != Dialect::kBusybox) {
    return fail(Code::kInvalid, fmt::format("{} has no crontab; expected one of: debian, cronie, "
                                            "vixie4, busybox",
                                            options.dialect));
  }
  TIDEMILL_TRY_LET(zone, clock::Zone::load(options.zone));
  lint.dialect = dialect;
  lint.zone = zone;
  lint.now = options.now;
  lint.facts = facts_of(options.file);
  bool const is_system =
      options.form == "system" ||
      (options.form == "auto" && (lint.facts.is_in_cron_d || options.file == "/etc/crontab"));
  if (options.form != "system" && options.form != "user" && options.form != "auto") {
    return fail(Code::kInvalid, fmt::format("form: found '{}', expected one of: user, system, auto",
                                            printable(options.form, 40)));
  }
  lint.form = is_system ? clock::CrontabForm::kSystem : clock::CrontabForm::kUser;
  return lint;
}

std::string as_text(const std::string& file, const std::vector<clock::Lint>& lints,
                    const std::map<std::string, int64_t>& counts) {
  std::string text;
  for (const clock::Lint& lint : lints) {
    text += fmt::format("{}:{}:{}: {} {}: {}; {}\n", file, lint.line, lint.column,
                        clock::severity_name(lint.severity), lint.code, lint.found, lint.advice);
  }
  for (const auto& [code, count] : counts) text += fmt::format("{:>6} {}\n", count, code);
  return text.empty() ? fmt::format("{}: nothing found\n", file) : text;
}

std::string as_json(const std::string& file, const std::vector<clock::Lint>& lints,
                    const std::map<std::string, int64_t>& counts) {
  Json rows = Json::array();
  for (const clock::Lint& lint : lints) {
    Json row = Json::object();
    row.set("file", printable(file, 1000));
    row.set("line", lint.line);
    row.set("column", lint.column);
    row.set("code", lint.code);
    row.set("severity", clock::severity_name(lint.severity));
    row.set("found", lint.found);
    row.set("advice", lint.advice);
    rows.push(std::move(row));
  }
  Json sums = Json::object();
  for (const auto& [code, count] : counts) sums.set(code, count);
  return Json::object().set("lints", std::move(rows)).set("counts", std::move(sums)).dump() + "\n";
}

}  // namespace

int cron_lint(const CronLintOptions& options, std::FILE* out, std::FILE* err) {
  auto const lint = lint_options(options);
  auto const text = lint ? read_file(options.file) : tl::unexpected(lint.error());
  if (!text) {
    fmt::print(err, "error: {}\n", text.error().text());
    return kWrongUse;
  }
  std::vector<clock::Lint> const lints = clock::lint_crontab(*text, *lint);
  std::map<std::string, int64_t> counts;
  int code = kClean;
  for (const clock::Lint& each : lints) {
    ++counts[std::string(each.code)];
    if (each.severity != clock::Severity::kInformation) code = kFound;
  }
  std::string const printed =
      options.json ? as_json(options.file, lints, counts) : as_text(options.file, lints, counts);
  std::fwrite(printed.data(), 1, printed.size(), out);
  std::fflush(out);
  return code;
}

}  // namespace tidemill::cli
