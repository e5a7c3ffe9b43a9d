// SPDX-License-Identifier: MIT
// expect: peal: this bus does not carry the query with this reply; add peal::query<Query, Reply> to its topics
#include <peal/pattern/request_reply.hpp>

struct price_query {
  int item;
};

peal::subscription wire(peal::bus<peal::query<price_query, int>>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return peal::respond<price_query>(bus, "pricing", [](const price_query&) { return 1.5; });
#else
  return peal::respond<price_query>(bus, "pricing", [](const price_query&) { return 1; });
#endif
}
