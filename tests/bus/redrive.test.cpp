// SPDX-License-Identifier: MIT
// Dead letters on threads: while events die others edit, redrive, discard and read their letters, and nothing is lost.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "support/bus_fixture.hpp"

namespace {

using namespace std::chrono_literals;
using peal_test::bus_fixture;
using peal_test::repeat;
using peal_test::watchdog;

struct parcel {
  std::uint64_t id = 0;
  std::string customer{};
  std::uint64_t edits = 0;
};

}  // namespace

TEST_CASE("redrive: on threads each event is handled or discarded once, however its letters are treated",
          "[bus][threads][P3][P23][P25]") {
  const watchdog guard{"letters on threads"};
  const std::uint64_t events = repeat(4'000, 20);
  constexpr std::uint64_t customers = 7;
  std::atomic<std::uint64_t> runs{0};
  std::atomic<bool> down{true};
  std::vector<std::atomic<std::uint32_t>> handled(events);
  std::vector<std::uint64_t> last(customers, 0);
  std::atomic<std::uint64_t> inversions{0};
  std::atomic<std::uint64_t> thrown_away{0};
  std::atomic<bool> over{false};
  bus_fixture<parcel> fx{{.workers = 2}};
  const auto handler = [&](const parcel& p) {
    if (runs.fetch_add(1) % 3 == 0 && down) throw std::runtime_error("every third run");
    handled[p.id].fetch_add(1);
    std::uint64_t& before = last[p.id % customers];  // one thread at a time
    if (before > p.id) inversions.fetch_add(1);
    before = p.id;
  };
  auto s = fx.subscribe<parcel>("parcels", handler, peal::ordered_by{&parcel::customer});
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (std::uint64_t id = 0; id != events; ++id) {
      (void)fx->publish(parcel{id, "customer " + std::to_string(id % customers)});
    }
  });
  threads.emplace_back([&] {
    while (!over) (void)fx->redrive<parcel>({.limit = 16}, [](parcel& p) { ++p.edits; });
  });
  threads.emplace_back([&] {
    while (!over) {
      for (const auto& l : fx->dead_letters<parcel>({.error = "third", .limit = 4})) {
        (void)fx->edit_letter<parcel>(l.number, [](parcel& p) { ++p.edits; });
        (void)fx->redrive<parcel>({.number = l.number}, peal::redrive_options{.dry_run = true});
      }
      const auto ann = peal::letters_with_key{&parcel::customer, "customer 3"};
      thrown_away += fx->discard_letters<parcel>({.limit = 1}, ann);
    }
  });
  threads[0].join();
  down = false;
  do {
    (void)fx->redrive<parcel>();
    fx.settle();
  } while (!fx->dead_letters<parcel>({.limit = 1}).empty());
  over = true;
  threads[1].join();
  threads[2].join();
  (void)fx->redrive<parcel>();
  fx.settle();
  std::uint64_t once = 0;
  for (const auto& n : handled) {
    CHECK(n.load() <= 1);
    once += n.load();
  }
  CHECK(once + thrown_away == events);
  CHECK(inversions == 0);
  CHECK(fx.of("parcels").dead == thrown_away);
}

TEST_CASE("redrive: an edit asks the keys of a subscription that is being stopped", "[bus][threads][P8][P25]") {
  const watchdog guard{"edits while a subscription stops"};
  bus_fixture<parcel> fx{{.workers = 1}};
  std::atomic<bool> over{false};
  const auto fails = [](const parcel&) { throw std::runtime_error("always"); };
  {
    auto first = fx.subscribe<parcel>("s", fails, peal::ordered_by{&parcel::customer});
    for (std::uint64_t id = 0; id != 8; ++id) (void)fx->publish(parcel{id, std::to_string(id)});
    fx.settle();
  }
  std::thread editor{[&] {
    while (!over) {
      for (const auto& l : fx->dead_letters<parcel>()) {
        const auto said = fx->edit_letter<parcel>(l.number, [](parcel& p) { ++p.edits; });
        if (said == peal::redrive_errc::key_changed) std::abort();
      }
    }
  }};
  for (std::uint64_t i = 0; i != repeat(400); ++i) {
    auto alive = std::make_shared<std::atomic<bool>>(true);
    const auto key = [alive](const parcel& p) -> const std::string& {
      if (!*alive) std::abort();
      return p.customer;
    };
    {
      auto s = fx.subscribe<parcel>("s", fails, peal::ordered_by{key});
      std::this_thread::yield();
    }
    CHECK(alive.use_count() == 2);  // ours and the one in `key`: the policy is gone once stop() has returned
    alive->store(false);
  }
  over = true;
  editor.join();
  CHECK(fx->dead_letters<parcel>().size() == 8);
}

TEST_CASE(
    "start_redrive: on threads letters go back at once or slowly, are paused and stopped, and all are told of once",
    "[bus][threads][P3][P25]") {
  const watchdog guard{"redrives at a rate on threads"};
  const std::uint64_t events = repeat(2'000, 20);
  using letter = peal::dead_letter_record<parcel>;
  std::atomic<bool> down{true};
  std::atomic<std::uint64_t> handled{0};
  std::vector<std::atomic<std::uint32_t>> told(8 * events);
  bus_fixture<parcel, peal::topic<letter, peal::capacity<65536>>> fx{{.workers = 2}};
  auto alert = fx.subscribe<letter>("alert", [&](const letter& l) {
    if (l.number < told.size()) told[l.number].fetch_add(1);
  });
  auto s = fx.subscribe<parcel>("parcels", [&](const parcel& p) {
    if (down && p.id % 2 == 0) throw std::runtime_error("even");
    handled.fetch_add(1);
  });
  std::atomic<bool> over{false};
  std::thread fickle{[&] {
    while (!over) {
      auto r = fx->start_redrive<parcel>({}, peal::redrive_options{.per_second = 1e6, .burst = 64, .max_cycles = 2},
                                         [](parcel& p) { ++p.edits; });
      r.pause();
      std::this_thread::yield();
      r.resume();
      for (int i = 0; i != 100 && r.progress().state == peal::redrive_state::running; ++i) std::this_thread::yield();
    }
  }};
  for (std::uint64_t id = 0; id != events; ++id) (void)fx->publish(parcel{id});
  fx.settle();
  down = false;
  auto r = fx->start_redrive<parcel>({}, peal::redrive_options{.per_second = 1e6, .burst = 1024});
  over = true;
  fickle.join();
  peal_test::until([&] { return r.progress().state == peal::redrive_state::finished; });
  (void)fx->redrive<parcel>();
  fx.settle();
  CHECK(handled == events);
  CHECK(fx->dead_letters<parcel>().empty());
  CHECK(fx->statistics().topics[0].untold == 0);
  CHECK(fx.of("alert").handled == fx.of("parcels").redriven);
  for (const auto& n : told) CHECK(n.load() <= 1);
}
