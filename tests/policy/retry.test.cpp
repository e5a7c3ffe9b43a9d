// SPDX-License-Identifier: MIT
// Rules for failures: which rule wins, what is said about the exception, and what passes through.
#include <peal/policy/retry.hpp>

#include <pthread.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "support/catch.hpp"

namespace shop {

struct gateway_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct gateway_timeout : gateway_error {
  using gateway_error::gateway_error;
};
struct card_declined {
  int code = 0;
};

}  // namespace shop

namespace {

using namespace std::chrono_literals;
using peal::action_kind;

constexpr peal::backoff quick{.attempts = 3, .first = 1ms};
constexpr peal::backoff slow{.attempts = 9, .first = 1h};

template <class Thrown>
auto throwing(Thrown thrown) {
  return [thrown] { throw thrown; };
}

}  // namespace

TEST_CASE("rule_set: a run that returns is no failure", "[policy][retry]") {
  const peal::rule_set rules{peal::on<shop::card_declined>(peal::discard), peal::otherwise(quick)};
  int runs = 0;
  CHECK(!rules.run([&runs] { ++runs; }));
  CHECK(runs == 1);
  CHECK(!peal::rule_set<>{}.run([&runs] { return ++runs; }));
  CHECK(runs == 2);
}

TEST_CASE("rule_set: the first rule that matches wins", "[policy][retry][P21]") {
  const peal::rule_set rules{peal::on<shop::gateway_timeout>(quick), peal::on<shop::card_declined>(peal::discard),
                             peal::on<std::runtime_error>(slow), peal::otherwise(peal::dead_letter)};
  const auto timeout = rules.run(throwing(shop::gateway_timeout{"504"}));
  REQUIRE(timeout);
  CHECK(timeout->action.kind == action_kind::again);
  CHECK(timeout->action.plan->attempts == 3);
  CHECK(timeout->error_text == "504");

  const auto declined = rules.run(throwing(shop::card_declined{51}));
  REQUIRE(declined);
  CHECK(declined->action.kind == action_kind::discarded);
  CHECK(declined->action.plan == nullptr);
  CHECK(declined->error_text == "shop::card_declined");

  const auto other = rules.run(throwing(shop::gateway_error{"500"}));
  REQUIRE(other);
  CHECK(other->action.kind == action_kind::again);
  CHECK(other->action.plan->attempts == 9);

  const auto bad_value = rules.run(throwing(std::invalid_argument{"no such country"}));
  REQUIRE(bad_value);
  CHECK(bad_value->action.kind == action_kind::letter);
  CHECK(bad_value->error_text == "no such country");
}

TEST_CASE("rule_set: without a rule a failed run is a dead letter", "[policy][retry][P21]") {
  const peal::rule_set<> none;
  CHECK(none.fallback().kind == action_kind::letter);
  const auto known = none.run(throwing(std::logic_error{"why"}));
  REQUIRE(known);
  CHECK(known->action.kind == action_kind::letter);
  CHECK(known->error_text == "why");
  const auto unknown = none.run(throwing(42));
  REQUIRE(unknown);
  CHECK(unknown->action.kind == action_kind::letter);
  CHECK(unknown->error_text == "unknown exception");
}

TEST_CASE("rule_set: otherwise takes what no rule names, std::exception or not", "[policy][retry][P21]") {
  const peal::rule_set rules{peal::on<int>(peal::discard), peal::otherwise(quick)};
  CHECK(rules.run(throwing(1))->action.kind == action_kind::discarded);
  CHECK(rules.run(throwing(1))->error_text == "int");
  CHECK(rules.run(throwing(1L))->action.plan->attempts == 3);
  CHECK(rules.run(throwing(std::bad_alloc{}))->action.plan->attempts == 3);
  CHECK(rules.fallback().plan->attempts == 3);
}

TEST_CASE("rule_set: a plan points into the rule set it came from", "[policy][retry]") {
  const peal::rule_set rules{peal::on<int>(quick), peal::otherwise(slow)};
  const auto first = rules.run(throwing(1));
  const auto second = rules.run(throwing(2));
  CHECK(first->action.plan == second->action.plan);
  const auto place = reinterpret_cast<std::uintptr_t>(first->action.plan);
  const auto begin = reinterpret_cast<std::uintptr_t>(&rules);
  CHECK(place >= begin);
  CHECK(place < begin + sizeof rules);
}

