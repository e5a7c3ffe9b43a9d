// SPDX-License-Identifier: MIT
// expect: peal: on_poll does not go with a responder: who asks on the thread that polls would wait for itself
#include <peal/pattern/request_reply.hpp>

struct price_query {
  int item;
};

peal::subscription wire(peal::bus<peal::query<price_query, int>>& bus) {
  const auto answer = [](const price_query& q) { return q.item; };
#ifdef PEAL_EXPECT_FAIL
  return peal::respond<price_query>(bus, "pricing", answer, peal::on_poll);
#else
  return peal::respond<price_query>(bus, "pricing", answer, peal::concurrency{2});
#endif
}
