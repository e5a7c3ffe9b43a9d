// SPDX-License-Identifier: MIT
// The one place that includes nlohmann-json.
#pragma once

#include <nlohmann/json.hpp>
