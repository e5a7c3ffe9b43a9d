// SPDX-License-Identifier: MIT
// How many instructions are a publish and a delivery? They do not drift with the machine's mood.
//
//   publish a thousand ──▶ [ topic ] ──▶ poll() ──▶ handler, one thread
//
// Run by callgrind, which counts inside one of the two functions below. Prints how many events that were.
// Checked: every event handled.
#include <cstdint>
#include <cstdio>
#include <cstring>

#include <peal/bus/bus.hpp>

namespace {

struct small {
  std::uint64_t value;
};
struct large {
  std::uint64_t value;
  std::uint64_t rest[7];
};

constexpr std::uint64_t batch = 1'000;
constexpr std::uint64_t rounds = 20;

}  // namespace

// Named as callgrind's option names them; their loops cost three instructions an event.
template <class Bus, class E>
[[gnu::noinline]] void counted_publish(Bus& bus, E event) {
  for (std::uint64_t i = 0; i < batch; ++i) {
    event.value += 1;
    bus.publish(E{event});
  }
}
template <class Bus>
[[gnu::noinline]] void counted_deliver(Bus& bus) {
  while (bus.poll() != 0) continue;
}

namespace {

template <class E, class... Policies>
int count(Policies... policies) {
  std::uint64_t heard = 0;
  std::uint64_t sum = 0;
  peal::bus<E> bus{{.workers = 0}};
  const auto s = bus.template subscribe<E>(
      "s",
      [&](const E& e) {
        sum += e.value;
        ++heard;
      },
      policies...);
  for (std::uint64_t i = 0; i < rounds; ++i) {
    counted_publish(bus, E{});
    counted_deliver(bus);
  }
  std::printf("%llu\n", static_cast<unsigned long long>(heard));
  return heard == batch * rounds && sum == rounds * batch * (batch + 1) / 2 ? 0 : 1;
}

}  // namespace

int main(int count_of_arguments, char** arguments) {
  const char* what = count_of_arguments == 2 ? arguments[1] : "";
  if (std::strcmp(what, "small") == 0) return count<small>();
  if (std::strcmp(what, "large") == 0) return count<large>();
  if (std::strcmp(what, "inline") == 0) return count<small>(peal::on_publisher_thread);
  if (std::strcmp(what, "measured") == 0) return count<small>(peal::measured{});
  std::fputs("usage: peal_instructions small|large|inline|measured\n", stderr);
  return 2;
}
