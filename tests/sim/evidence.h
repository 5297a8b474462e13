// What the checks read, taken from a server that stands.
#pragma once

#include "checks.h"
#include "outside.h"
#include "project.h"
#include "site.h"

namespace tidemill::sim {

// All but first_seen and limits.
Evidence gather(Site& site, const Outside& outside, const Project& project);

}  // namespace tidemill::sim
