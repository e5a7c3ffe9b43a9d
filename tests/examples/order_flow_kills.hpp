// SPDX-License-Identifier: MIT
// Kills order_flow at random moments, starts it again until its day is over, and looks at what has become of the orders.
#pragma once

#include <poll.h>
#include <time.h>

#include <peal/testing/contract/detail/child.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "../../examples/order_flow/run.hpp"
#include "support/stress_options.hpp"
#include "support/temporary_folder.hpp"

namespace peal_test {

struct shop_store {
  std::unique_ptr<peal::store> kept;
  std::unique_ptr<order_flow::ledger> entries;
};

/// How a store with its ledger is opened.
class shop_place {
 public:
  virtual ~shop_place() = default;
  [[nodiscard]] virtual shop_store open(const std::string& path) const = 0;
  [[nodiscard]] virtual std::unique_ptr<peal::store> open_for_reading(const std::string& path) const = 0;
};

/// A day's input: a part of a real file where it lies beside the repository, else a made one.
class retail_days {
 public:
  retail_days() {
    const std::string_view here = __FILE__;
    const std::string root{here.substr(0, here.rfind("tests/examples/"))};
    std::ifstream in{root + "../shared/data/online_retail_50k.csv"};
    made_ = !in;
    if (made_) return;
    std::getline(in, header_);
    for (std::string line; std::getline(in, line);) rows_.push_back(line);
  }

  [[nodiscard]] bool made() const { return made_; }
  [[nodiscard]] std::string text(std::uint64_t day) const {
    if (made_) return order_flow::retail_generator{day + 1}.make(250);
    constexpr std::size_t most = 5'000;
    const std::size_t days = (rows_.size() + most - 1) / most;
    const std::size_t first = day % days * most;
    std::string all = header_ + "\n";
    for (std::size_t i = first; i < std::min(first + most, rows_.size()); ++i) all += rows_[i] + "\n";
    return all;
  }

 private:
  bool made_ = true;
  std::string header_;
  std::vector<std::string> rows_;
};

struct shop_kills {
  std::uint64_t kills = 0;
  std::uint64_t days = 0;             ///< inputs that came to their end
  std::uint64_t orders = 0;           ///< publications of orders in the stores
  std::uint64_t acknowledged = 0;     ///< those the outside was told of
  std::uint64_t lost = 0;             ///< acknowledged and not in the store, or accepted and without an end
  std::uint64_t duplicated = 0;       ///< effects that happened twice
  std::uint64_t announced_again = 0;  ///< parcels, because a process ended before it was known that they were
};

inline std::string to_string(const shop_kills& k) {
  const auto count = [](const char* what, std::uint64_t n) { return std::string{what} + std::to_string(n); };
  return count("kills=", k.kills) + count(" days=", k.days) + count(" orders=", k.orders) +
         count(" acknowledged=", k.acknowledged) + count(" announced again=", k.announced_again) +
         count(" lost=", k.lost) + count(" duplicated effects=", k.duplicated);
}

/// One day after the other, each with a store of its own, until there were enough kills.
class shop_killer {
 public:
  shop_killer(const shop_place& place, std::uint64_t seed) : place_{place}, random_{seed} {}

  shop_kills until(std::uint64_t kills) {
    for (; result_.kills < kills; ++result_.days) one_day(result_.days);
    return result_;
  }

 private:
  struct day {
    std::string store;
    order_flow::options chosen;
    std::string told{};  ///< what was acknowledged, a line each
  };

  void one_day(std::uint64_t number) {
    const temporary_folder folder;
    day today{folder.path("shop"), {}};
    today.chosen.input = folder.path("orders.csv");
    if (number % 2 == 1) today.chosen.troubles = {.duplicate = 0.1, .flaky = 0.1, .crash = 0.05, .seed = number};
    std::ofstream{*today.chosen.input, std::ios::binary} << days_.text(number);
    while (!one_life(today)) check_acknowledged(today);
    check_acknowledged(today);
    check_orders(today);
  }

  /// True: it came to its end, and its books balance.
  bool one_life(day& today) {
    namespace cases = peal::testing::contract_cases;
    int outside[2];
    cases::require(::pipe(outside) == 0, "pipe() failed");
    today.chosen.acknowledge = "/dev/fd/" + std::to_string(outside[1]);
    cases::child process{[&] { live(today); }, 280};
    ::close(outside[1]);
    listen(outside[0], today.told);
    process.kill();
    while (hear(outside[0], today.told)) continue;
    ::close(outside[0]);
    if (process.was_killed()) return ++result_.kills, false;
    process.finish();
    return true;
  }

