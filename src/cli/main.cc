// The program: one binary for the server, its spawner and the command line.
#include "cli/app.h"

int main(int argc, char** argv) { return tidemill::cli::run(argc, argv); }
