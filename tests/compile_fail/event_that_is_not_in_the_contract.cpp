// SPDX-License-Identifier: MIT
// expect: peal: this version of the event is not in the contract yet
#include <peal/codec/contract.hpp>

#include <string>

struct order {
  std::string id;
  int cents;
#ifdef PEAL_EXPECT_FAIL
  static constexpr peal::event_name name{"shop.bill", 1};
#else
  static constexpr peal::event_name name{"shop.order", 1};
#endif
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id}, peal::field{"cents", &order::cents});
};

constexpr peal::contract_entry golden[] = {
    {"shop.order", 1, 0x8842d2f7addf50e8, "{id:str,cents:i32}"},
};
static_assert(peal::keeps_contract<golden, order>());
