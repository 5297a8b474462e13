// The reference page, from the table of fields.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "flow/fields.h"
#include "flow/load.h"

namespace tidemill::flow {
namespace {

struct Section {
  std::string_view title;
  std::string_view text;
  Places places;
};

constexpr std::string_view kOpening =
    R"(# The flow file

This page is made from the table that the parser reads. One flow a file, in `flows/*.yaml`.

```yaml
flow: onboarding
team: risk-us
on: call
key: "{{ applicant_id }}"
params: { applicant_id: string, amount: { type: number, default: 0 } }
deadline: 2m
tasks:
  bureau:   { vendor: bureau.report, with: { id: "{{ applicant_id }}" }, timeout: 3s }
  bank:     { vendor: bank.accounts, with: { id: "{{ applicant_id }}" }, optional: true }
  features: { calc: sql/features.sql, needs: [bureau, bank] }
  default:  { model: default-risk, needs: features }
  decide:   { calc: sql/decide.sql, needs: [features, default] }
  notify:   { publish: { dataset: decisions }, needs: decide, when: "decide.outcome <> 'refer'" }
```

An unknown key is an error, never ignored. An error names file, line and column, what was found and
what was expected; `tidemill check` shows all of them. A broken file changes nothing: the last good
version runs on.

Durations are `50ms`, `3s`, `2m`, `1h30m`, `30d`. Names are letters, digits, `_` and `-`, beginning
with a letter or `_`.

)";

constexpr std::string_view kRules =
    R"(## Trigger rules: `rule`

The names and the answers are Airflow's. A cancelled task counts as failed, an optional task that
failed as succeeded; *upstream_failed* is a task that could not run because of a failure before it.

| rule | the task runs when, of the tasks in `needs`, | else it is |
|---|---|---|
)";

struct RuleWords {
  std::string_view rule;
  std::string_view runs;
  std::string_view otherwise;
};
constexpr RuleWords kRuleWords[] = {
    {"all_success", "all succeeded", "upstream_failed after a failure, else skipped"},
    {"all_failed", "all failed or are upstream_failed", "skipped"},
    {"all_done", "all have ended", ""},
    {"all_done_min_one_success", "all have ended, none was skipped, one succeeded",
     "skipped after a skip, else upstream_failed"},
    {"all_done_setup_success", "all have ended, and a setup among them, if there is one, succeeded",
     "skipped if all setups were, else upstream_failed"},
    {"one_success", "one succeeded, at once", "skipped if all were, else upstream_failed"},
    {"one_failed", "one failed or is upstream_failed, at once", "skipped"},
    {"one_done", "one succeeded or failed, at once", "skipped"},
    {"none_failed", "none failed and all have ended", "upstream_failed"},
    {"none_failed_min_one_success", "the same, and one succeeded",
     "upstream_failed after a failure, skipped if all were"},
    {"none_skipped", "none was skipped and all have ended", "skipped"},
    {"all_skipped", "all were skipped", "skipped"},
    {"always", "at once", ""},
};

constexpr std::string_view kAfterRules = R"(
The answer does not depend on the order in which tasks end: where a task that is still open could
change it, the task waits.

)";

constexpr std::string_view kExpressions =
    "## Expressions\n"
    R"(
`{{ expression }}` holds one SQL expression; `when` and `for_each` hold one without
braces. It reads:

| name | what |
|---|---|
| `applicant_id`, `params.applicant_id` | a param; a bare name never means anything else |
| `bureau.score` | a column of the value of a task in `needs` |
| `run.scheduled_at` | a fact about the run, see below |
| `item.id` | a column of the row that a task with `for_each` is run for |
| `item` | the element itself, where it is no object |

Facts about the run are `id`, `flow`, `key`, `created`, `scheduled_at`, `interval_start` and
`interval_end`; instants are timestamps in UTC.

