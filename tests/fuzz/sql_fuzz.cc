// Any text is parsed, bound and run over small tables: it must give an answer or an error.
#include <cstdint>
#include <string_view>

#include "sql/expression.h"
#include "sql/query.h"
#include "value/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tidemill;
  if (size > 4096) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const value::Batch table = *value::infer_table(*parse_json(
      R"([{"i":1,"d":1.5,"s":"a","b":true,"j":{"k":[1]}},{"i":null,"d":null,"s":"","b":false}])"));
  sql::TableDef definition{"t", {}, false};
  for (size_t i = 0; i < table.width(); ++i) {
    definition.columns.push_back({table.name(i), table.column(i).type()});
  }
  const auto statement = sql::Statement::parse(text);
  if (statement) {
    const auto query = sql::Query::bind(*statement, {{definition}, {}});
    const value::Batch* inputs[] = {&table};
    if (query) (void)query->run(inputs);
  }
  const std::pair<std::string_view, const value::Batch*> scope[] = {{"t", &table}};
  const auto expression = sql::Expression::parse(text);
  if (expression) (void)expression->evaluate(scope);
  return 0;
}
