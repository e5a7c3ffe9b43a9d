// SPDX-License-Identifier: MIT
// How long a worker waits between two short batches of one subscription.
#pragma once

#include <peal/ring/atomics.hpp>

#include <cstdint>

namespace peal::inline v0::detail {

/// Lets some events gather after a short batch: two threads in step on one line are slow, as each event makes the line
/// travel twice. Whether waiting brings longer batches is learned, and asked again now and then, so that a conversation
/// of single events does not wait. It looks at nothing while it waits.
class gathering {
 public:
  void after(std::uint32_t batch) noexcept {
    if (batch >= plenty) return;
    if (pauses_ == least) {
      if (--until_asked_ == 0) pauses_ = first;
    } else if (batch < worth_it) {
      pauses_ = least;
      ask_every_ = ask_every_ < most_turns ? ask_every_ * 2 : most_turns;
      until_asked_ = ask_every_;
    } else {
      pauses_ = pauses_ < most ? pauses_ * 2 : most;
      until_asked_ = ask_every_ = 1;
    }
    for (std::uint32_t i = 0; i < pauses_; ++i) native_atomics::pause();
  }

 private:
  static constexpr std::uint32_t plenty = 64;   ///< such a batch needs no longer ones; events
  static constexpr std::uint32_t worth_it = 4;  ///< what a wait must bring to be repeated; events
  static constexpr std::uint32_t least = 8;     ///< always: an answer may be on its way; pauses
  static constexpr std::uint32_t first = 16;    ///< the shortest that is learned; pauses
  static constexpr std::uint32_t most = 64;     ///< the longest, about half a microsecond; pauses
  static constexpr std::uint32_t most_turns = 256;
  std::uint32_t pauses_ = least;
  std::uint32_t until_asked_ = 1;
  std::uint32_t ask_every_ = 1;
};

}  // namespace peal::inline v0::detail
