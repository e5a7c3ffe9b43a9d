// SPDX-License-Identifier: MIT
// Letters as events, on virtual time: who subscribes to them hears of each once, and holds nobody back.
#include "bus/stepped_support.hpp"

namespace {

using namespace std::chrono_literals;
using peal_test::every;
using peal_test::gateway_down;
using peal_test::stepped;

struct order {
  int id = 0;
  std::string customer{};
};
using letter = peal::dead_letter_record<order>;

}  // namespace

TEST_CASE("letters: a subscription hears of each new letter once, with its envelope, cause and errors", "[bus][P25]") {
  stepped<order, letter> fx;
  std::vector<letter> heard;
  std::vector<peal::event_id> causes;
  std::vector<peal::event_id> wholes;
  auto alert = fx.subscribe<letter>("alert", [&](const letter& l, peal::delivery& d) {
    heard.push_back(l);
    causes.push_back(d.causation());
    wholes.push_back(d.correlation());
  });
  bool down = true;
  auto s = fx.subscribe<order>(
      "billing",
      [&](const order& o) {
        if (down) throw gateway_down("no route to " + o.customer);
      },
      peal::otherwise(every(1s, 2)));
  const auto id = fx.bus.publish(order{1, "ann"}, {.correlation = {5, 6}}).id();
  fx.advance(2s);
  REQUIRE(heard.size() == 1);
  CHECK(heard[0].event.customer == "ann");
  CHECK(heard[0].id == id);
  CHECK(heard[0].number == 1);
  CHECK(heard[0].subscription == "billing");
  CHECK(heard[0].cause == peal::dead_cause::failed);
  CHECK(heard[0].attempts == 2);
  CHECK(heard[0].errors.size() == 2);
  CHECK(causes[0] == id);
  CHECK(wholes[0] == peal::event_id{5, 6});
  CHECK(fx.bus.redrive<order>() == 1);
  fx.advance(2s);
  REQUIRE(heard.size() == 2);  // it has died again
  CHECK(heard[1].number == 2);
  CHECK(heard[1].cycles == 1);
  down = false;
  CHECK(fx.bus.redrive<order>() == 1);
  REQUIRE(fx.bus.settle());
  CHECK(heard.size() == 2);
  CHECK(alert.statistics().handled == 2);
}

TEST_CASE("letters: of a held key the one that holds it is told first", "[bus][P23][P25]") {
  stepped<order, letter> fx;
  std::vector<int> heard;
  auto alert = fx.subscribe<letter>("alert", [&](const letter& l) { heard.push_back(l.event.id); });
  auto s = fx.subscribe<order>(
      "billing", [](const order&) { throw gateway_down(); }, peal::ordered_by{&order::customer},
      peal::otherwise(every(1s, 2)));
  for (int i = 1; i <= 3; ++i) fx.bus.publish(order{i, "ann"});
  fx.advance(2s);
  CHECK(heard == std::vector<int>{1, 2, 3});
}

TEST_CASE("letters: the letters of who listens to letters are told to nobody", "[bus][P25]") {
  stepped<order, letter> fx;
  int ran = 0;
  auto alert = fx.subscribe<letter>("alert", [&](const letter&) {
    ++ran;
    throw gateway_down("the pager is down");
  });
  auto s = fx.subscribe<order>("billing", [](const order&) { throw gateway_down(); });
  for (int i = 1; i <= 10; ++i) fx.bus.publish(order{i});
  REQUIRE(fx.bus.settle());
  CHECK(ran == 10);
  CHECK(fx.bus.dead_letters<order>().size() == 10);
  CHECK(fx.bus.dead_letters<letter>().size() == 10);
  CHECK(fx.bus.dead_letters<letter>()[9].event.event.id == 10);
  CHECK(fx.bus.redrive<letter>() == 10);
  REQUIRE(fx.bus.settle());
  CHECK(ran == 20);
}

TEST_CASE("letters: who listens too slowly holds nobody back, and what was not told is counted", "[bus][P4][P25]") {
  stepped<order, peal::topic<letter, peal::capacity<2>>> fx{{.lane_capacity = 2, .overload_after = 1s, .seed = 7}};
  int heard = 0;
  auto alert = fx.subscribe<letter>("alert", [&](const letter&) { ++heard; });
  alert.pause();
  auto s = fx.subscribe<order>("billing", [](const order&) { throw gateway_down(); });
  for (int i = 1; i <= 10; ++i) fx.bus.publish(order{i});
  fx.run();
  CHECK(s.statistics().dead == 10);
  CHECK(s.statistics().waiting == 0);
  CHECK_FALSE(s.statistics().stalled);
  CHECK(fx.bus.dead_letters<order>().size() == 10);
  const auto topics = fx.bus.statistics().topics;
  CHECK(topics[0].untold == 6);  // two in the ring, two in the lane
  CHECK(topics[1].overloaded == 6);
  alert.resume();
  REQUIRE(fx.bus.settle());
  CHECK(heard == 4);
}

TEST_CASE("letters: of handlers on the publisher's thread, and of events that found no room, are told as well",
          "[bus][P7][P25]") {
  struct note {
    int id;
  };
  using lost = peal::dead_letter_record<note>;
  stepped<order, letter, peal::topic<note, peal::capacity<2>>, lost> fx{
      {.lane_capacity = 2, .overload_after = 1s, .seed = 7}};
  std::vector<int> heard;
  std::vector<peal::dead_cause> causes;
  auto here = fx.subscribe<order>(
      "here", [](const order&) { throw gateway_down(); }, peal::on_publisher_thread);
  auto alert = fx.subscribe<letter>("alert", [&](const letter& l) { heard.push_back(l.event.id); });
  auto alarm = fx.subscribe<lost>("alarm", [&](const lost& l) {
    heard.push_back(-l.event.id);
    causes.push_back(l.cause);
  });
  auto noted = fx.subscribe<note>("noted", [](const note&) {});
  noted.pause();
  auto s = fx.subscribe<order>("writer", [&](const order& o) { (void)fx.bus.publish(note{o.id}); });
  for (int i = 1; i <= 3; ++i) fx.bus.publish(order{i});
  fx.run();
  CHECK(heard == std::vector<int>{1, 2, 3});
  fx.advance(1100ms);
  CHECK(heard == std::vector<int>{1, 2, 3, -3});
  CHECK(causes == std::vector<peal::dead_cause>{peal::dead_cause::overloaded});
}

TEST_CASE("letters: while the bus drains they are told, and afterwards counted", "[bus][P10][P25]") {
  stepped<order, letter> fx;
  int heard = 0;
  auto alert = fx.subscribe<letter>("alert", [&](const letter&) { ++heard; });
  auto s = fx.subscribe<order>("billing", [](const order&) { throw gateway_down(); });
  fx.bus.publish(order{1});
  CHECK(fx.bus.drain(1s).complete);
  CHECK(heard == 1);
  CHECK(fx.bus.statistics().topics[0].untold == 0);
}
