// SPDX-License-Identifier: MIT
// The program: owns the bus, loads the library, checks what both saw, and goes on without the library.
#include <dlfcn.h>

#include "contract.hpp"

#include <chrono>
#include <cstdio>

namespace {

int failures = 0;

void expect(const char* what, long long is, long long should) {
  std::printf("%s: %lld\n", what, is);
  if (is == should) return;
  std::printf("  but should be %lld\n", should);
  ++failures;
}

}  // namespace

int main() {
  int orders = 0;
  int replies = 0;
  int out_of_step = 0;
  peal::bus<peal::topic<order, peal::capacity<small_ring>>, peal::topic<reply, peal::capacity<small_ring>>> bus{
      {.workers = 2}};
  const auto counting = bus.subscribe<order>("program", [&orders](const order&) { ++orders; });
  const auto answers = bus.subscribe<reply>("answers", [&](const reply& r) {
    ++replies;
    if (r.step != 1 && r.step != 2) ++out_of_step;
  });

  void* library = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::printf("%s\n", dlerror());
    return 1;
  }
  const auto start = reinterpret_cast<plugin_start_function>(dlsym(library, "plugin_start"));
  const auto stop = reinterpret_cast<plugin_stop_function>(dlsym(library, "plugin_stop"));
  start({bus, bus, bus});
  for (int i = 0; i < orders_of_each; ++i) bus.publish(order{"program-" + std::to_string(i), i});
  const peal::settle_report report = bus.settle();
  for (const std::string& reason : report.waiting_for) std::printf("waiting for %s\n", reason.c_str());
  expect("settled", report.settled ? 1 : 0, 1);

  const plugin_counts counts = stop();
  expect("orders seen by the program", orders, 2 * orders_of_each);
  expect("orders handled by the library", counts.handled, 2 * orders_of_each);
  expect("first attempts that the library refused", counts.failed, 2 * orders_of_each / 10);
  expect("replies seen by the program", replies, 4 * orders_of_each);
  expect("replies that are wrong", out_of_step, 0);
  expect("dead letters", static_cast<long long>(bus.dead_letters<order>().size()), 0);

  // Nothing of the bus may need the library's code any more.
  expect("unloaded", dlclose(library), 0);
  expect("really gone", dlopen(PLUGIN, RTLD_NOW | RTLD_NOLOAD) == nullptr ? 1 : 0, 1);
  for (int i = 0; i < orders_of_each; ++i) bus.publish(order{"alone", i});
  expect("settled without the library", bus.settle().settled ? 1 : 0, 1);
  expect("orders seen by the program", orders, 3 * orders_of_each);
  expect("drained", bus.drain(std::chrono::seconds{20}).complete ? 1 : 0, 1);
  return failures == 0 ? 0 : 1;
}
