// SPDX-License-Identifier: MIT
// expect: peal: the fields of this event differ from its contract
#include <peal/codec/contract.hpp>

#include <string>

struct order {
  std::string id;
#ifdef PEAL_EXPECT_FAIL
  long long cents;
#else
  int cents;
#endif
  static constexpr peal::event_name name{"shop.order", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id}, peal::field{"cents", &order::cents});
};

constexpr peal::contract_entry golden[] = {
    {"shop.order", 1, 0x8842d2f7addf50e8, "{id:str,cents:i32}"},
};
static_assert(peal::keeps_contract<golden, order>());
