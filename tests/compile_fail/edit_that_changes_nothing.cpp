// SPDX-License-Identifier: MIT
// expect: an edit takes the event as (E&), for by value or const it would change nothing
#include <peal/bus/bus.hpp>

struct order {
  long id;
  long cents;
};

std::size_t use(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.redrive<order>({}, [](order o) { o.cents = 0; });
#else
  return bus.redrive<order>({}, [](order& o) { o.cents = 0; });
#endif
}
