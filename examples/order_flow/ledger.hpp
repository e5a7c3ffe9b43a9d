// SPDX-License-Identifier: MIT
// Where the services write down what they did, each thing once: what the shop's books are made from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
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

/// The entries of one account by order: open addressing, so that an entry costs one miss of the caches and no node.
class entry_table {
 public:
  struct row {
    std::string order_id{};
    std::int64_t amount = 0;
    std::uint32_t country = 0;
    bool used = false;
  };

  bool add(const entry& one) {
    if (2 * (count_ + 1) > rows_.size()) grow();
    row& at = rows_[place_of(one.order_id)];
    if (at.used) return false;
    at = {std::string{one.order_id}, one.amount, number_of(one.country), true};
    ++count_;
    return true;
  }
  bool has(std::string_view order_id) const { return count_ != 0 && rows_[place_of(order_id)].used; }

  /// Shows each row and its country.
  template <class Show>
  void each(Show show) const {
    for (const row& r : rows_) {
      if (r.used) show(r, countries_[r.country]);
    }
  }

 private:
  /// Of the order, or where it would stand.
  std::size_t place_of(std::string_view order_id) const {
    std::size_t at = std::hash<std::string_view>{}(order_id) & (rows_.size() - 1);
    while (rows_[at].used && rows_[at].order_id != order_id) at = (at + 1) & (rows_.size() - 1);
    return at;
  }
  void grow() {
    std::vector<row> before(rows_.empty() ? 1024 : 2 * rows_.size());
    before.swap(rows_);
    for (row& r : before) {
      if (r.used) rows_[place_of(r.order_id)] = std::move(r);
    }
  }
  std::uint32_t number_of(std::string_view country) {
    for (std::size_t i = 0; i != countries_.size(); ++i) {
      if (countries_[i] == country) return static_cast<std::uint32_t>(i);
    }
    countries_.emplace_back(country);
    return static_cast<std::uint32_t>(countries_.size() - 1);
  }

  std::vector<row> rows_{};
  std::vector<std::string> countries_{};
  std::size_t count_ = 0;
};

/// Ends with the process.
class memory_ledger final : public ledger {
 public:
  bool has(account where, std::string_view order_id) const override { return of(where).has(order_id); }
  account_sums sums(account where) const override {
    account_sums result;
    of(where).each([&](const entry_table::row& r, const std::string& country) {
      ++result.entries;
      result.amounts[country] += r.amount;
    });
    return result;
  }
  std::int64_t in_both(account one, account other) const override {
    std::int64_t count = 0;
    of(one).each([&](const entry_table::row& r, const std::string&) { count += of(other).has(r.order_id) ? 1 : 0; });
    return count;
  }
  std::int64_t duplicated() const override { return 0; }

 private:
  bool write(const entry& one) override { return tables_[static_cast<std::size_t>(one.where)].add(one); }
  const entry_table& of(account where) const { return tables_[static_cast<std::size_t>(where)]; }

  std::array<entry_table, account_names.size()> tables_{};
};

}  // namespace order_flow
