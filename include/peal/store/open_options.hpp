// SPDX-License-Identifier: MIT
// What stores in files are told when they are opened.
#pragma once

#include <cstdint>

namespace peal::inline v0 {

/// What for.
enum class open_mode : std::uint8_t {
  write,  ///< made when it is not there; one at a time
  read,   ///< beside a writer, or alone; what writes is refused
};

/// What a commit waits for.
enum class sync : std::uint8_t {
  full,  ///< until the disk has it: it survives the loss of power
  os,    ///< until the operating system has it: it survives kill -9; a loss of power may take the last commits
};

}  // namespace peal::inline v0
