// SPDX-License-Identifier: MIT
// expect: peal: the keys of ordered_by{…} are of different types, but equal keys of different events are one key; make them one type
#include <peal/bus/bus.hpp>

struct order {
  long id;
};
struct refund {
  long id;
};

peal::subscription wire(peal::bus<peal::topic<order, refund>>& bus) {
#ifdef PEAL_EXPECT_FAIL
  const auto of = [](const refund& r) { return static_cast<int>(r.id); };
#else
  const auto of = [](const refund& r) { return r.id; };
#endif
  return bus.subscribe<order, refund>(
      "stock", [](const auto&) {}, peal::ordered_by{&order::id, of});
}
