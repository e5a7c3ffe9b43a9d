// SPDX-License-Identifier: MIT
// expect: peal: a publish middleware returns what next() returned, or a publish_errc
#include <peal/bus/bus.hpp>

struct order {
  long id;
};
struct stamp {
#ifdef PEAL_EXPECT_FAIL
  void operator()(order&, peal::publication&, auto&& next) noexcept { (void)next(); }
#else
  auto operator()(order&, peal::publication&, auto&& next) noexcept { return next(); }
#endif
};

void use(peal::bus<peal::topic<order, peal::publish_through<stamp>>>& bus) { bus.publish(order{1}); }
