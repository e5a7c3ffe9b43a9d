// SPDX-License-Identifier: MIT
// expect: peal: a replayed event has no handler; a handler takes (const E&) or (const E&, const peal::replayed_event&)
#include <peal/core/overloaded.hpp>
#include <peal/pattern/replay.hpp>

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

void again(const peal::store& kept) {
  const auto handlers = peal::overloaded{
#ifndef PEAL_EXPECT_FAIL
      [](const cancelled&, const peal::replayed_event&) {},
#endif
      [](const placed&) {}};
  peal::replay<placed, cancelled>(kept, "shop.orders", {}, handlers);
}
