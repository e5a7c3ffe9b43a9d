// SPDX-License-Identifier: MIT
// Where the services write down what they did, each thing once: what the shop's books are made from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace order_flow {

/// Whose entries; each account belongs to one service.
enum class account : std::size_t { reserved, charged, refunded, goods, paid, mailed, earned, given_back };

inline constexpr std::array<std::string_view, 8> account_names{"reserved", "charged", "refunded", "goods",
                                                               "paid",     "mailed",  "earned",   "given_back"};

constexpr std::string_view name_of(account which) { return account_names[static_cast<std::size_t>(which)]; }

/// Something that was done for an order.
struct entry {
  account where;
  std::string_view order_id;
  std::string_view country{};
  std::int64_t amount = 0;  ///< cents or pieces
};

struct account_sums {
  std::int64_t entries = 0;
  std::map<std::string, std::int64_t> amounts{};  ///< by country

  std::int64_t amount() const {
    std::int64_t sum = 0;
    for (const auto& [country, part] : amounts) sum += part;
    return sum;
  }
};

/// An event may be delivered again after a crash, and by then what it asked for may have been done. So a thing is done by
/// entering it: an account takes an order once.
/// Thread safety: an account is used by one thread at a time, several accounts by several threads; sums at rest.
class ledger {
 public:
  ledger() = default;
  ledger(const ledger&) = delete;
  ledger& operator=(const ledger&) = delete;
  virtual ~ledger() = default;

  /// False, and nothing changes, when the account has the order already.
  bool enter(const entry& one) {
    if (write(one)) return true;
    ++again_[static_cast<std::size_t>(one.where)];
    return false;
  }
  virtual bool has(account where, std::string_view order_id) const = 0;

  virtual account_sums sums(account where) const = 0;
  /// How many orders are in both.
  virtual std::int64_t in_both(account one, account other) const = 0;
  /// How many entries are there more than once, or are not what the sums say.
  virtual std::int64_t duplicated() const = 0;

  /// How often, in this process, somebody wanted to do what had been done.
  std::int64_t again(account where) const { return again_[static_cast<std::size_t>(where)]; }

 protected:
  virtual bool write(const entry& one) = 0;

 private:
  std::array<std::int64_t, account_names.size()> again_{};
};

/// Ends with the process.
class memory_ledger final : public ledger {
 public:
  bool has(account where, std::string_view order_id) const override {
    return of(where).contains(std::string{order_id});
  }
  account_sums sums(account where) const override {
    account_sums result;
    for (const auto& [order_id, row] : of(where)) {
      ++result.entries;
      result.amounts[row.country] += row.amount;
    }
    return result;
  }
  std::int64_t in_both(account one, account other) const override {
    std::int64_t count = 0;
    for (const auto& [order_id, row] : of(one)) count += of(other).contains(order_id) ? 1 : 0;
    return count;
  }
  std::int64_t duplicated() const override { return 0; }

 private:
  struct done {
    std::string country;
    std::int64_t amount;
  };
  using rows = std::unordered_map<std::string, done>;

  bool write(const entry& one) override {
    return rows_[static_cast<std::size_t>(one.where)]
        .try_emplace(std::string{one.order_id}, done{std::string{one.country}, one.amount})
        .second;
  }
  const rows& of(account where) const { return rows_[static_cast<std::size_t>(where)]; }

  std::array<rows, account_names.size()> rows_{};
};

}  // namespace order_flow
