// SPDX-License-Identifier: MIT
// What the tests of order by key share: events with keys, and a handler in which chosen events fail so many times.
#pragma once

#include "bus/stepped_support.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace peal_test {

using ints = std::vector<int>;

struct keyed_order {
  std::string key;
  int n = 0;
};
struct keyed_refund {
  std::string of;
  int n = 0;
};
using keyed_topic = peal::topic<keyed_order, keyed_refund>;

/// Numbers of the events that go wrong, each so many times.
struct trouble {
  std::map<int, int> left{};
  ints ran{};   // every run
  ints done{};  // every success
  void operator()(int n) {
    ran.push_back(n);
    if (left[n]-- > 0) throw gateway_down("no " + std::to_string(n));
    done.push_back(n);
  }
};

template <class E>
inline ints numbers(const std::vector<peal::dead_letter_record<E>>& letters) {
  ints all;
  for (const auto& l : letters) all.push_back(l.event.n);
  return all;
}

}  // namespace peal_test
