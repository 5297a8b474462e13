#include "sql/program.h"

#include <map>

#include "base/check.h"
#include "sql/execution.h"

namespace tidemill::sql {

namespace {
constexpr size_t kChunk = 1024;
}

struct Program::Compiler {
  Program& program;
  std::map<Key, uint32_t> known;

  uint32_t add_slot(SlotKind kind, const value::Type& type, uint32_t index) {
    program.slots_.push_back(
        {kind, static_cast<uint8_t>(value::storage_width(type.kind())), index, 0});
    program.constants_.emplace_back();
    return static_cast<uint32_t>(program.slots_.size() - 1);
  }

  uint32_t compile(const BoundPtr& expr) {
    if (const auto found = known.find(expr->key); found != known.end()) return found->second;
    uint32_t slot = 0;
    switch (expr->kind) {
      case BoundKind::kConstant:
        slot = add_slot(SlotKind::kConstant, expr->type, 0);
        program.constants_[slot] = constant_vec(*program.owned_, expr->constant);
        break;
      case BoundKind::kColumn:
        slot = add_slot(SlotKind::kColumn, expr->type, expr->index);
        break;
      case BoundKind::kParam:
        slot = add_slot(SlotKind::kParam, expr->type, expr->index);
        break;
      case BoundKind::kCapture:
        slot = add_slot(SlotKind::kCapture, expr->type, expr->index);
        break;
      case BoundKind::kCall:
        slot = compile_call(expr);
        break;
      case BoundKind::kAggregate:
      case BoundKind::kWindow:
        TIDEMILL_CHECK(false && "the binder replaces these");
    }
    known.emplace(expr->key, slot);
    return slot;
  }

  uint32_t compile_call(const BoundPtr& expr) {
    std::vector<uint32_t> args;
    for (const BoundPtr& arg : expr->args) args.push_back(compile(arg));
    const uint32_t out = add_slot(SlotKind::kTemporary, expr->type, 0);
    program.code_.push_back({expr->kernel, out, static_cast<uint32_t>(program.args_.size()),
                             static_cast<uint32_t>(args.size()), expr->extra.get(), expr->is_try});
    program.args_.insert(program.args_.end(), args.begin(), args.end());
    program.max_args_ = std::max(program.max_args_, static_cast<uint32_t>(args.size()));
    if (expr->extra) program.extras_.push_back(expr->extra);
    return out;
  }

  // Temporaries whose values are no longer needed give their buffer to later ones.
  void assign_buffers() {
    std::vector<size_t> last_use(program.slots_.size(), 0);
    for (size_t i = 0; i < program.code_.size(); ++i) {
      const Instruction& step = program.code_[i];
      for (uint32_t a = 0; a < step.arg_count; ++a) {
        last_use[program.args_[step.first_arg + a]] = i;
      }
    }
    std::map<uint8_t, std::vector<uint32_t>> free_buffers;
    for (size_t i = 0; i < program.code_.size(); ++i) {
      const Instruction& step = program.code_[i];
      Slot& out = program.slots_[step.out];
      if (out.kind == SlotKind::kTemporary) out.buffer = take_buffer(free_buffers, out.width);
      for (uint32_t a = 0; a < step.arg_count; ++a) {
        const uint32_t arg = program.args_[step.first_arg + a];
        const Slot& slot = program.slots_[arg];
        if (slot.kind == SlotKind::kTemporary && last_use[arg] == i) {
          last_use[arg] = SIZE_MAX;  // an argument may stand there twice
          free_buffers[slot.width].push_back(slot.buffer);
        }
      }
    }
  }

