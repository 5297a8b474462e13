// The graph of a flow as text for a terminal.
#pragma once

#include <string>

#include "flow/flow.h"

namespace tidemill::flow {

// One line a task, each after what it needs and indented by how deep it stands:
//
//   bureau      vendor bureau.report
//   bank        vendor bank.accounts, optional
//     features  calc sql/features.sql      needs bureau, bank
//       decide  calc sql/decide.sql        needs features
std::string graph_text(const Flow& flow);

// What a task does, in a few words: "calc sql/features.sql, for each row of missing".
std::string task_text(const Task& task);

}  // namespace tidemill::flow
