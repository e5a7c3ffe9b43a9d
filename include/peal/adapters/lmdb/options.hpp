// SPDX-License-Identifier: MIT
// How a store in LMDB is opened.
#pragma once

#include <peal/store/open_options.hpp>

#include <cstddef>
#include <cstdint>

namespace peal::inline v0::lmdb {

struct options {
  open_mode mode = open_mode::write;  ///< readers in other processes may stand beside a writer
  /// What a commit waits for. With sync::os nothing is ordered for the disk: kill -9 loses nothing, a loss of power may
  /// damage the whole store.
  sync durability = sync::full;
  /// What the store may grow to, then `no_space`; bytes of address space, the file grows with what is in it.
  std::uint64_t max_bytes = std::uint64_t{16} << 30;
  unsigned max_topics = 256;     ///< each costs 56 bytes a transaction; count
  unsigned max_readers = 1'022;  ///< reads at the same time, of all processes; count
};

}  // namespace peal::inline v0::lmdb