  uint32_t take_buffer(std::map<uint8_t, std::vector<uint32_t>>& free_buffers, uint8_t width) {
    auto& pool = free_buffers[width];
    if (!pool.empty()) {
      const uint32_t buffer = pool.back();
      pool.pop_back();
      return buffer;
    }
    program.buffers_.push_back(width);
    return static_cast<uint32_t>(program.buffers_.size() - 1);
  }
};

Program::Program(const std::vector<BoundPtr>& outputs) {
  Compiler compiler{*this, {}};
  for (const BoundPtr& output : outputs) outputs_.push_back(compiler.compile(output));
  for (size_t i = 0; i < outputs_.size(); ++i) {
    Slot& slot = slots_[outputs_[i]];
    if (slot.kind == SlotKind::kTemporary) {
      slot.kind = SlotKind::kOutput;
      slot.index = static_cast<uint32_t>(i);
    }
  }
  compiler.assign_buffers();
}

struct Program::Frame {
  std::vector<Vec> slots;  // pointers of the current chunk
  std::vector<Vec> bases;  // of columns and outputs: row 0
  std::vector<Vec> args;
  EvalContext context;
};

Status Program::fill_slots(Execution& execution, std::span<const Vec> columns, size_t rows,
                           Frame& frame) const {
  const size_t chunk = std::min(rows, kChunk);
  std::vector<Vec> scratch;
  scratch.reserve(buffers_.size());
  for (const uint8_t width : buffers_) scratch.push_back(execution.arena.vec(width, chunk));
  frame.slots = constants_;
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    switch (slot.kind) {
      case SlotKind::kConstant:
        break;
      case SlotKind::kColumn:
        frame.slots[i] = columns[slot.index];
        break;
      case SlotKind::kParam: {
        TIDEMILL_TRY_LET(param, execution.param(slot.index));
        frame.slots[i] = param;
        break;
      }
      case SlotKind::kCapture:
        frame.slots[i] = execution.captures[slot.index];
        break;
      case SlotKind::kTemporary:
        frame.slots[i] = scratch[slot.buffer];
        break;
      case SlotKind::kOutput:
        frame.slots[i] = execution.arena.vec(slot.width, rows);
        break;
    }
  }
  frame.bases = frame.slots;
  frame.args.resize(max_args_);
  return {};
}

void Program::run_chunk(Frame& frame, size_t start, size_t n) const {
  if (start > 0) {
    for (size_t i = 0; i < slots_.size(); ++i) {
      const bool moves = slots_[i].kind == SlotKind::kColumn || slots_[i].kind == SlotKind::kOutput;
      if (!moves || frame.bases[i].step == 0) continue;
      frame.slots[i].data = frame.bases[i].data + start * slots_[i].width;
      frame.slots[i].state = frame.bases[i].state + start;
    }
  }
  for (const Instruction& step : code_) {
    for (uint32_t a = 0; a < step.arg_count; ++a) {
      frame.args[a] = frame.slots[args_[step.first_arg + a]];
    }
    step.kernel(Call{frame.slots[step.out], frame.args.data(), step.arg_count, step.extra,
                     step.is_try, &frame.context},
                n);
  }
}

// Runs the chunk again and follows the failed row from the instruction that made it to the output.
Error Program::explain(Frame& frame, size_t start, size_t n, uint32_t slot, size_t row) const {
  std::map<uint32_t, Error> errors;
  frame.context.watched_row = row;
  (void)start;
  for (const Instruction& step : code_) {
    frame.context.watched_error.reset();
    for (uint32_t a = 0; a < step.arg_count; ++a) {
      frame.args[a] = frame.slots[args_[step.first_arg + a]];
    }
    const Call call{frame.slots[step.out], frame.args.data(), step.arg_count, step.extra,
                    step.is_try,           &frame.context};
    step.kernel(call, n);
    if (call.out.state[row] != kFailedState) continue;
    if (frame.context.watched_error) {
      errors[step.out] = *frame.context.watched_error;
      continue;
    }
    for (uint32_t a = 0; a < step.arg_count; ++a) {
      const uint32_t arg = args_[step.first_arg + a];
      if (frame.slots[arg].state_at(row) == kFailedState && errors.count(arg) > 0) {
        errors[step.out] = errors[arg];
        break;
      }
    }
  }
  const auto found = errors.find(slot);
  if (found != errors.end()) return found->second;
  return Error{Code::kInternal, "an expression failed without a reason", ""};
}

Result<std::vector<Vec>> Program::run(Execution& execution, std::span<const Vec> columns,
                                      size_t rows) const {
  Frame frame{{}, {}, {}, EvalContext{execution.arena, SIZE_MAX, {}}};
  TIDEMILL_TRY(fill_slots(execution, columns, rows, frame));
  for (size_t start = 0; start < rows; start += kChunk) {
    const size_t n = std::min(kChunk, rows - start);
    run_chunk(frame, start, n);
    for (const uint32_t slot : outputs_) {
      if (slots_[slot].kind != SlotKind::kOutput) continue;
      const uint8_t* state = frame.slots[slot].state;
      const void* failed = std::memchr(state, kFailedState, n);
      if (failed == nullptr) continue;
      return fail(explain(frame, start, n, slot,
                          static_cast<size_t>(static_cast<const uint8_t*>(failed) - state)));
    }
    if (execution.arena.bytes() > kMaxRunBytes) return fail(memory_error());
  }
  std::vector<Vec> out;
  out.reserve(outputs_.size());
  for (const uint32_t slot : outputs_) out.push_back(frame.bases[slot]);
  return out;
}

}  // namespace tidemill::sql
