// Watching folders by inotify.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/files.h"

namespace tidemill::io {

class RealLoop;

// As Files::watch says. Loop thread only; destroyed before the loop is.
Result<std::unique_ptr<FolderWatch>> watch_folders(RealLoop& loop, std::vector<std::string> folders,
                                                   std::function<void()> changed);

}  // namespace tidemill::io
