// SPDX-License-Identifier: MIT
// The rivals that run handlers on the publisher's thread, as far as this machine has them.
#pragma once

#include "rivals/function_vector.hpp"
#include "support/contestant.hpp"

#if PEAL_BENCH_HAS_BOOST
#include "rivals/signals2.hpp"
#endif
#if PEAL_BENCH_HAS_SIGCXX
#include "rivals/sigcxx.hpp"
#endif

namespace bench::rivals {

#if PEAL_BENCH_HAS_BOOST
using with_signals2 = contestants<signals2>;
#else
using with_signals2 = contestants<>;
#endif
#if PEAL_BENCH_HAS_SIGCXX
using with_sigcxx = contestants<sigcxx>;
#else
using with_sigcxx = contestants<>;
#endif

using synchronous = decltype(contestants<function_vector, locked_function_vector>{} + with_sigcxx{} + with_signals2{});

}  // namespace bench::rivals
