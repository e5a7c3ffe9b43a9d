// SPDX-License-Identifier: MIT
// expect: peal: two arguments behind the query are of one kind; keep one test, one options, one edit
#include <peal/bus/bus.hpp>

struct order {
  long id;
  long cents;
};

std::size_t use(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.redrive<order>(
      {}, [](order& o) { o.cents = 0; }, [](order& o) { o.cents += 1; });
#else
  return bus.redrive<order>({}, [](order& o) { o.cents = 0; });
#endif
}
