// SPDX-License-Identifier: MIT
// The picture of a bus: exactly this text, and Graphviz can read it.
#include <peal/observe/topology.hpp>

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "bus/stepped_support.hpp"

namespace store_front {

struct order_placed {
  static constexpr peal::event_name name{"order.placed"};
  std::string id{};
};
struct order_cancelled {
  static constexpr peal::event_name name{"order.cancelled"};
  std::string id{};
};
struct payment_taken {
  static constexpr peal::event_name name{"payment.\"taken\""};
  std::string id{};
};
struct declined {};

using bus = peal_test::stepped<peal::topic<order_placed, order_cancelled, peal::capacity<64>>, payment_taken>;

/// What the pictures below are of.
struct wiring {
  bus fx{};
  peal::subscription billing = fx.subscribe<order_placed>(
      "billing", [](const order_placed& o) -> std::optional<payment_taken> { return payment_taken{o.id}; },
      peal::ordered_by{&order_placed::id}, peal::concurrency{8}, peal::on<declined>(peal::discard),
      peal::otherwise(peal::backoff{}), peal::measured{});
  peal::subscription ledger = fx.subscribe<order_placed, order_cancelled>("the \"ledger\"", [](const auto&) {});
  peal::subscription mail = fx.subscribe<payment_taken>(
      "mail", [](const payment_taken&) {}, peal::on_publisher_thread);
  peal::subscription gauge = fx.subscribe<order_cancelled>(
      "gauge", [](const order_cancelled&) {}, peal::behind{peal::drop_oldest},
      peal::filter{[](const order_cancelled&) { return true; }});
};

}  // namespace store_front

TEST_CASE("topology: a bus as a value: topics, subscriptions, policies, outputs", "[bus][observe]") {
  store_front::wiring w;
  const peal::topology t = w.fx.bus.topology();
  REQUIRE(t.topics.size() == 2);
  CHECK(t.topics[0].events == std::vector<std::string>{"order.placed", "order.cancelled"});
  CHECK(t.topics[0].capacity == 64);
  REQUIRE(t.subscriptions.size() == 4);
  CHECK(t.subscriptions[0].name == "billing");
  CHECK(t.subscriptions[0].topic == 0);
  CHECK(t.subscriptions[0].outputs == std::vector<std::string>{"payment.\"taken\""});
  CHECK(t.subscriptions[0].policies ==
        std::vector<std::string>{"ordered_by", "concurrency 8", "on<store_front::declined>", "otherwise", "measured"});
  CHECK(t.subscriptions[1].events == std::vector<std::string>{"order.placed", "order.cancelled"});
  CHECK(t.subscriptions[1].policies.empty());
  CHECK(t.subscriptions[2].topic == 1);
  w.ledger.stop();
  CHECK(w.fx.bus.topology().subscriptions.size() == 3);
}

TEST_CASE("topology: as Mermaid", "[bus][observe]") {
  store_front::wiring w;
  CHECK(w.fx.bus.topology().mermaid() ==
        R"~(flowchart LR
  t0[("order.placed<br/>order.cancelled")]
  t1[("payment.#quot;taken#quot;")]
  s0("billing<br/>ordered_by, concurrency 8, on#lt;store_front::declined#gt;, otherwise, measured")
  s1("the #quot;ledger#quot;")
  s2("mail<br/>on_publisher_thread")
  s3("gauge<br/>behind{drop_oldest}, filter")
  t0 -->|"order.placed"| s0
  s0 -->|"payment.#quot;taken#quot;"| t1
  t0 -->|"order.placed"| s1
  t0 -->|"order.cancelled"| s1
  t1 -->|"payment.#quot;taken#quot;"| s2
  t0 -->|"order.cancelled"| s3
)~");
}

TEST_CASE("topology: as DOT, which Graphviz reads", "[bus][observe]") {
  store_front::wiring w;
  const std::string text = w.fx.bus.topology().dot();
  CHECK(text ==
        R"~(digraph bus {
  rankdir=LR;
  t0 [shape=cylinder, label="order.placed\norder.cancelled"];
  t1 [shape=cylinder, label="payment.\"taken\""];
  s0 [shape=box, label="billing\nordered_by, concurrency 8, on<store_front::declined>, otherwise, measured"];
  s1 [shape=box, label="the \"ledger\""];
  s2 [shape=box, label="mail\non_publisher_thread"];
  s3 [shape=box, label="gauge\nbehind{drop_oldest}, filter"];
  t0 -> s0 [label="order.placed"];
  s0 -> t1 [label="payment.\"taken\""];
  t0 -> s1 [label="order.placed"];
  t0 -> s1 [label="order.cancelled"];
  t1 -> s2 [label="payment.\"taken\""];
  t0 -> s3 [label="order.cancelled"];
}
)~");
  if (std::system("command -v dot >/dev/null 2>&1") != 0) {
    WARN("skipped: no dot here (Debian's package graphviz)");
    return;
  }
  std::FILE* const reader = ::popen("dot -Tcanon >/dev/null", "w");
  REQUIRE(reader != nullptr);
  CHECK(std::fwrite(text.data(), 1, text.size(), reader) == text.size());
  CHECK(::pclose(reader) == 0);
}