  /// Until a moment of its life, or its end; every other time until it has just acknowledged something.
  void listen(int from, std::string& told) {
    const std::uint64_t moment = random_() % (random_() % 4 == 0 ? std::min<std::uint64_t>(window_, 5'000) : window_);
    std::uint64_t groups = random_() % 2 == 0 ? 1 + random_() % 6 : ~std::uint64_t{0};
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(moment);
    for (; groups != 0; --groups) {
      const auto left = std::max<std::chrono::nanoseconds>(end - std::chrono::steady_clock::now(), {});
      const ::timespec wait{static_cast<::time_t>(left.count() / 1'000'000'000),
                            static_cast<long>(left.count() % 1'000'000'000)};
      ::pollfd there{from, POLLIN, 0};
      if (::ppoll(&there, 1, &wait, nullptr) <= 0 || !hear(from, told)) return;
    }
  }
  static bool hear(int from, std::string& told) {
    char text[4096];
    const ::ssize_t n = ::read(from, text, sizeof text);
    if (n > 0) told.append(text, static_cast<std::size_t>(n));
    return n > 0;
  }

  void live(const day& today) const {
    const shop_store opened = place_.open(today.store);
    order_flow::onlooker nobody;
    const auto report = order_flow::run_shop_on(*opened.kept, *opened.entries, today.chosen, nobody);
    if (!order_flow::complaints(report).empty()) throw std::runtime_error(order_flow::complaints_text(report));
  }

  /// What the outside was told of is in the store, at its place. A life that came no further makes the next ones longer.
  void check_acknowledged(const day& today) {
    std::uint64_t told = 0;
    std::istringstream in{today.told};
    for (std::string line; std::getline(in, line);) told = std::stoull(line) + 1;
    std::uint64_t there = 0;
    std::uint64_t progress = 0;
    try {
      const auto kept = place_.open_for_reading(today.store);
      there = kept->range("shop.orders").next;
      progress = there + kept->range("shop.work").next + kept->range("shop.parcels").next;
      kept->cursors([&](const peal::stored_cursor& c) { progress += c.position; });
    } catch (const peal::store_error&) {
      if (told != 0) throw;  // else it was killed before there was a store
    }
    if (there < told) result_.lost += told - there;
    window_ = progress > progress_ ? std::max<std::uint64_t>(window_ * 9 / 10, 2'000) : window_ + window_ / 4;
    progress_ = progress;
  }

  void check_orders(const day& today) {
    const shop_store opened = place_.open(today.store);
    const ids orders = ids_of(*opened.kept, "shop.orders", peal::name_of<order_flow::order_placed>().name);
    std::istringstream in{today.told};
    for (std::string line; std::getline(in, line); ++result_.acknowledged) {
      if (line.substr(line.find(' ') + 1) != order_flow::json_string(ids_at(*opened.kept, std::stoull(line)))) {
        ++result_.lost;
      }
    }
    result_.orders += opened.kept->range("shop.orders").next;
    const auto rejected = ids_of_letters(*opened.kept);
    for (const auto& id : orders.each) {
      const bool charged = opened.entries->has(order_flow::account::charged, id);
      if (charged == rejected.contains(id)) ++(charged ? result_.duplicated : result_.lost);
      if (charged && !opened.entries->has(order_flow::account::mailed, id)) ++result_.lost;
    }
    const ids parcels = ids_of(*opened.kept, "shop.parcels", peal::name_of<order_flow::order_shipped>().name);
    result_.announced_again += parcels.count - parcels.each.size();
    result_.duplicated += static_cast<std::uint64_t>(std::abs(opened.entries->duplicated()));
    progress_ = 0;
  }

  struct ids {
    std::set<std::string> each;
    std::uint64_t count = 0;
  };
  static std::string id_of(const peal::stored_event& e) {
    if (e.name == peal::name_of<order_flow::order_placed>().name) {
      return peal::decode<order_flow::order_placed>(e.payload).order_id;
    }
    if (e.name == peal::name_of<order_flow::order_cancelled>().name) {
      return peal::decode<order_flow::order_cancelled>(e.payload).order_id;
    }
    if (e.name == peal::name_of<order_flow::order_shipped>().name) {
      return peal::decode<order_flow::order_shipped>(e.payload).order_id;
    }
    return {};
  }
  static ids ids_of(const peal::store& kept, std::string_view topic, std::string_view name) {
    ids result;
    kept.read(topic, 0, ~std::size_t{0}, [&](const peal::stored_event& e) {
      if (e.name == name) result.each.insert(id_of(e)), ++result.count;
      return true;
    });
    return result;
  }
  static std::string ids_at(const peal::store& kept, std::uint64_t position) {
    std::string id;
    kept.read("shop.orders", position, 1, [&](const peal::stored_event& e) { return id = id_of(e), true; });
    return id;
  }
  static std::set<std::string> ids_of_letters(const peal::store& kept) {
    std::set<std::string> result;
    kept.letters("shop.orders", [&](const peal::stored_letter& l) { result.insert(id_of(l.event)); });
    return result;
  }

  const shop_place& place_;
  std::mt19937_64 random_;
  const retail_days days_{};
  shop_kills result_{};
  std::uint64_t window_ = 40'000;  // microseconds of a life at most
  std::uint64_t progress_ = 0;
};

/// Prints what it has seen. Throws when a life ends with books that do not balance.
inline shop_kills kill_order_flow(const char* what, const shop_place& place, std::uint64_t kills) {
  const shop_kills seen = shop_killer{place, seed()}.until(kills);
  std::printf("order_flow on %s, killed: seed=%llu %s input=%s\n", what, static_cast<unsigned long long>(seed()),
              to_string(seen).c_str(), retail_days{}.made() ? "made" : "real");
  return seen;
}

}  // namespace peal_test
