// The command line as a whole.
#pragma once

namespace tidemill::cli {

// Parses the words and runs the command. The exit status: 0 done, 1 refused or failed, 2 wrong use.
int run(int argc, char** argv);

}  // namespace tidemill::cli
