// SPDX-License-Identifier: MIT
// A ledger in any store: a stream for each account and order, which takes its first event once.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <peal/pattern/event_streams.hpp>
#include <peal/pattern/replay.hpp>

#include "ledger.hpp"

namespace order_flow {

/// An entry as it is stored.
struct ledger_entry {
  std::string account;
  std::string order_id;
  std::string country;
  std::int64_t amount = 0;

  static constexpr peal::event_name name{"shop.ledger.entry", 1};
  static constexpr auto fields =
      peal::fields(peal::field{"account", &ledger_entry::account}, peal::field{"order_id", &ledger_entry::order_id},
                   peal::field{"country", &ledger_entry::country}, peal::field{"amount", &ledger_entry::amount});
};

/// The entry is the effect, and the store refuses a second one: an append expects that the stream is not there yet.
/// Errors: store_error.
class stream_ledger final : public ledger {
 public:
  explicit stream_ledger(peal::store& kept) : entries_{kept, "shop.ledger"} {}

  bool has(account where, std::string_view order_id) const override {
    return entries_.version(key(where, order_id)) != 0;
  }
  account_sums sums(account where) const override {
    account_sums result;
    each([&](const ledger_entry& one) {
      if (one.account != name_of(where)) return;
      ++result.entries;
      result.amounts[one.country] += one.amount;
    });
    return result;
  }
  std::int64_t in_both(account one, account other) const override {
    std::map<std::string, int> seen;
    each([&](const ledger_entry& e) {
      if (e.account == name_of(one)) seen[e.order_id] |= 1;
      if (e.account == name_of(other)) seen[e.order_id] |= 2;
    });
    std::int64_t count = 0;
    for (const auto& [order_id, where] : seen) count += where == 3 ? 1 : 0;
    return count;
  }
  std::int64_t duplicated() const override {
    std::set<std::pair<std::string, std::string>> seen;
    std::int64_t count = 0;
    each([&](const ledger_entry& e) { count += seen.emplace(e.account, e.order_id).second ? 0 : 1; });
    return count;
  }

 private:
  static std::string key(account where, std::string_view order_id) {
    return std::string{name_of(where)} + " " + std::string{order_id};
  }

  bool write(const entry& one) override {
    const ledger_entry row{std::string{name_of(one.where)}, std::string{one.order_id}, std::string{one.country},
                           one.amount};
    try {
      entries_.append(key(one.where, one.order_id), peal::no_stream, row);
      return true;
    } catch (const peal::version_conflict&) {
      return false;
    }
  }

  template <class F>
  void each(F f) const {
    entries_.kept().read(entries_.topic(), 0, ~std::size_t{0}, [&](const peal::stored_event& e) {
      f(peal::decode<ledger_entry>(e.payload));
      return true;
    });
  }

  peal::event_streams<ledger_entry> entries_;
};

}  // namespace order_flow
