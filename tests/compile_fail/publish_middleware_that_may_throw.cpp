// SPDX-License-Identifier: MIT
// expect: peal: a publish middleware must be noexcept
#include <peal/bus/bus.hpp>

struct order {
  long id;
};
#ifdef PEAL_EXPECT_FAIL
struct stamp {
  peal::result<peal::receipt> operator()(order& o, peal::publication&, auto&& next) {
    o.id += 1;
    return next();
  }
};
#else
struct stamp {
  peal::result<peal::receipt> operator()(order& o, peal::publication&, auto&& next) noexcept {
    o.id += 1;
    return next();
  }
};
#endif

void use(peal::bus<peal::topic<order, peal::publish_through<stamp>>>& bus) { bus.publish(order{1}); }
