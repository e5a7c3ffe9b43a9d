// SPDX-License-Identifier: MIT
#include <peal/detail/maybe.hpp>
#include <peal/detail/shared.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace {

struct base {
  virtual ~base() = default;
};
struct counted : base {
  explicit counted(std::atomic<int>& living) : alive{&living} { ++*alive; }
  ~counted() override { --*alive; }
  std::atomic<int>* alive;
  int part = 7;
};

}  // namespace

TEST_CASE("shared: the object ends with its last owner, whatever the owners call it", "[detail]") {
  std::atomic<int> alive{0};
  {
    peal::detail::shared<counted> first{new counted{alive}};
    const peal::detail::shared<base> as_base = first;
    const peal::detail::shared<void> as_nothing = first;
    const peal::detail::shared<int> part{peal::detail::shared<counted>{first}, &first->part};
    CHECK(*part == 7);
    first.reset();
    CHECK(first == nullptr);
    CHECK(alive == 1);
    peal::detail::shared<base> moved = as_base;
    const peal::detail::shared<base> last{std::move(moved)};
    CHECK(moved == nullptr);
    CHECK(last == as_base);
  }
  CHECK(alive == 0);
}

TEST_CASE("shared: who watches gets a share while there is one, and does not keep it", "[detail]") {
  std::atomic<int> alive{0};
  peal::detail::watch_base watcher;
  CHECK(watcher.lock() == nullptr);
  {
    const peal::detail::shared<counted> owner{new counted{alive}};
    watcher = owner;
    const peal::detail::watch_base another = watcher;
    CHECK(another.lock().get() == owner.get());
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
  CHECK(watcher.lock() == nullptr);
}

TEST_CASE("shared: owners and watchers on many threads end it once", "[detail]") {
  for (int round = 0; round != 50; ++round) {
    std::atomic<int> alive{0};
    peal::detail::shared<counted> owner{new counted{alive}};
    const peal::detail::watch_base watcher = owner;
    std::vector<std::thread> threads;
    for (int t = 0; t != 3; ++t) {
      threads.emplace_back([mine = owner, watcher]() mutable {
        for (int i = 0; i != 100; ++i) {
          const peal::detail::shared<counted> copy = mine;
          const auto seen = watcher.lock();
          mine = peal::detail::shared<counted>{copy};
        }
        mine.reset();
        while (watcher.lock() != nullptr) std::this_thread::yield();
      });
    }
    owner.reset();
    for (auto& t : threads) t.join();
    CHECK(alive == 0);
  }
}

TEST_CASE("maybe: a value that must be ended ends once, and an absent one never", "[detail]") {
  std::atomic<int> alive{0};
  {
    peal::detail::maybe<counted> none;
    CHECK(!none);
    peal::detail::maybe<std::string> text;
    text.emplace("longer than what a string keeps in itself");
    const peal::detail::maybe<std::string> moved{std::move(text)};
    CHECK(moved->size() > 16);
    peal::detail::maybe<counted> one;
    one.emplace(alive);
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
  constexpr peal::detail::maybe<int> plain{3};
  static_assert(plain && *plain == 3 && !peal::detail::maybe<int>{});
}
