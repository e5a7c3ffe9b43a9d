// SPDX-License-Identifier: MIT
// What time it is for people, and for records that outlive a process.
#pragma once

#include <peal/core/clock.hpp>
#include <peal/store/records.hpp>

namespace peal::inline v0::detail {

inline wall_time wall_now() noexcept {
  return std::chrono::duration_cast<nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace peal::inline v0::detail
