// SPDX-License-Identifier: MIT
// Filter, middleware and behind: what the holders hold.
#include <peal/policy/filter.hpp>
#include <peal/policy/middleware.hpp>
#include <peal/policy/overflow.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

struct placed {
  long cents = 0;
};
struct cancelled {};

}  // namespace

TEST_CASE("filter: its predicate decides about the events it takes, others pass unasked", "[policy][filter]") {
  const peal::filter paid{[](const placed& p) { return p.cents > 0; }};
  CHECK(paid(placed{1}));
  CHECK(!paid(placed{0}));
  CHECK(paid(cancelled{}));
  static_assert(decltype(paid)::asks<placed>);
  static_assert(!decltype(paid)::asks<cancelled>);
}

TEST_CASE("filter: what the predicate throws comes out", "[policy][filter][P5]") {
  const peal::filter broken{[](const placed&) -> bool { throw 3; }};
  CHECK_THROWS_AS(broken(placed{}), int);
}

TEST_CASE("middleware: it runs around the rest and passes its answer on", "[policy][middleware]") {
  std::vector<std::string> seen;
  const peal::middleware outer{[&seen](const auto&, int& delivery, auto next) {
    seen.push_back("before");
    ++delivery;
    auto answer = next();
    seen.push_back("after");
    return answer;
  }};
  int delivery = 0;
  const int answer = outer(placed{}, delivery, [&seen] {
    seen.push_back("handler");
    return 42;
  });
  CHECK(answer == 42);
  CHECK(delivery == 1);
  CHECK(seen == std::vector<std::string>{"before", "handler", "after"});
}

TEST_CASE("middleware: it may keep the rest from running", "[policy][middleware]") {
  const peal::middleware closed{[](const auto&, auto&, auto) {}};
  int delivery = 0;
  bool ran = false;
  closed(placed{}, delivery, [&ran] { ran = true; });
  CHECK(!ran);
}

TEST_CASE("behind: drop_oldest is its choice", "[policy][overflow][P4]") {
  [[maybe_unused]] constexpr peal::behind lagging{peal::drop_oldest};
  static_assert(std::is_same_v<decltype(lagging), const peal::behind<peal::drop_oldest_t>>);
  SUCCEED();
}
