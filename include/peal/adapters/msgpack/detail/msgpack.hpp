// SPDX-License-Identifier: MIT
// The one place that includes msgpack-cxx.
#pragma once

#include <msgpack.hpp>
