// SPDX-License-Identifier: MIT
// Handlers on the publisher's thread: called before publish returns, concurrently, beside readers of the ring or alone.
#include "support/bus_fixture.hpp"

#include <array>
#include <set>

namespace {

using namespace peal_test;

struct tick {
  std::uint64_t n = 0;
};
struct echo {
  std::uint64_t n = 0;
};
using small = peal::topic<tick, peal::capacity<4>>;

}  // namespace

TEST_CASE("on_publisher_thread: the handler has run on this thread when publish returns", "[bus][here][P1]") {
  bus_fixture<small> f{{.workers = 1}};
  std::vector<std::uint64_t> seen;
  bool same_thread = true;
  const auto self = std::this_thread::get_id();
  const auto s = f.subscribe<tick>(
      "here",
      [&](const tick& t) {
        seen.push_back(t.n);
        same_thread = same_thread && std::this_thread::get_id() == self;
      },
      peal::on_publisher_thread);
  for (std::uint64_t n = 0; n < 100; ++n) {
    f->publish(tick{n});
    REQUIRE(seen.size() == n + 1);
    REQUIRE(seen.back() == n);
  }
  CHECK(same_thread);
  CHECK(f.of("here").handled == 100);
}

TEST_CASE("on_publisher_thread: publishers on many threads, with and without readers of the ring",
          "[bus][here][P1][P2]") {
  const bool with_reader = GENERATE(false, true);
  const watchdog dog{"inline handlers under concurrency"};
  bus_fixture<small> f{{.workers = 2}};
  constexpr std::uint64_t threads = 4;
  const std::uint64_t each = repeat(20'000, 10);
  std::array<std::atomic<std::uint64_t>, threads> next{};
  std::atomic<std::uint64_t> wrong{0};
  std::atomic<std::uint64_t> inside{0};
  const auto s = f.subscribe<tick>(
      "here",
      [&](const tick& t) {
        ++inside;
        auto& mine = next[t.n % threads];
        if (mine.load(std::memory_order_relaxed) != t.n / threads) ++wrong;
        mine.store(t.n / threads + 1, std::memory_order_relaxed);
        --inside;
      },
      peal::on_publisher_thread);
  std::array<std::uint64_t, threads> read{};
  peal::subscription reader;
  if (with_reader) {
    reader = f.subscribe<tick>("reader", [&](const tick& t) {
      if (read[t.n % threads]++ != t.n / threads) ++wrong;
    });
  }
  std::vector<std::thread> publishers;
  for (std::uint64_t k = 0; k < threads; ++k) {
    publishers.emplace_back([&, k] {
      for (std::uint64_t i = 0; i < each; ++i) {
        f->publish(tick{i * threads + k});
        if (next[k].load(std::memory_order_relaxed) != i + 1) ++wrong;
      }
    });
  }
  for (auto& t : publishers) t.join();
  f.settle();
  CHECK(wrong == 0);
  CHECK(f.of("here").handled == threads * each);
  if (with_reader) CHECK(f.of("reader").handled == threads * each);
}

TEST_CASE("on_publisher_thread: subscribing and stopping while others publish", "[bus][here][P8]") {
  const bool with_reader = GENERATE(false, true);
  std::atomic<std::uint64_t> round{0};
  const watchdog dog{"inline stop race", &round};
  bus_fixture<small> f{{.workers = 1}};
  std::atomic<bool> over{false};
  peal::subscription reader;
  if (with_reader) reader = f.subscribe<tick>("reader", [](const tick&) {});
  std::vector<std::thread> publishers;
  for (int k = 0; k < 3; ++k) {
    publishers.emplace_back([&] {
      for (std::uint64_t n = 0; !over.load(); ++n) f->publish(tick{n});
    });
  }
  std::uint64_t wrong = 0;
  std::uint64_t calls = 0;
  for (std::uint64_t i = 0; i < 300; ++i, ++round) {
    std::atomic<std::uint64_t> running{0};
    std::atomic<std::uint64_t> called{0};
    auto captured = std::make_shared<int>(1);
    const std::weak_ptr<int> alive = captured;
    auto s = f->subscribe<tick>(
        "s",
        [&running, &called, c = std::move(captured)](const tick&) {
          ++running;
          ++called;
          --running;
        },
        peal::on_publisher_thread);
    const auto meter = s.counters();
    if (i % 2 == 0) until([&] { return called.load() != 0; });
    if (s.stop() != peal::stop_result::stopped) ++wrong;
    if (running.load() != 0 || !alive.expired()) ++wrong;
    const auto books = meter.statistics();
    if (books.handled != called.load() || books.accounted() != books.accepted) ++wrong;
    calls += called.load();
  }
  over = true;
  for (auto& t : publishers) t.join();
  CHECK(wrong == 0);
  CHECK(calls > 0);
}

TEST_CASE("on_publisher_thread: a handler that publishes its own event recurses", "[bus][here][P7]") {
  const bool with_reader = GENERATE(false, true);
  const watchdog dog{"inline recursion"};
  bus_fixture<peal::topic<tick, peal::capacity<256>>> f{{.workers = 1}};
  peal::subscription reader;
  if (with_reader) reader = f.subscribe<tick>("reader", [](const tick&) {});
  std::uint64_t calls = 0;
  const auto s = f.subscribe<tick>(
      "here",
      [&](const tick& t) {
        ++calls;
        if (t.n != 0) f->publish(tick{t.n - 1});
      },
      peal::on_publisher_thread);
  f->publish(tick{100});  // deeper than any fixed table of threads
  f.settle();
  CHECK(calls == 101);
  if (with_reader) CHECK(f.of("reader").handled == 101);
}

TEST_CASE("on_publisher_thread: recursion beyond the ring goes through the lane", "[bus][here][P7]") {
  const watchdog dog{"inline recursion beyond the ring"};
  bus_fixture<small> f{{.workers = 1}};
  std::uint64_t calls = 0;
  const auto reader = f.subscribe<tick>("reader", [](const tick&) {});
  const auto s = f.subscribe<tick>(
      "here",
      [&](const tick& t) {
        ++calls;
        if (t.n != 0) f->publish(tick{t.n - 1});
      },
      peal::on_publisher_thread);
  f->publish(tick{1000});
  f.settle();
  CHECK(f.of("here").handled == 1001);
  CHECK(f.of("reader").handled == 1001);
}

TEST_CASE("on_publisher_thread: a handler that throws ends its attempt only", "[bus][here][P5][P25]") {
  bus_fixture<small, echo> f{{.workers = 1}};
  const auto thrower = f.subscribe<tick>(
      "thrower",
      [](const tick& t) {
        if (t.n == 1) throw std::runtime_error("one");
        if (t.n == 2) throw 2;
      },
      peal::on_publisher_thread, peal::on<std::runtime_error>(peal::discard), peal::otherwise(peal::dead_letter));
  const auto rejecter = f.subscribe<tick>(
      "rejecter",
      [](const tick& t) -> peal::outcome {
        if (t.n == 3) return peal::reject("three");
        return peal::done;
      },
      peal::on_publisher_thread);
  std::uint64_t after = 0;
  const auto behind = f.subscribe<tick>(
      "behind", [&](const tick&) { ++after; }, peal::on_publisher_thread);
  for (std::uint64_t n = 0; n < 10; ++n) f->publish(tick{n});
  CHECK(after == 10);
  CHECK(f.of("thrower").handled == 8);
  CHECK(f.of("thrower").discarded == 1);
  CHECK(f.of("thrower").dead == 1);
  CHECK(f.of("rejecter").handled == 9);
  const auto letters = f->dead_letters<tick>();
  REQUIRE(letters.size() == 2);
  CHECK(letters[0].subscription == "thrower");
  CHECK(letters[0].event.n == 2);
  CHECK(letters[1].cause == peal::dead_cause::rejected);
  REQUIRE(letters[1].errors.size() == 1);
  CHECK(letters[1].errors[0].what == "three");
}

TEST_CASE("on_publisher_thread: outputs are published, correlated and counted", "[bus][here]") {
  bus_fixture<small, echo> f{{.workers = 1}};
  std::vector<std::uint64_t> echoes;
  bool right = true;
  const auto a = f.subscribe<tick>(
      "a",
      [](const tick& t) -> std::optional<echo> { return t.n % 2 == 0 ? std::optional<echo>{echo{t.n}} : std::nullopt; },
      peal::on_publisher_thread);
  const auto b = f.subscribe<echo>(
      "b",
      [&](const echo& e, peal::delivery& d) {
        echoes.push_back(e.n);
        right = right && d.causation().topic() == 0 && d.correlation() == d.causation();
      },
      peal::on_publisher_thread);
  for (std::uint64_t n = 0; n < 6; ++n) f->publish(tick{n});
  CHECK(echoes == std::vector<std::uint64_t>{0, 2, 4});
  CHECK(right);
}
