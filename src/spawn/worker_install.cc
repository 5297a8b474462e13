// The Python worker travels inside the program, so that server, spawner and worker are always of
// one version.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "spawn/zygotes.h"

// name, and what file: symbols tidemill_worker_<name> and tidemill_worker_<name>_end
#define TIDEMILL_EMBED(name, file)                 \
  asm(".section .rodata\n"                         \
      ".global tidemill_worker_" #name             \
      "\n"                                         \
      "tidemill_worker_" #name                     \
      ":\n"                                        \
      ".incbin \"" TIDEMILL_WORKER_SOURCE "/" file \
      "\"\n"                                       \
      ".global tidemill_worker_" #name             \
      "_end\n"                                     \
      "tidemill_worker_" #name                     \
      "_end:\n.byte 0\n"                           \
      ".previous\n");                              \
  extern "C" const char tidemill_worker_##name[];  \
  extern "C" const char tidemill_worker_##name##_end[];

TIDEMILL_EMBED(init, "__init__.py")
TIDEMILL_EMBED(bundle, "bundle.py")
TIDEMILL_EMBED(call, "call.py")
TIDEMILL_EMBED(request, "request.py")
TIDEMILL_EMBED(zygote, "zygote.py")

namespace tidemill::spawn {

namespace {

struct WorkerFile {
  const char* name;
  std::string_view text;
};

std::vector<WorkerFile> worker_files() {
  const auto text = [](const char* begin, const char* end) {
    return std::string_view(begin, static_cast<size_t>(end - begin));
  };
  return {{"__init__.py", text(tidemill_worker_init, tidemill_worker_init_end)},
          {"bundle.py", text(tidemill_worker_bundle, tidemill_worker_bundle_end)},
          {"call.py", text(tidemill_worker_call, tidemill_worker_call_end)},
          {"request.py", text(tidemill_worker_request, tidemill_worker_request_end)},
          {"zygote.py", text(tidemill_worker_zygote, tidemill_worker_zygote_end)}};
}

Status write_file(const std::string& path, std::string_view text) {
  const std::string temporary = path + ".new";
  const Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd.open() || !write_whole(fd.get(), text) ||
      ::rename(temporary.c_str(), path.c_str()) != 0) {
    return system_failure("write the Python worker", path);
  }
  return {};
}

// Takes the folder of the worker as its argument. Neither it nor the current folder stays on
// sys.path.
constexpr std::string_view kBoot =
    "import sys; w = sys.argv[1]; sys.path.insert(0, w); from tidemill_worker import {0}; "
    "sys.path[:] = [p for p in sys.path if p not in ('', w)]; {0}.main(sys.argv[2:])";

}  // namespace

Result<std::string> install_worker(const std::string& data_folder) {
  Sha256 hash;
  for (const WorkerFile& file : worker_files()) hash.add(file.text);
  const std::string folder = data_folder + "/worker-" + hash.finish_hex().substr(0, 16);
  const std::string package = folder + "/tidemill_worker";
  TIDEMILL_TRY(make_folders(package));
  for (const WorkerFile& file : worker_files()) {
    const std::string path = fmt::format("{}/{}", package, file.name);
    if (read_small(path, file.text.size() + 1) == file.text) continue;
    TIDEMILL_TRY(write_file(path, file.text));
  }
  return folder;
}

std::vector<std::string> worker_command(const std::string& interpreter,
                                        const std::string& worker_folder, std::string_view mode) {
  return {interpreter, "-c", fmt::format(fmt::runtime(kBoot), mode), worker_folder,
          worker_folder + "/pycache"};
}

}  // namespace tidemill::spawn
