// SPDX-License-Identifier: MIT
// expect: peal: with concurrency the handler is called by several threads at once, so it must be callable through const
#include <peal/bus/bus.hpp>

struct order {
  long id;
};

peal::subscription wire(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [n = 0](const order&) mutable { ++n; }, peal::concurrency{4});
#else
  return bus.subscribe<order>(
      "stock", [n = 0](const order&) mutable { ++n; }, peal::ordered_by{&order::id});
#endif
}
