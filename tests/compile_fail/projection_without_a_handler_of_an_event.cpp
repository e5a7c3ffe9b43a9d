// SPDX-License-Identifier: MIT
// expect: peal: an event of the projection has no handler
#include <peal/pattern/projection.hpp>

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
using model = peal::projection<placed, cancelled>;
#else
using model = peal::projection<placed>;
#endif

void fold(peal::store& kept) {
  model m{kept, {.name = "open orders", .topics = {"shop.orders"}}, [](const placed&) {}};
  m.catch_up();
}
