// SPDX-License-Identifier: MIT
// expect: peal: an event must move and be destroyed without throwing (noexcept)
#include <peal/bus/bus.hpp>

struct order {
  order() = default;
#ifdef PEAL_EXPECT_FAIL
  order(order&&) {}
#else
  order(order&&) noexcept {}
#endif
};

void wire() { peal::bus<order> bus; }
