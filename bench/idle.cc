// What the server costs when nothing happens.
#include <unistd.h>

#include "cases.h"
#include "report.h"
#include "server_process.h"

namespace tidemill::bench {

void idle(const Environment& environment) {
  Folder const folder;
  folder.write({"flows/.keep", ""});
  ServerProcess const server(environment.program, folder);
  ::sleep(3);
  pid_t const spawner = server.spawner_pid();
  double const before = cpu_seconds(server.pid()) + cpu_seconds(spawner);
  double const start = now_seconds();
  ::sleep(20);
  double const used = cpu_seconds(server.pid()) + cpu_seconds(spawner) - before;
  std::string const config = "\"processes\":\"server and spawner\",\"seconds\":20";
  report("idle", "pss_mb", exactly(pss_mb(server.pid()) + pss_mb(spawner)), "MB", config);
  report("idle", "cpu_percent", exactly(used / (now_seconds() - start) * 100), "%", config);
}

}  // namespace tidemill::bench