TEST_CASE("rule_set: an exception is caught once and gone afterwards", "[policy][retry][P5]") {
  static int alive = 0;
  static int asked = 0;
  alive = asked = 0;
  struct counted : std::exception {
    counted() { ++alive; }
    counted(const counted& other) : std::exception{other} { ++alive; }
    ~counted() override { --alive; }
    const char* what() const noexcept override {
      ++asked;
      return "counted";
    }
  };
  const peal::rule_set rules{peal::on<shop::card_declined>(peal::discard), peal::on<counted>(quick),
                             peal::on<std::exception>(slow), peal::otherwise(slow)};
  const auto failed = rules.run([] { throw counted{}; });
  REQUIRE(failed);
  CHECK(failed->action.plan->attempts == 3);
  CHECK(asked == 1);
  CHECK(alive == 0);
  CHECK(std::uncaught_exceptions() == 0);
  CHECK(std::current_exception() == nullptr);
}

TEST_CASE("rule_set: a what() that is null is no text", "[policy][retry]") {
  struct silent : std::exception {
    const char* what() const noexcept override { return nullptr; }
  };
  CHECK(peal::rule_set<>{}.run([] { throw silent{}; })->error_text.empty());
}

#if defined(__GLIBCXX__)
TEST_CASE("rule_set: the forced unwinding of a thread passes through every clause", "[policy][retry][P5]") {
  struct witness {
    bool& seen;
    ~witness() { seen = true; }
  };
  struct observed {
    bool unwound = false;
    bool came_back = false;
  } observed_by_thread;
  const auto body = [](void* raw) -> void* {
    auto& seen = *static_cast<observed*>(raw);
    const peal::rule_set rules{peal::on<shop::card_declined>(peal::discard), peal::on<std::exception>(peal::discard),
                               peal::otherwise(peal::discard)};
    const auto failed = rules.run([&seen] {
      const witness w{seen.unwound};
      pthread_exit(&seen);
    });
    seen.came_back = true;
    return nullptr;
  };
  pthread_t thread{};
  REQUIRE(pthread_create(&thread, nullptr, body, &observed_by_thread) == 0);
  void* result = nullptr;
  REQUIRE(pthread_join(thread, &result) == 0);
  CHECK(result == &observed_by_thread);
  CHECK(observed_by_thread.unwound);
  CHECK(!observed_by_thread.came_back);
}
#endif

TEST_CASE("rule_set: it is known whether any failed event can be kept", "[policy][retry]") {
  static_assert(!peal::rule_set<>::only_discards);
  const auto discards = peal::rule_set{peal::on<int>(peal::discard), peal::otherwise(peal::discard)};
  const auto open_end = peal::rule_set{peal::on<int>(peal::discard)};
  const auto letters = peal::rule_set{peal::on<int>(quick), peal::otherwise(peal::discard)};
  CHECK(decltype(discards)::only_discards);
  CHECK(!decltype(open_end)::only_discards);
  CHECK(!decltype(letters)::only_discards);
}

namespace {

struct hidden : private std::runtime_error {
  hidden() : std::runtime_error{"hidden"} {}
};
using detail_checks = std::bool_constant<
    peal::detail::all_reachable<peal::rule<shop::gateway_timeout, peal::backoff>,
                                peal::rule<shop::gateway_error, peal::backoff>, peal::rule<int, peal::discard_t>>>;
static_assert(detail_checks::value);
static_assert(!peal::detail::all_reachable<peal::rule<shop::gateway_error, peal::backoff>,
                                           peal::rule<shop::gateway_timeout, peal::backoff>>);
static_assert(!peal::detail::all_reachable<peal::rule<int, peal::backoff>, peal::rule<int, peal::discard_t>>);
static_assert(
    peal::detail::all_reachable<peal::rule<std::runtime_error, peal::backoff>, peal::rule<hidden, peal::backoff>>,
    "a private base does not catch");
static_assert(
    !peal::detail::all_reachable<peal::rule<const void*, peal::backoff>, peal::rule<const char*, peal::backoff>>);
static_assert(peal::retry_rule<peal::rule<int, peal::backoff>>);
static_assert(peal::retry_rule<peal::otherwise_rule<peal::backoff>>);
static_assert(!peal::retry_rule<peal::backoff>);
static_assert(!peal::retry_action<int>);

}  // namespace
