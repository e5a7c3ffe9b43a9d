// SPDX-License-Identifier: MIT
// Every access of every protocol has the order that the protocol names, in both modes; nothing else is accessed.
#include <peal/ring/mpmc_ring.hpp>
#include <peal/ring/multicast_core.hpp>

#include "ring/recording_atomics.hpp"
#include "ring/ring_support.hpp"
#include "support/catch.hpp"

using peal::barrier_mode;
using peal::claim_status;
using ring_test::record;
using ring_test::recording_atomics;

namespace {

using core = peal::multicast_core<int, recording_atomics>;

struct destroyed_payload {
  static constexpr bool needs_reclaim = true;
  int value;
  void reclaim(std::uint8_t) noexcept { record::add("destroy"); }
};
using reclaiming_core = peal::multicast_core<destroyed_payload, recording_atomics>;

/// The one of the two that this mode uses.
std::string in(barrier_mode mode, const char* sequential, const char* asymmetric) {
  return mode == barrier_mode::sequential ? sequential : asymmetric;
}

template <class Core>
void put(Core& r) {
  const auto c = r.try_claim();
  r.publish(c.first, 0);
}

}  // namespace

TEST_CASE("orders: a claim is one compare-exchange, a publication one store", "[ring][orders]") {
  const auto mode = RING_BOTH_MODES;
  core r{{.capacity = 4, .mode = mode}};
  record::clear();
  const auto c = r.try_claim();
  CHECK(record::taken() == "load.relaxed load.acquire cas.acquire");  // C1 G1 C2
  r.publish(c.first, 0);
  CHECK(record::taken() == in(mode, "store.seq_cst", "store.release light"));  // P1
}

TEST_CASE("orders: a range is published downwards, the first slot last", "[ring][orders]") {
  const auto mode = RING_BOTH_MODES;
  core r{{.capacity = 8, .mode = mode}};
  const auto c = r.try_claim(3);
  record::clear();
  const std::uint8_t tags[] = {7, 8, 9};
  r.publish_range(c.first, 3, tags);
  const auto stored = record::stores();
  CHECK(stored == std::vector<std::uint64_t>{3 << 8 | 9, 2 << 8 | 8, 1 << 8 | 7});
  CHECK(record::taken() == "store.release store.release " + in(mode, "store.seq_cst", "store.release light"));
}

TEST_CASE("orders: a full ring is scanned between two looks at the version, and the gate is stored", "[ring][orders]") {
  const auto mode = RING_BOTH_MODES;
  core r{{.capacity = 2, .max_cursors = 4, .mode = mode}};
  const auto a = r.join();
  (void)r.join();
  put(r);
  put(r);
  r.advance(*a, 1);
  record::clear();
  CHECK(r.try_claim().status == claim_status::full);
  // C1 G1 | V1 bound G2 G2 V2 | gate (nothing to raise) | C1
  CHECK(record::taken() ==
        "load.relaxed load.acquire load.acquire load.relaxed load.acquire load.acquire load.relaxed load.relaxed "
        "load.relaxed");
  r.leave(*a);
  r.advance(1, 1);
  record::clear();
  CHECK(r.try_claim().status == claim_status::claimed);
  CHECK(record::taken() ==
        "load.relaxed load.acquire load.acquire load.relaxed load.acquire load.acquire load.relaxed load.relaxed "
        "store.release cas.acquire");  // … G3 C2
}

TEST_CASE("orders: where no cursor stands the published run is walked", "[ring][orders]") {
  const auto mode = RING_BOTH_MODES;
  core r{{.capacity = 2, .mode = mode}};
  put(r);
  (void)r.try_claim();
  record::clear();
  CHECK(r.try_claim(1).status == claim_status::claimed);
  // C1 G1 | V1 bound | gate, S3 twice | V2 | gate G3 | C2
  CHECK(record::taken() == "load.relaxed load.acquire load.acquire load.relaxed load.acquire " +
                               in(mode, "load.seq_cst load.seq_cst ", "load.acquire load.acquire ") +
                               "load.relaxed load.relaxed store.release cas.acquire");
}

