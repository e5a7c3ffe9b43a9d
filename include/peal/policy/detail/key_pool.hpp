// SPDX-License-Identifier: MIT
// A pool of nodes named by 32-bit numbers: stable addresses, no allocation once it has grown, never shrinks.
#pragma once

#include <peal/detail/list.hpp>
#include <peal/detail/own_ptr.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

namespace peal::inline v0::detail {

/// Errors: `make` may throw std::bad_alloc or what the node's constructor throws, and has then made nothing.
/// Lifetime: the owner destroys every node; the pool's destructor frees the memory alone. Thread safety: none.
template <class Node>
class key_pool {
  static_assert(std::is_nothrow_destructible_v<Node>);

 public:
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  key_pool() = default;
  key_pool(const key_pool&) = delete;
  key_pool& operator=(const key_pool&) = delete;
  ~key_pool() = default;

  [[nodiscard]] Node& operator[](std::uint32_t n) noexcept { return cell_of(n).node; }

  /// Makes a node and returns its number.
  template <class... Args>
  [[nodiscard]] std::uint32_t make(Args&&... args) {
    if (free_ == none) grow();
    const std::uint32_t n = free_;
    cell& c = cell_of(n);
    relink guard{&c, c.next_free};
    ::new (&c.node) Node(std::forward<Args>(args)...);
    guard.made = nullptr;
    free_ = guard.next_free;
    ++size_;
    return n;
  }

  void destroy(std::uint32_t n) noexcept {
    cell& c = cell_of(n);
    c.node.~Node();
    ::new (&c.next_free) std::uint32_t{free_};
    free_ = n;
    --size_;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t footprint() const noexcept {
    return chunks_.size() * chunk_size * sizeof(cell) + chunks_.capacity() * sizeof(chunks_[0]);
  }

 private:
  static constexpr std::uint32_t chunk_size = 512;

  // A node of one cache line, or of several, starts on one.
  static constexpr std::size_t alignment = sizeof(Node) % 64 == 0 ? 64 : alignof(Node);
  union alignas(alignment) cell {
    cell() noexcept : next_free{none} {}
    ~cell() {}
    Node node;
    std::uint32_t next_free;
  };
  struct chunk {
    cell cells[chunk_size];
  };

  // A constructor that throws has overwritten the cell's place in the free list.
  struct relink {
    cell* made;
    std::uint32_t next_free;
    ~relink() {
      if (made != nullptr) ::new (&made->next_free) std::uint32_t{next_free};
    }
  };

  cell& cell_of(std::uint32_t n) noexcept { return chunks_[n / chunk_size]->cells[n % chunk_size]; }

  void grow() {
    if (chunks_.size() >= none / chunk_size) throw_no_memory();
    chunks_.push_back(own_ptr<chunk>{new chunk});
    const auto first = static_cast<std::uint32_t>(chunks_.size() - 1) * chunk_size;
    for (std::uint32_t n = first + chunk_size; n-- != first;) {
      cell_of(n).next_free = free_;
      free_ = n;
    }
  }

  [[noreturn]] static void throw_no_memory() {
#if defined(__cpp_exceptions)
    throw std::bad_alloc{};
#else
    std::abort();
#endif
  }

  list<own_ptr<chunk>> chunks_{};
  std::uint32_t free_ = none;
  std::size_t size_ = 0;
};

}  // namespace peal::inline v0::detail
