// SPDX-License-Identifier: MIT
// Ten million keys through a table that remembers a million: bounded memory, no key forgotten early, none kept late.
#include <peal/policy/idempotency.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "support/bus_fixture.hpp"
#include "support/catch.hpp"
#include "support/stress_options.hpp"

namespace {

using namespace std::chrono_literals;
using peal::detail::key_status;
using time_point = std::chrono::steady_clock::time_point;

constexpr std::uint64_t capacity = 1'000'000;

// A bijection of 64 bits, so that consecutive numbers make keys without order and without repetition.
std::uint64_t scatter(std::uint64_t n) {
  n = (n ^ (n >> 30U)) * 0xbf58'476d'1ce4'e5b9U;
  n = (n ^ (n >> 27U)) * 0x94d0'49bb'1331'11ebU;
  return n ^ (n >> 31U);
}

std::string hex(std::uint64_t n, std::size_t length) {
  std::string text(length, '0');
  for (std::size_t i = 0; i < length; ++i) text[i] = "0123456789abcdef"[(n >> (i % 16 * 4)) & 15U];
  return text;
}

template <class Key, class Make>
void run(const char* what, std::uint64_t count, std::size_t bytes_a_key, Make make) {
  peal::detail::key_table<Key> table{24h, capacity};
  std::mt19937_64 random{peal_test::seed()};
  const std::uint64_t salt = random();
  std::uint64_t claimed = 0, duplicates = 0, missed = 0, forgotten = 0, kept = 0, timed = 0;
  std::chrono::nanoseconds spent{0};
  std::vector<Key> batch;
  std::uint32_t marks[4]{};
  time_point now{};
  for (std::uint64_t done = 0; done < count;) {
    batch.clear();
    for (std::uint64_t i = 0; i < 4096 && done + i < count; ++i) batch.push_back(make(scatter(salt + done + i)));
    const time_point before = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < batch.size(); ++i) {  // four ahead, as a batch's intake would
      if (i == 0) {
        for (std::size_t k = 0; k < std::min<std::size_t>(4, batch.size()); ++k) marks[k] = table.prepare(batch[k], 0);
      }
      const std::uint32_t mark = marks[i % 4];
      if (i + 4 < batch.size()) marks[i % 4] = table.prepare(batch[i + 4], 0);
      const auto result = table.claim(mark, batch[i], 0, now);
      if (result.status == key_status::claimed) {
        table.commit(*result.entry, now);
        ++claimed;
      } else {
        ++kept;
      }
    }
    if (done >= capacity) {  // full: each commit forgets a key
      spent += std::chrono::steady_clock::now() - before;
      timed += batch.size();
    }
    done += batch.size();
    now += 1us;
    // Again: one of the last million is a duplicate, one older is new (and pushes out the oldest).
    const std::uint64_t recent = done - 1 - random() % std::min(done, capacity / 2);
    ++duplicates;
    if (table.claim(make(scatter(salt + recent)), 0, now).status != key_status::committed_before) ++missed;
    if (done > 2 * capacity) {
      const std::uint64_t old = random() % (done - 2 * capacity);
      const auto again = table.claim(make(scatter(salt + old)), 0, now);
      if (again.status == key_status::claimed)
        table.abandon(*again.entry);
      else
        ++forgotten;
    }
    if (table.committed() > capacity) ++forgotten;
  }
  std::printf(
      "%s: offered %llu claimed %llu duplicates %llu missed %llu kept_late %llu evicted %llu, %zu bytes, %.1f "
      "bytes/key, "
      "%.1f ns/claim+commit\n",
      what, static_cast<unsigned long long>(count), static_cast<unsigned long long>(claimed),
      static_cast<unsigned long long>(duplicates), static_cast<unsigned long long>(missed),
      static_cast<unsigned long long>(forgotten + kept), static_cast<unsigned long long>(table.evicted()),
      table.footprint(), static_cast<double>(table.footprint()) / static_cast<double>(table.size()),
      timed == 0 ? 0.0 : static_cast<double>(spent.count()) / static_cast<double>(timed));
  CHECK(claimed == count);
  CHECK(missed == 0);
  CHECK(forgotten == 0);
  CHECK(table.evicted() == (count > capacity ? count - capacity : 0));
  CHECK(table.window_shrunk() == table.evicted());
  CHECK(table.footprint() <= (capacity + 1) * bytes_a_key + 64 * 1024);
}

}  // namespace

TEST_CASE("key_table: 10^7 keys in bounded memory", "[stress][idempotency][P24]") {
  // One thread: a sanitizer has seen it all after a tenth.
  const std::uint64_t count = peal_test::scaled(peal_test::repeat(10'000'000, 10));
  const auto number = [](std::uint64_t n) { return n; };
  run<std::uint64_t>("numbers", count, 40 + 22, number);
  run<std::string>("short text", count, 64 + 22, [](std::uint64_t n) { return hex(n, 14); });
  run<std::string>("uuid-long text", count / 2, 64 + 22, [](std::uint64_t n) { return hex(n, 36); });
}
