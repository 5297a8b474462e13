// How commands answer: JSON for programs, a text for people, errors in one line.
#pragma once

#include <functional>

#include "cli/remote.h"
#include "cli/run_commands.h"

namespace tidemill::cli {

// The reason on standard error, or with --json as an object on standard output. Answers 1.
int refuse(const Common& common, const Error& error);
// The server or the store of the data directory that the options name.
Remote remote_of(const Common& common);
// The answer as JSON, or as `show` prints it. 0, or 1 for an error.
int answer(const Common& common, const Result<Json>& result,
           const std::function<void(const Json&)>& show);
// The member that is a list; an empty one if there is none.
const Json::Array& list_of(const Json& json, std::string_view name);

}  // namespace tidemill::cli
