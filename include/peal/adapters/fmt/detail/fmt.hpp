// SPDX-License-Identifier: MIT
// The one place that includes fmt.
#pragma once

#include <fmt/format.h>
