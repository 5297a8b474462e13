#pragma once

#include "io/commands.h"

namespace tidemill::io {

// fork and exec; the child dies with the thread that started it.
class RealCommands final : public Commands {
 public:
  Result<CommandEnd> run(const Command& command) override;
};

}  // namespace tidemill::io
