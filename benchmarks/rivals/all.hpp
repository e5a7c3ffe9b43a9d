// SPDX-License-Identifier: MIT
// The rivals that hand events to other threads, as far as this machine has them.
#pragma once

#include "rivals/function_deque.hpp"
#include "rivals/spinning_ring.hpp"
#include "rivals/swapped_vector.hpp"
#include "support/contestant.hpp"

#include <string>
#include <vector>

#if PEAL_BENCH_HAS_MOODYCAMEL
#include "rivals/moodycamel.hpp"
#endif
#if PEAL_BENCH_HAS_TBB
#include "rivals/tbb_queue.hpp"
#endif
#if PEAL_BENCH_HAS_BOOST
#include "rivals/asio_post.hpp"
#include "rivals/boost_queue.hpp"
#include "rivals/boost_spsc.hpp"
#endif
#if PEAL_BENCH_HAS_ZEROMQ
#include "rivals/zeromq.hpp"
#endif

namespace bench::rivals {

using hand_written = contestants<function_deque, swapped_vector>;

#if PEAL_BENCH_HAS_MOODYCAMEL
using with_moodycamel = contestants<moodycamel>;
#else
using with_moodycamel = contestants<>;
#endif
#if PEAL_BENCH_HAS_TBB
using with_tbb = contestants<tbb_queue>;
#else
using with_tbb = contestants<>;
#endif
#if PEAL_BENCH_HAS_BOOST
using with_boost = contestants<boost_queue, boost_spsc, boost_spsc_all, asio_post>;
using with_asio = contestants<asio_post>;
#else
using with_boost = contestants<>;
using with_asio = contestants<>;
#endif
#if PEAL_BENCH_HAS_ZEROMQ
using with_zeromq = contestants<zeromq>;
#else
using with_zeromq = contestants<>;
#endif

/// Those whose consumers sleep when there is nothing to do.
using sleeping = decltype(hand_written{} + with_moodycamel{} + with_tbb{} + with_asio{} + with_zeromq{});
using all = decltype(hand_written{} + contestants<spinning_ring>{} + with_moodycamel{} + with_tbb{} + with_boost{} +
                     with_zeromq{});

/// As the targets name them.
inline const std::vector<std::string> packaged_queues{"moodycamel", "TBB bounded queue", "boost lockfree queue"};
inline const std::vector<std::string> in_one_order{"mutex + deque of functions", "mutex + swapped vector",
                                                   "TBB bounded queue", "boost lockfree queue", "asio post"};

}  // namespace bench::rivals
