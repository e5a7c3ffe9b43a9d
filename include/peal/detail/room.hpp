// SPDX-License-Identifier: MIT
// Room in a container ahead of time, so that what follows cannot fail, without a reallocation each time.
#pragma once

#include <peal/detail/minmax.hpp>

#include <cstddef>

namespace peal::inline v0::detail {

/// Makes room for `n` elements in all; std::vector::reserve alone would grow by one and copy everything again and again.
template <class Container>
void make_room(Container& c, std::size_t n) {
  if (c.capacity() < n) c.reserve(larger(n, 2 * c.capacity()));
}

}  // namespace peal::inline v0::detail
