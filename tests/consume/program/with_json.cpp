// SPDX-License-Identifier: MIT
// A user's program with the adapter for nlohmann-json.
#include <peal/adapters/json/json.hpp>
#include <peal/codec/json.hpp>

#include <cstdio>

struct order {
  std::string id;
  static constexpr peal::event_name name{"shop.order", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};

int main() { std::puts(peal::to_json(peal::json::from_json<order>(R"({"id":"o-1"})")).c_str()); }
