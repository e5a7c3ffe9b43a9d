// SPDX-License-Identifier: MIT
// expect: peal: two of the events have the same name; name the newest version alone
#include <peal/pattern/event_streams.hpp>

struct placed_v1 {
  int cents{};
  static constexpr peal::event_name name{"shop.placed", 1};
  static constexpr auto fields = peal::fields(peal::field{"cents", &placed_v1::cents});
};
struct placed {
  int cents{};
  using previous = placed_v1;
  static placed upcast(placed_v1&& old) { return {old.cents}; }
  static constexpr peal::event_name name{"shop.placed", 2};
  static constexpr auto fields = peal::fields(peal::field{"cents", &placed::cents});
};
#ifdef PEAL_EXPECT_FAIL
using orders = peal::event_streams<placed_v1, placed>;
#else
using orders = peal::event_streams<placed>;
#endif

void place(orders& all) { all.append("o-1", peal::no_stream, placed{7}); }
