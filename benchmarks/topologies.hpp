// SPDX-License-Identifier: MIT
// Every topology, one a file, in the order of the report. Each adds its tables and its targets.
#pragma once

#include "support/suite.hpp"

namespace bench {

void one_to_one(suite& s);

}  // namespace bench