A text that is one expression keeps its type; other texts become text, with NULL as nothing. In a
URL an expression is percent-encoded. In SQL it becomes a bound parameter and needs no quotes. In a
shell command it is refused: put it into `env` or `args`. `{{{{` stands for a literal `{{`.

A `calc` reads the tasks in `needs` as tables by their names, and the one-row tables `params`,
`run` and `item`.

## What is not there yet

The triggers `at` and `topic`, `publish` to a topic and model
aliases (`@champion`) are refused by name.
)";

constexpr Section kSections[] = {
    {"The flow", "", kInFlow},
    {"`params`", "`params: { applicant_id: string, amount: { type: number, default: 0 } }`",
     kInParam},
    {"`python`", "Of a flow, or of the project in tidemill.yaml.", kInPython},
    {"Triggers: `on`", "Each trigger has exactly one of `cron`, `every`, `after` and `call`.",
     kAnyTrigger},
    {"`after`",
     "`after: sweep`, `after: { flow: sweep, state: done }` or `after: { dataset: signups }`.",
     kInAfterSource},
    {"Tasks", "Each task has exactly one key that names its kind.", kAnyTask},
    {"`retry`", "`retry: 3`, or a map.", kInRetry},
    {"`http`", "`http: URL`, or a map.", kInHttp},
    {"`sql`", "", kInSql},
    {"`publish`", "", kInPublish},
    {"`wait`",
     "`wait: 10m`, or a map with exactly one of `file`, `url`, `query`, `dataset`, `until` and "
     "`for`. Its value tells how long it waited (`waited_ms`), how often it looked (`checks`) and "
     "what it found.",
     kInWait},
    {"`approve`",
     "`approve: risk-desk`, or a map. Its value has `decision` (approve or reject), `by`, `at`, "
     "`comment` and the fields.",
     kInApprove},
    {"The project: tidemill.yaml", "What all flows of a project share. The file may be absent.",
     kInProject},
    {"Teams", "", kInTeam},
    {"Secrets",
     "A secret is a file of that name in `secrets/` of the data directory or of the project; else:",
     kInSecrets},
    {"`vault`", "", kInVault},
    {"Connections", "Each has exactly one of `sqlite` and `postgres`.", kInConnection},
    {"`password`", "`password: { secret: app-password }`", kInSecret},
    {"Datasets", "", kInDataset},
    {"History", "", kInHistory},
};

// In a Markdown table a bar ends a cell.
std::string cell(std::string_view text) {
  std::string out;
  for (char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

bool is_mixed(Places places) { return (places & (places - 1)) != 0; }

std::string applies_to(const Field& field, Places section) {
  Places const here = field.places & section;
  return here == section ? "all" : places_text(here);
}

void append_section(std::string& out, const Section& section) {
  out += fmt::format("## {}\n\n", section.title);
  if (!section.text.empty()) out += fmt::format("{}\n\n", section.text);
  bool const has_kinds = is_mixed(section.places);
  out += has_kinds ? "| key | of | value | default | meaning |\n|---|---|---|---|---|\n"
                   : "| key | value | default | meaning |\n|---|---|---|---|\n";
  for (const Field& field : fields()) {
    if ((field.places & section.places) == 0) continue;
    out += fmt::format("| `{}` |", field.name);
    if (has_kinds) out += fmt::format(" {} |", applies_to(field, section.places));
    out += fmt::format(" {} | {} | {} |\n", cell(field.form), cell(field.otherwise),
                       cell(field.meaning));
  }
  out += "\n";
}

}  // namespace

std::string flow_reference_markdown() {
  std::string out(kOpening);
  for (const Section& section : kSections) append_section(out, section);
  out += kRules;
  for (const RuleWords& row : kRuleWords) {
    out += fmt::format("| `{}` | {} | {} |\n", row.rule, row.runs, row.otherwise);
  }
  out += kAfterRules;
  out += kExpressions;
  return out;
}

}  // namespace tidemill::flow
