// SPDX-License-Identifier: MIT
// What the program and the library have agreed on.
#pragma once

extern "C" {
/// The library's only visible function. Returns 0 when all went well.
using plugin_entry = int (*)(int version);
}
