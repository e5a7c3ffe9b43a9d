// SPDX-License-Identifier: MIT
// expect: peal: a responder's handler takes (const Query&) or (const Query&, peal::delivery&) and returns the reply
#include <peal/pattern/request_reply.hpp>

struct price_query {
  int item;
};

peal::subscription wire(peal::bus<peal::query<price_query, int>>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return peal::respond<price_query>(bus, "pricing", [](const price_query&) {});
#else
  return peal::respond<price_query>(bus, "pricing", [](const price_query& q, peal::delivery&) { return q.item; });
#endif
}
