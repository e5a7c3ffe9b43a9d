// SPDX-License-Identifier: MIT
// The loaded library.
#include <peal/version.hpp>

#include "contract.hpp"

extern "C" __attribute__((visibility("default"))) int plugin_main(int version) { return version == PEAL_VERSION ? 0 : 1; }

static_assert(sizeof(static_cast<plugin_entry>(&plugin_main)) != 0);
