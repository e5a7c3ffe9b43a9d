// SPDX-License-Identifier: MIT
// expect: peal: these streams do not carry the event; add it to the streams' events
#include <peal/pattern/event_streams.hpp>

struct placed {
  int cents{};
  static constexpr peal::event_name name{"shop.placed", 1};
  static constexpr auto fields = peal::fields(peal::field{"cents", &placed::cents});
};
struct cancelled {
  int why{};
  static constexpr peal::event_name name{"shop.cancelled", 1};
  static constexpr auto fields = peal::fields(peal::field{"why", &cancelled::why});
};
#ifdef PEAL_EXPECT_FAIL
using orders = peal::event_streams<placed>;
#else
using orders = peal::event_streams<placed, cancelled>;
#endif

void cancel(orders& all) { all.append("o-1", 1, cancelled{7}); }
