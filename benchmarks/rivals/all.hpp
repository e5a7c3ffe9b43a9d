// SPDX-License-Identifier: MIT
// The rivals that this machine has, and the groups in which targets name them.
#pragma once

#include "rivals/function_deque.hpp"
#include "rivals/swapped_vector.hpp"
#include "support/contestant.hpp"

#if PEAL_BENCH_HAS_MOODYCAMEL
#include "rivals/moodycamel.hpp"
#endif

namespace bench::rivals {

using hand_written = contestants<function_deque, swapped_vector>;

#if PEAL_BENCH_HAS_MOODYCAMEL
using with_moodycamel = contestants<moodycamel>;
#else
using with_moodycamel = contestants<>;
#endif

using all = decltype(hand_written{} + with_moodycamel{});

}  // namespace bench::rivals
