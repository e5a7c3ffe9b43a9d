// SPDX-License-Identifier: MIT
// Clocks and durations. C++20's <chrono> brings formatted output and with it half of <iostream>; the public header of
// libstdc++ that brings clocks and durations alone is <mutex>.
#pragma once

#include <version>

#if defined(__GLIBCXX__)
#include <mutex>
#else
#include <chrono>
#endif
