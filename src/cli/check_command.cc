#include <fmt/format.h>

#include <cstdio>

#include "cli/run_commands.h"
#include "cli/terminal.h"
#include "engine/project_loader.h"
#include "io/real/files.h"
#include "io/real/loop.h"

namespace tidemill::cli {

int check(const Common& common) {
  io::RealLoop loop;
  io::RealFiles files(loop);
  engine::FolderSource const source(common.project, files);
  std::vector<flow::FileError> errors;
  std::vector<flow::LoadedFlow> loaded;
  auto project = flow::load_project(source);
  if (!project) {
    errors = std::move(project.error());
  } else {
    for (const std::string& path : source.list("flows")) {
      if (!path.ends_with(".yaml") && !path.ends_with(".yml")) continue;
      auto flow = flow::load_flow(source, *project, path);
      if (flow) {
        loaded.push_back(std::move(*flow));
      } else {
        for (auto& error : flow.error()) errors.push_back(std::move(error));
      }
    }
    for (auto& error : flow::check_together(loaded)) errors.push_back(std::move(error));
  }
  if (common.json) {
    Json list = Json::array();
    for (const auto& error : errors) {
      list.push(Json::object()
                    .set("file", error.path)
                    .set("line", error.mark.line)
                    .set("column", error.mark.column)
                    .set("message", error.message));
    }
    Json flows = Json::array();
    for (const auto& flow : loaded) flows.push(flow.flow->name.value);
    std::printf("%s\n", Json::object()
                            .set("flows", std::move(flows))
                            .set("errors", std::move(list))
                            .dump()
                            .c_str());
    return errors.empty() ? 0 : 1;
  }
  for (const auto& error : errors) std::fprintf(stderr, "%s\n", error.text().c_str());
  if (errors.empty()) {
    std::printf("%zu flows, no mistakes\n", loaded.size());
  } else {
    std::fprintf(stderr, "%zu mistakes; %zu flows are good\n", errors.size(), loaded.size());
  }
  return errors.empty() ? 0 : 1;
}

}  // namespace tidemill::cli
