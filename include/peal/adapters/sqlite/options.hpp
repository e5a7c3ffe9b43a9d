// SPDX-License-Identifier: MIT
// How a store in SQLite is opened.
#pragma once

#include <peal/store/open_options.hpp>

#include <cstddef>
#include <cstdint>

namespace peal::inline v0::sqlite {

struct options {
  open_mode mode = open_mode::write;    ///< a reader may stand beside a writer, in any process
  sync durability = sync::full;         ///< what a commit waits for
  std::uint64_t max_bytes = 0;          ///< the database grows no further, then `no_space`; bytes; 0: as the disk has
  std::size_t cache_bytes = 16U << 20;  ///< pages kept in memory; bytes
  unsigned page_bytes = 4'096;          ///< of a database that is made; bytes; a power of two, 512 to 65,536
};

}  // namespace peal::inline v0::sqlite
