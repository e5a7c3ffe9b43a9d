// SPDX-License-Identifier: MIT
// expect: peal: nobody can give this reply to this query on this bus
#include <peal/pattern/request_reply.hpp>

using namespace std::chrono_literals;

struct price_query {
  int item;
};

bool ask(peal::bus<peal::query<price_query, int>>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return peal::request<long>(bus, price_query{1}, 1s).has_value();
#else
  return peal::request<int>(bus, price_query{1}, 1s).has_value();
#endif
}