TEST_CASE("orders: a cursor that moves makes room and looks for sleepers", "[ring][orders]") {
  const auto mode = RING_BOTH_MODES;
  core r{{.capacity = 4, .mode = mode}};
  const auto c = r.join();
  put(r);
  record::clear();
  CHECK(r.available(*c, 1) == 1);
  CHECK(record::taken() == "load.relaxed load.acquire");  // S1
  r.advance(*c, 1);
  CHECK(record::taken() == in(mode, "store.seq_cst load.seq_cst", "store.release light load.relaxed"));  // K1 W1
  CHECK_FALSE(r.recheck_next(*c));
  CHECK(record::taken() == in(mode, "load.relaxed load.seq_cst", "load.relaxed load.acquire"));  // S2
}

TEST_CASE("orders: a joiner bumps the version behind its word and reads the head by a read-modify-write",
          "[ring][orders]") {
  const auto mode = RING_BOTH_MODES;
  core r{{.capacity = 4, .max_cursors = 1, .mode = mode}};
  record::clear();
  (void)r.join();
  std::string t = record::taken();
  const std::string zeroed = "store.relaxed store.relaxed store.relaxed store.relaxed ";
  // taken, bound | counts | present | G1 J1 J2 J3 | start | K1 W1
  CHECK(t == "load.relaxed cas.acquire load.relaxed cas.relaxed " + zeroed + zeroed + zeroed + zeroed +
                 "add.relaxed load.acquire store.relaxed add.release add.release store.relaxed " +
                 in(mode, "store.seq_cst load.seq_cst", "store.release light load.relaxed"));
}

TEST_CASE("orders: a leaver is seq_cst on both sides in both modes", "[ring][orders]") {
  const auto mode = RING_BOTH_MODES;
  core r{{.capacity = 4, .mode = mode}};
  const auto c = r.join();
  record::clear();
  r.leave(*c);
  std::string t = record::taken();
  CHECK(t.substr(0, 29) == "exchange.seq_cst load.acquire");                   // L1 N6
  CHECK(t.substr(t.size() - 38) == "sub.seq_cst load.seq_cst store.release");  // O1 W1 N4
}

TEST_CASE("orders: the second look for room reads seq_cst, never the cached gate alone", "[ring][orders]") {
  const auto mode = RING_BOTH_MODES;
  core r{{.capacity = 2, .mode = mode}};
  (void)r.join();
  put(r);
  put(r);
  record::clear();
  CHECK_FALSE(r.has_room());
  // B4 | V1 bound B3 V2
  CHECK(record::taken() == "load.seq_cst load.acquire load.relaxed load.seq_cst load.relaxed");
}

TEST_CASE("orders: going to sleep is announced, settled, and looked at again behind the epoch", "[ring][orders]") {
  const auto mode = RING_BOTH_MODES;
  peal::event_count<recording_atomics> e{peal::barrier<recording_atomics>{mode}, {.pauses = 0, .yields = 0}};
  record::clear();
  int looks = 0;
  e.wait([&] {
    record::add("look");
    return ++looks == 3;
  });
  CHECK(record::taken() == "look add.seq_cst " + in(mode, "", "heavy ") + "load.acquire look sleep sub.relaxed look");
  (void)e.prepare(true);
  CHECK(record::taken() == "add.seq_cst load.acquire");
  e.notify_one();
  CHECK(record::taken() == in(mode, "load.seq_cst", "load.relaxed") + " add.release wake-one");  // W1 W2
  e.notify_all(peal::side::rare);
  CHECK(record::taken() == "load.seq_cst add.release wake-all");
}

TEST_CASE("orders: close is seq_cst and wakes by a seq_cst look", "[ring][orders]") {
  const auto mode = RING_BOTH_MODES;
  core r{{.capacity = 2, .mode = mode}};
  record::clear();
  r.close();
  CHECK(record::taken() == "load.relaxed cas.seq_cst load.seq_cst");  // X1 W1
  CHECK(r.state() == claim_status::closed);
  CHECK(record::taken() == "load.seq_cst");  // B4
}

TEST_CASE("orders: a single producer marks its claim busy before it looks at the state", "[ring][orders][single]") {
  const auto mode = RING_BOTH_MODES;
  core r{{.capacity = 4, .single_producer = true, .mode = mode}};
  record::clear();
  const auto c = r.try_claim();
  // head, G1 | B1 T1
  CHECK(record::taken() ==
        "load.relaxed load.acquire " + in(mode, "store.seq_cst load.seq_cst", "store.relaxed light load.relaxed"));
  r.publish(c.first, 0);
  CHECK(record::taken() == in(mode, "store.seq_cst", "store.release light") + " store.relaxed");
  (void)r.join();
  const std::string t = record::taken();
  CHECK(t.find(in(mode, "store.relaxed add.seq_cst load.seq_cst", "store.relaxed add.release heavy load.acquire")) !=
        std::string::npos);  // J1 J2 J4
  r.close();
  // T2 [heavy] B3 X2 W1
  CHECK(record::taken() ==
        "load.relaxed cas.seq_cst " + in(mode, "load.seq_cst", "heavy load.acquire") + " cas.seq_cst load.seq_cst");
  CHECK(r.try_claim().status == claim_status::closed);
}

