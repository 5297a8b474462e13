#include "flows.h"

namespace tidemill::bench {
namespace {

std::string head(const std::string& name) {
  return "flow: " + name + "\non: [call]\nparams: { x: { type: integer, default: 1 } }\ntasks:\n";
}

}  // namespace

std::string chain_flow(const std::string& name, int length,
                       const std::function<std::string(int)>& task) {
  std::string text = head(name);
  for (int i = 1; i <= length; ++i) {
    text += "  t" + std::to_string(i) + ": { " + task(i);
    if (i > 1) text += ", needs: [t" + std::to_string(i - 1) + "]";
    text += " }\n";
  }
  return text;
}

std::string calc_task(int number) {
  if (number == 1) return "calc: \"select {{ x }} + 1 as v\"";
  return "calc: \"select v + 1 as v from t" + std::to_string(number - 1) + "\"";
}

std::string http_task(int stub_port) {
  return "http: { method: POST, url: \"http://127.0.0.1:" + std::to_string(stub_port) +
         "/\", effect: write, idempotency: \"key:Idempotency-Key\", private: true, "
         "body: { x: 1 } }";
}

std::string fan_flow(const std::string& name, int width) {
  std::string text = head(name) + "  start: { calc: \"select {{ x }} + 1 as v\" }\n";
  std::string all;
  for (int i = 0; i < width; ++i) {
    std::string const task = "f" + std::to_string(i);
    text += "  " + task + ": { calc: \"select v + 1 as v from start\", needs: [start] }\n";
    all += (i > 0 ? ", " : "") + task;
  }
  return text + "  join: { calc: \"select v + 1 as v from f" + std::to_string(width - 1) +
         "\", needs: [" + all + "] }\n";
}

std::string items_task(int width) {
  return "  items: { calc: \"select range as i from range(" + std::to_string(width) +
         ")\", rows: many }\n";
}

std::string mapped_flow(const std::string& name, int width) {
  return head(name) + items_task(width) +
         "  each: { calc: \"select {{ item.i }} + {{ x }} as v\", for_each: items.rows }\n" +
         "  join: { calc: \"select sum(v) as v from each\", needs: [each] }\n";
}

std::vector<ProjectFile> only(const std::string& name, std::string text) {
  return {{"flows/" + name + ".yaml", std::move(text)}};
}

}  // namespace tidemill::bench
