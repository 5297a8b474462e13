// Column programs: bound expressions flattened into a list of kernel calls over slots. Private to
// this room.
//
//   a + b * 2     slots: 0 = column a, 1 = column b, 2 = constant 2, 3 = temporary, 4 = output
//                 code:  3 = multiply(1, 2); 4 = add(0, 3)
//
// Rows go through in chunks, so that temporaries stay in the cache. Equal subexpressions are
// computed once.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "sql/bound.h"

namespace tidemill::sql {

struct Execution;

class Program {
 public:
  Program() = default;
  explicit Program(const std::vector<BoundPtr>& outputs);

  size_t output_count() const { return outputs_.size(); }

  // Computes every output for `rows` rows of `columns`. An output that is a column or a constant
  // is passed through without a copy. An error if a row of an output failed.
  Result<std::vector<Vec>> run(Execution& execution, std::span<const Vec> columns,
                               size_t rows) const;

 private:
  struct Instruction {
    Kernel kernel;
    uint32_t out;
    uint32_t first_arg;
    uint32_t arg_count;
    const void* extra;
    bool is_try;
  };
  enum class SlotKind : uint8_t { kConstant, kColumn, kParam, kCapture, kTemporary, kOutput };
  struct Slot {
    SlotKind kind;
    uint8_t width;
    uint32_t index;   // of the column, parameter, capture or output
    uint32_t buffer;  // of a temporary: which scratch buffer
  };
  struct Compiler;

  struct Frame;
  Status fill_slots(Execution& execution, std::span<const Vec> columns, size_t rows,
                    Frame& frame) const;
  void run_chunk(Frame& frame, size_t start, size_t n) const;
  Error explain(Frame& frame, size_t start, size_t n, uint32_t slot, size_t row) const;

  std::vector<Instruction> code_;
  std::vector<uint32_t> args_;
  std::vector<Slot> slots_;
  std::vector<Vec> constants_;  // by slot; others are empty
  std::vector<uint32_t> outputs_;
  std::vector<uint8_t> buffers_;  // width of each scratch buffer
  uint32_t max_args_ = 0;
  std::shared_ptr<Arena> owned_ = std::make_shared<Arena>();
  std::vector<std::shared_ptr<const void>> extras_;
};

}  // namespace tidemill::sql
