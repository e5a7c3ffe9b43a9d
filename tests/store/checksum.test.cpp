// SPDX-License-Identifier: MIT
// The sum that stored events carry: what it computes is part of the format.
#include <peal/store/checksum.hpp>

#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "support/catch.hpp"

namespace {

std::uint32_t sum_of(const unsigned char* data, std::size_t size) {
  peal::checksum c;
  c.add(data, size);
  return c.value();
}

std::vector<unsigned char> bytes(std::size_t size) {
  std::vector<unsigned char> b(size);
  for (std::size_t i = 0; i != size; ++i) b[i] = static_cast<unsigned char>(i * 37 + 11);
  return b;
}

}  // namespace

TEST_CASE("checksum: what it computes never changes, as stores hold it", "[store][checksum]") {
  struct known {
    std::size_t size;
    std::uint32_t sum;
  };
  constexpr known all[] = {{0, 0xb0076bb6U},   {1, 0x5eae475aU},  {7, 0x70ef7c8bU},  {8, 0xd37d1e40U},
                           {9, 0x73134e8cU},   {15, 0x8490c9edU}, {16, 0xca42b8fbU}, {17, 0x92a0f084U},
                           {24, 0x409d8b8dU},  {31, 0xe2e9cc20U}, {32, 0xc11f0191U}, {33, 0xef126057U},
                           {40, 0x3b0db7a0U},  {47, 0xf0f9b2bdU}, {48, 0x6d5e32d6U}, {49, 0xbb7f35adU},
                           {63, 0x8476ab8fU},  {64, 0x0820eca3U}, {65, 0xa28a7e37U}, {100, 0x78ad47caU},
                           {200, 0x2863dd1cU}, {256, 0x29f9a9baU}};
  for (const known& k : all) {
    CAPTURE(k.size);
    const std::vector<unsigned char> exactly = bytes(k.size);  // so that a sanitizer sees a look beside it
    CHECK(sum_of(exactly.data(), k.size) == k.sum);
  }
}

TEST_CASE("checksum: every single bit counts, and so does the size", "[store][checksum]") {
  for (std::size_t size = 0; size != 80; ++size) {
    CAPTURE(size);
    std::vector<unsigned char> b = bytes(size);
    const std::uint32_t as_it_is = sum_of(b.data(), size);
    std::set<std::uint32_t> seen{as_it_is};
    for (std::size_t bit = 0; bit != size * 8; ++bit) {
      b[bit / 8] = static_cast<unsigned char>(b[bit / 8] ^ 1U << bit % 8);
      seen.insert(sum_of(b.data(), size));
      b[bit / 8] = static_cast<unsigned char>(b[bit / 8] ^ 1U << bit % 8);
    }
    CHECK(seen.size() == size * 8 + 1);
    b.push_back(0);
    CHECK(sum_of(b.data(), size + 1) != as_it_is);
  }
}
