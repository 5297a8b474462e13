// The tables of meta.db and how older files are brought up to date. docs/formats/meta-db.md
// describes them.
#pragma once

#include "io/sqlite.h"

namespace tidemill::store {

// Brings the file to this program's version, one step a transaction, so that an interruption at any
// point is continued at the next start. A file of a newer program is refused.
Status migrate(io::Connection& writer);

}  // namespace tidemill::store
