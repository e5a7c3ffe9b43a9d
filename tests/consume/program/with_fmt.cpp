// SPDX-License-Identifier: MIT
// A user's program with the adapter for fmt.
#include <peal/adapters/fmt/formatters.hpp>
#include <peal/peal.hpp>

struct order {};

int main() {
  peal::bus<order> bus;
  const auto books = bus.subscribe<order>("books", [](const order&) {});
  bus.publish(order{});
  fmt::print("{}\n{}\n", bus.drain(std::chrono::seconds{5}), books.statistics());
}
