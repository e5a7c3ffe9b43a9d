// SPDX-License-Identifier: MIT
// expect: peal: the state cannot take in an event of its stream; it needs `void apply(const E&)` for every event
#include <peal/pattern/aggregates.hpp>

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
struct order {
  int cents{};
  void apply(const placed& e) { cents = e.cents; }
#ifndef PEAL_EXPECT_FAIL
  void apply(const cancelled&) { cents = 0; }
#endif
};

int cents_of(const peal::event_streams<placed, cancelled>& orders) {
  return peal::rebuild<order>(orders, "o-1").state.cents;
}