TEST_CASE("orders: whoever moves the minimum destroys inside a work counter, then stores what is destroyed",
          "[ring][orders][reclaim]") {
  const auto mode = RING_BOTH_MODES;
  reclaiming_core r{{.capacity = 4, .mode = mode}};
  const auto c = r.join();
  put(r);
  record::clear();
  r.advance(*c, 1);
  // K1 F1 | V1 bound K2 V2 | gate G3 | destroyed … D3 W1 | F2
  CHECK(record::taken() ==
        in(mode, "store.seq_cst", "store.release light") +
            " add.acq_rel load.acquire load.relaxed load.acquire load.relaxed load.relaxed store.release "
            "load.relaxed load.relaxed destroy " +
            in(mode, "store.seq_cst load.seq_cst", "store.release light load.relaxed") + " sub.acq_rel");
  const auto again = r.try_claim();
  CHECK(record::taken() == "load.relaxed load.acquire cas.acquire");  // C1 D1 C2
  r.publish(again.first, 0);
  record::clear();
  r.leave(*c);
  const std::string t = record::taken();
  CHECK(t.find(in(mode, "sub.seq_cst add.acq_rel", "sub.seq_cst heavy add.acq_rel")) != std::string::npos);  // O1
  CHECK(t.find("destroy") != std::string::npos);
}

TEST_CASE("orders: a pin is a compare-exchange, its end makes room", "[ring][orders][dropping]") {
  const auto mode = RING_BOTH_MODES;
  core r{{.capacity = 4, .mode = mode}};
  const auto c = r.join_dropping();
  put(r);
  record::clear();
  const auto run = r.pin(*c, 1);
  CHECK(record::taken() == "load.relaxed load.acquire cas.acquire");  // S1 A1
  r.unpin(*c, run.last);
  CHECK(record::taken() == in(mode, "store.seq_cst load.seq_cst", "store.release light load.relaxed"));  // A2 W1
  for (int i = 0; i < 4; ++i) put(r);
  record::clear();
  put(r);
  const std::string t = record::taken();
  CHECK(t.find("add.relaxed load.acquire load.relaxed cas.release") != std::string::npos);  // N1 tag N2
  CHECK(t.find("sub.release") != std::string::npos);                                        // N5
}

TEST_CASE("orders: a hold is carried by the publication, its end makes room", "[ring][orders][holds]") {
  const auto mode = RING_BOTH_MODES;
  core r{{.capacity = 4, .max_holds = 1, .mode = mode}};
  const auto c = r.try_claim();
  record::clear();
  r.hold(0, c.first);
  CHECK(record::taken() == "store.relaxed");
  r.publish(c.first, 0);
  record::clear();
  r.release(0);
  CHECK(record::taken() == in(mode, "store.seq_cst load.seq_cst", "store.release light load.relaxed"));
}

TEST_CASE("orders: the queue publishes its cells and gives them back by the sleep-relevant access", "[ring][orders]") {
  const auto mode = RING_BOTH_MODES;
  peal::mpmc_ring<int, recording_atomics> q{2, {.mode = mode}};
  record::clear();
  CHECK(q.try_push(1));
  const std::string show = in(mode, "store.seq_cst", "store.release light");
  const std::string look = in(mode, "load.seq_cst", "load.relaxed");
  CHECK(record::taken() == "load.relaxed load.acquire cas.relaxed " + show + ' ' + look + ' ' + look);  // M1 Q1 W1
  CHECK_FALSE(q.empty());
  CHECK(record::taken() == "load.relaxed " + in(mode, "load.seq_cst", "load.acquire"));  // Q2
  int x = 0;
  CHECK(q.try_pop(x));
  CHECK(record::taken() == "load.relaxed load.acquire cas.seq_cst " + show + ' ' + look + ' ' + look);  // Q3 M4 M3
  q.close();
  CHECK(record::taken() == "or.seq_cst load.seq_cst load.seq_cst");  // M5
}
