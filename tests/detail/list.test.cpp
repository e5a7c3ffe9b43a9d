// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include <peal/detail/list.hpp>
#include <peal/detail/own_ptr.hpp>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

template <class T>
std::vector<T> all_of(const peal::detail::list<T>& l) {
  return {l.begin(), l.end()};
}

std::string long_text(std::uint64_t n) { return std::string(40, 'x') + std::to_string(n); }
template <class T>
T value_of(std::uint64_t n) {
  if constexpr (std::is_same_v<T, std::string>) {
    return long_text(n);
  } else {
    return n;
  }
}

/// The same steps on a list and on a vector; returns how many.
template <class T>
int compare_with_vector(std::uint64_t seed) {
  std::mt19937_64 random{seed};
  peal::detail::list<T> ours;
  std::vector<T> theirs;
  int same = 0;
  for (int step = 0; step < 2000; ++step) {
    const std::uint64_t r = random();
    const auto at = static_cast<std::ptrdiff_t>(theirs.empty() ? 0 : (r >> 8) % theirs.size());
    switch (r % 8) {
      case 0:
      case 1:
      case 2:
        ours.push_back(value_of<T>(r));
        theirs.push_back(value_of<T>(r));
        break;
      case 3:
        ours.insert(ours.begin() + at, value_of<T>(r));
        theirs.insert(theirs.begin() + at, value_of<T>(r));
        break;
      case 4:
        if (theirs.empty()) break;
        ours.erase(ours.begin() + at);
        theirs.erase(theirs.begin() + at);
        break;
      case 5:
        if (theirs.empty()) break;
        ours.erase(ours.begin() + at / 2, ours.begin() + at);
        theirs.erase(theirs.begin() + at / 2, theirs.begin() + at);
        break;
      case 6:
        if (theirs.empty()) break;
        ours.pop_back();
        theirs.pop_back();
        break;
      default: {
        const std::size_t size = static_cast<std::size_t>(r >> 8) % (theirs.size() + 4);
        ours.resize(size);
        theirs.resize(size);
      }
    }
    same += all_of(ours) == theirs ? 1 : 0;
  }
  peal::detail::list<T> copy{ours};
  const peal::detail::list<T> moved{std::move(ours)};
  same += all_of(copy) == theirs && all_of(moved) == theirs ? 1 : 0;
  return same;
}

struct alignas(128) wide {
  std::unique_ptr<int> value{};
};

}  // namespace

TEST_CASE("list: it holds what a vector holds after the same steps", "[detail]") {
  const std::uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  CHECK(compare_with_vector<std::uint64_t>(seed) == 2001);
  CHECK(compare_with_vector<std::string>(seed) == 2001);
}

TEST_CASE("list: every element is destroyed once, wherever it was taken out", "[detail]") {
  const auto counted = std::make_shared<int>(7);
  {
    peal::detail::list<std::shared_ptr<int>> l;
    for (int i = 0; i < 100; ++i) l.push_back(counted);
    l.erase(l.begin() + 10, l.begin() + 20);
    l.insert(l.begin(), counted);
    l.shrink(50);
    CHECK(counted.use_count() == 51);
    peal::detail::list<std::shared_ptr<int>> other;
    other.push_back(counted);
    other = std::move(l);
    CHECK(counted.use_count() == 51);
    other = peal::detail::list<std::shared_ptr<int>>{other};
    CHECK(counted.use_count() == 51);
    other.remove(counted);
    CHECK(other.size() == 49);
  }
  CHECK(counted.use_count() == 1);
}

TEST_CASE("list: an element may ask for more alignment than new gives by itself", "[detail]") {
  peal::detail::list<wide> l;
  for (int i = 0; i < 9; ++i) l.push_back(wide{std::make_unique<int>(i)});
  l.erase(l.begin());
  for (std::size_t i = 0; i < l.size(); ++i) {
    CHECK(reinterpret_cast<std::uintptr_t>(&l[i]) % 128 == 0);
    CHECK(*l[i].value == static_cast<int>(i) + 1);
  }
}

TEST_CASE("own_ptr: what it owns ends with it, or goes with whoever it is moved to", "[detail]") {
  const auto counted = std::make_shared<int>(7);
  using held = std::shared_ptr<int>;
  peal::detail::own_ptr<held> a{new held(counted)};
  CHECK(counted.use_count() == 2);
  peal::detail::own_ptr<held> b{std::move(a)};
  CHECK(a == nullptr);
  CHECK(counted.use_count() == 2);
  b = peal::detail::own_ptr<held>{new held(counted)};
  CHECK(counted.use_count() == 2);
  delete b.release();
  CHECK(counted.use_count() == 1);
}
