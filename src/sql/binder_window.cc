// Window functions: bound into a node that adds a column for each.
#include "base/text.h"
#include "sql/binder.h"
#include "sql/lexer.h"
#include "sql/operators.h"

namespace tidemill::sql {

using value::Kind;
using value::Type;
using value::Value;

namespace {

enum class WindowTyping { kBigint, kDouble, kFirstArg };

struct WindowFunction {
  std::string_view name;
  size_t min_args;
  size_t max_args;
  WindowTyping typing;
};

constexpr WindowFunction kWindowFunctions[] = {
    {"row_number", 0, 0, WindowTyping::kBigint},   {"rank", 0, 0, WindowTyping::kBigint},
    {"dense_rank", 0, 0, WindowTyping::kBigint},   {"rank_dense", 0, 0, WindowTyping::kBigint},
    {"percent_rank", 0, 0, WindowTyping::kDouble}, {"cume_dist", 0, 0, WindowTyping::kDouble},
    {"ntile", 1, 1, WindowTyping::kBigint},        {"lag", 1, 3, WindowTyping::kFirstArg},
    {"lead", 1, 3, WindowTyping::kFirstArg},       {"first_value", 1, 1, WindowTyping::kFirstArg},
    {"first", 1, 1, WindowTyping::kFirstArg},      {"last_value", 1, 1, WindowTyping::kFirstArg},
    {"last", 1, 1, WindowTyping::kFirstArg},       {"nth_value", 2, 2, WindowTyping::kFirstArg},
};

const WindowFunction* window_function(std::string_view name) {
  for (const WindowFunction& entry : kWindowFunctions) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

}  // namespace

Result<const WindowNode*> Binder::named_window(const std::string& name, Position at) const {
  std::vector<std::string> names;
  for (const auto& [known, window] : select_->windows) {
    if (same_name(known, name)) return window.get();
    names.push_back(known);
  }
  std::string message = fmt::format("window \"{}\" does not exist", printable(name, 60));
  const std::string near = nearest_word(name, names);
  if (!near.empty()) message += fmt::format("; did you mean '{}'?", near);
  return fail(sql_error("Binder Error", at, message));
}

Result<std::shared_ptr<WindowCall>> Binder::bind_window_spec(const ExprNode& expr) {
  const WindowNode* own = expr.window.get();
  const WindowNode* base = nullptr;
  if (!own->base.empty()) {
    TIDEMILL_TRY_LET(named, named_window(own->base, expr.at));
    base = named;
    if (!base->base.empty()) {
      return fail(sql_error("Binder Error", expr.at, "a window on a window on a window"));
    }
  }
  auto call = std::make_shared<WindowCall>();
  const auto& partition =
      base != nullptr && own->partition.empty() ? base->partition : own->partition;
  const auto& order = base != nullptr && own->order.empty() ? base->order : own->order;
  const WindowNode* frame = base != nullptr && !own->has_frame ? base : own;
  for (const ExprPtr& part : partition) {
    TIDEMILL_TRY_LET(bound, bind(*part));
    call->partition.push_back(without_literal(bound));
  }
  for (const OrderItem& item : order) {
    TIDEMILL_TRY_LET(bound, bind(*item.expr));
    call->order.push_back(without_literal(bound));
    call->sort.push_back(sort_key(item));
  }
  const bool has_offset = frame->start_offset || frame->end_offset;
  if (frame->unit == FrameUnit::kRange && has_offset && call->order.size() != 1) {
    return fail(
        sql_error("Binder Error", expr.at,
                  fmt::format("a RANGE frame with an offset needs one ORDER BY column, found "
                              "{}",
                              call->order.size())));
  }
  call->unit = frame->unit;
  call->start = frame->start;
  call->end = frame->end;
  for (const bool is_start : {true, false}) {
    const ExprPtr& offset = is_start ? frame->start_offset : frame->end_offset;
    if (!offset) continue;
    TIDEMILL_TRY_LET(bound, bind(*offset));
    BoundPtr amount = without_literal(bound);
    if (frame->unit != FrameUnit::kRange) {
      TIDEMILL_TRY_LET(count, bind_cast(amount, Kind::kInt64, false, offset->at));
      amount = count;
    }
    (is_start ? call->start_offset : call->end_offset) = amount;
  }
  return call;
}

Status Binder::bind_window_function(const ExprNode& expr, WindowCall& call) {
  const WindowFunction* entry = window_function(expr.name);
  if (expr.filter || !expr.order.empty() || expr.is_distinct) {
    return fail(sql_error("Not implemented Error", expr.at,
                          fmt::format("{} OVER with FILTER, DISTINCT or ORDER BY inside is not "
                                      "supported",
                                      expr.name)));
  }
  TIDEMILL_TRY_LET(args, bind_all(expr.args));
  if (args.size() < entry->min_args || args.size() > entry->max_args) {
    return fail(no_match(expr.name, args, expr.at));
  }
  for (BoundPtr& arg : args) arg = without_literal(arg);
  if (expr.name == "lag" || expr.name == "lead") {
    if (args.size() < 2) args.push_back(bound_constant(Value::bigint(1)));
    TIDEMILL_TRY_LET(distance, bind_cast(args[1], Kind::kInt64, false, expr.at));
    args[1] = distance;
    if (args.size() < 3) args.push_back(bound_constant(Value()));
    TIDEMILL_TRY_LET(otherwise, bind_cast(args[2], args[0]->type, false, expr.at));
    args[2] = otherwise;
  } else if (expr.name == "ntile" || expr.name == "nth_value") {
    TIDEMILL_TRY_LET(count, bind_cast(args.back(), Kind::kInt64, false, expr.at));
    args.back() = count;
  }
  call.type = entry->typing == WindowTyping::kFirstArg ? args[0]->type
              : entry->typing == WindowTyping::kDouble ? Type(Kind::kDouble)
                                                       : Type(Kind::kInt64);
  call.args = std::move(args);
  return {};
}

Result<BoundPtr> Binder::bind_window_call(const ExprNode& expr) {
  if (clause_ != Clause::kSelect && clause_ != Clause::kHaving) {
    return fail(sql_error("Binder Error", expr.at,
                          fmt::format("{} cannot contain window functions!", clause_name())));
  }
  if (in_window_ || in_window_args_ || in_aggregate_) {
    return fail(sql_error("Binder Error", expr.at, "window function calls cannot be nested"));
  }
  const bool is_plain = window_function(expr.name) != nullptr;
  if (!is_plain && !is_aggregate(expr.name)) {
    return fail(sql_error("Catalog Error", expr.at,
                          fmt::format("{} is no aggregate and no window function", expr.name)));
  }
  TIDEMILL_TRY_LET(call, bind_window_spec(expr));
  call->name = expr.name;
  call->ignores_nulls = expr.ignores_nulls;
  if (is_plain) {
    TIDEMILL_TRY(bind_window_function(expr, *call));
  } else {
    // As an aggregate without OVER, which then runs over each row's frame.
    in_window_ = true;
    auto aggregate = bind_aggregate_call(expr);
    in_window_ = false;
    if (!aggregate) return aggregate;
    call->aggregate = (*aggregate)->aggregate;
    call->type = (*aggregate)->type;
    call->args = call->aggregate->args;
    call->name += fmt::format("#{:x}", (*aggregate)->key.high);
  }
  return bound_window(std::move(call), expr.at);
}

BoundPtr bound_window(std::shared_ptr<const WindowCall> call, Position at) {
  auto node = std::make_shared<Bound>();
  node->kind = BoundKind::kWindow;
  node->type = call->type;
  node->at = at;
  std::string tag =
      fmt::format("window {} {} {} {} {}", call->name, static_cast<int>(call->unit),
                  static_cast<int>(call->start), static_cast<int>(call->end), call->ignores_nulls);
  std::vector<Key> keys;
  const auto add = [&](const std::vector<BoundPtr>& exprs) {
    tag += fmt::format(" {}", exprs.size());
    for (const BoundPtr& expr : exprs) keys.push_back(expr->key);
  };
  add(call->args);
  add(call->partition);
  add(call->order);
  for (const SortKey& key : call->sort) {
    tag += fmt::format(" {}{}", key.is_descending, key.nulls_first);
  }
  if (call->start_offset) keys.push_back(call->start_offset->key);
  if (call->end_offset) keys.push_back(call->end_offset->key);
  node->key = key_of(tag, keys);
  node->window = std::move(call);
  return node;
}

BoundPtr Binder::window_over_groups(const BoundPtr& node, Status& status) {
  auto call = std::make_shared<WindowCall>(*node->window);
  const auto over = [&](BoundPtr& expr) {
    if (!expr) return;
    auto rewritten = over_groups(expr);
    if (rewritten) {
      expr = *rewritten;
    } else if (status) {
      status = fail(std::move(rewritten).error());
    }
  };
  for (BoundPtr& expr : call->args) over(expr);
  for (BoundPtr& expr : call->partition) over(expr);
  for (BoundPtr& expr : call->order) over(expr);
  over(call->start_offset);
  over(call->end_offset);
  return bound_window(std::move(call), node->at);
}

Status Binder::compute_windows() {
  std::vector<BoundPtr*> users;
  for (Item& item : items_) users.push_back(&item.bound);
  for (BoundPtr& key : order_) users.push_back(&key);
  for (BoundPtr& key : distinct_on_) users.push_back(&key);
  if (qualify_) users.push_back(&qualify_);
  std::vector<BoundPtr> windows;
  const size_t width = plan_->types.size();
  for (BoundPtr* user : users) {
    *user = rewrite(*user, [&](const BoundPtr& node) -> BoundPtr {
      if (node->kind != BoundKind::kWindow) return nullptr;
      size_t i = 0;
      while (i < windows.size() && windows[i]->key != node->key) ++i;
      if (i == windows.size()) windows.push_back(node);
      return bound_column(static_cast<uint32_t>(width + i), node->type, "", node->at);
    });
  }
  if (windows.empty()) return {};
  std::vector<Type> types = plan_->types;
  std::vector<BoundPtr> outputs;
  auto node = make_node(PlanKind::kWindow, {plan_}, {});
  for (const BoundPtr& window : windows) {
    const WindowCall& call = *window->window;
    WindowStep step;
    step.call = window->window;
    step.first_arg = outputs.size();
    outputs.insert(outputs.end(), call.args.begin(), call.args.end());
    step.first_partition = outputs.size();
    outputs.insert(outputs.end(), call.partition.begin(), call.partition.end());
    step.first_order = outputs.size();
    outputs.insert(outputs.end(), call.order.begin(), call.order.end());
    step.start_offset = outputs.size();
    if (call.start_offset) outputs.push_back(call.start_offset);
    step.end_offset = outputs.size();
    if (call.end_offset) outputs.push_back(call.end_offset);
    node->windows.push_back(step);
    types.push_back(window->type);
  }
  node->program = Program(outputs);
  node->program_types = types_of(outputs);
  node->types = std::move(types);
  plan_ = std::move(node);
  return {};
}

}  // namespace tidemill::sql
