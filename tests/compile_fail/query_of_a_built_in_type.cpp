// SPDX-License-Identifier: MIT
// expect: peal: a query is a struct of its own, not a built-in type and not final
#include <peal/pattern/request_reply.hpp>

struct price_query {
  int item;
};

#ifdef PEAL_EXPECT_FAIL
using asked = peal::query<int, int>;
#else
using asked = peal::query<price_query, int>;
#endif

std::size_t room(peal::bus<asked>& bus) { return bus.footprint(); }
