// SPDX-License-Identifier: MIT
// expect: peal: the handler returns an event that its subscriber may not publish; name it in publishes<…>
#include <peal/bus/bus.hpp>

struct order {};
struct payment {};

#ifdef PEAL_EXPECT_FAIL
using inlet = peal::subscriber<order>;
#else
using inlet = peal::subscriber<order, peal::publishes<payment>>;
#endif

peal::subscription wire(inlet in) {
  return in.subscribe("till", [](const order&) { return payment{}; });
}
