// SPDX-License-Identifier: MIT
// The two final actions of a failure rule: discard the event, or keep it as a dead letter.
#pragma once

#include <peal/core/outcome.hpp>  // discard: an answer of handlers as well

namespace peal::inline v0 {

/// Action of a rule: the event is kept as a dead letter for review and redrive. What happens when no rule matches.
/// (The record itself is `dead_letter_record<E>`.)
struct dead_letter_t {
  explicit dead_letter_t() = default;
};
inline constexpr dead_letter_t dead_letter{};

}  // namespace peal::inline v0
