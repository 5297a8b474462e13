// The words of flow files for each enumeration. word() in flow.h reads them the other way round.
#pragma once

#include <span>

#include "flow/flow.h"
#include "flow/reader.h"

namespace tidemill::flow {

std::span<const Word<Kind>> kind_words();
std::span<const Word<Rule>> rule_words();
std::span<const Word<Overlap>> overlap_words();
std::span<const Word<ParamType>> param_type_words();
std::span<const Word<OnUnknown>> on_unknown_words();
std::span<const Word<Trigger::After>> after_words();
std::span<const Word<HttpSettings::Effect>> effect_words();

// Where the settings of a kind stand in the table of fields.
Places place_of(Kind kind);

}  // namespace tidemill::flow
