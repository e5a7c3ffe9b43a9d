// SPDX-License-Identifier: MIT
// expect: peal: a topic has two publish_through options; name all middleware in one, the outermost first
#include <peal/bus/bus.hpp>

struct order {
  long id;
};
struct stamp {
  auto operator()(order&, peal::publication&, auto&& next) noexcept { return next(); }
};
struct check {
  auto operator()(order&, peal::publication&, auto&& next) noexcept { return next(); }
};

#ifdef PEAL_EXPECT_FAIL
peal::bus<peal::topic<order, peal::publish_through<stamp>, peal::publish_through<check>>> bus;
#else
peal::bus<peal::topic<order, peal::publish_through<stamp, check>>> bus;
#endif
