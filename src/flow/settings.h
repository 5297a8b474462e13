// How the settings of each kind of task are read: one function a kind, which reports mistakes and
// sets Task::settings when there is something to set.
#pragma once

#include <string>

#include "flow/loading.h"

namespace tidemill::flow {

struct SettingsPlace {
  Loading& loading;
  Task& task;
  const YamlNode& node;  // the value after the kind
  const Readable& readable;
  const YamlNode& map;  // the whole task
  std::string what;     // "'calc' of task 'features'"
};

void read_python(const SettingsPlace& at);
void read_vendor(const SettingsPlace& at);
void read_sql(const SettingsPlace& at);
void read_calc(const SettingsPlace& at);
void read_model(const SettingsPlace& at);
void read_wait(const SettingsPlace& at);
void read_approve(const SettingsPlace& at);

// The settings of an http or sql task where another kind uses them; `at.node` holds them.
HttpSettings read_http_settings(const SettingsPlace& at);
std::optional<SqlSettings> read_sql_settings(const SettingsPlace& at);

// Any of them, by the task's kind.
void read_settings(Loading& loading, Task& task, const YamlNode& node, const Readable& readable,
                   const YamlNode& map);

}  // namespace tidemill::flow
