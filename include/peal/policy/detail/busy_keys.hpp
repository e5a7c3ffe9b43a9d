// SPDX-License-Identifier: MIT
// The keys that cannot go on now, each with what waits behind it; a key that is not in the table is free.
#pragma once

#include <peal/policy/detail/key_index.hpp>
#include <peal/policy/detail/key_pool.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>  // std::hash

namespace peal::inline v0::detail {

/// `Chain` is what the owner keeps for a key. Keys are compared whole.
///
/// Errors: `find` what hashing and comparing throw; `make` also what allocating and copying a key throw, before anything
/// has changed. Thread safety: none. Lifetime: a chain stands at one address from make to free.
template <class Key, class Chain, class Hash = std::hash<Key>>
class busy_keys {
  struct entry : Chain {
    entry(std::uint32_t mark_of_key, const Key& k) : mark{mark_of_key}, key(k) {}
    std::uint32_t mark;
    std::uint32_t self = key_index::none;
    Key key;
  };

 public:
  busy_keys() = default;
  busy_keys(const busy_keys&) = delete;
  busy_keys& operator=(const busy_keys&) = delete;
  ~busy_keys() {
    index_.for_each([this](std::uint32_t n) { pool_.destroy(n); });
  }

  [[nodiscard]] bool empty() const noexcept { return pool_.size() == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return pool_.size(); }

  /// Null when the key is free.
  [[nodiscard]] Chain* find(const Key& key) { return find(mark_of(key), key); }

  /// The key's chain, made when it was free; `made` says so.
  Chain& make(const Key& key, bool& made) {
    const std::uint32_t mark = mark_of(key);
    if (Chain* const known = find(mark, key)) {
      made = false;
      return *known;
    }
    index_.reserve_one();
    const std::uint32_t fresh = pool_.make(mark, key);
    pool_[fresh].self = fresh;
    index_.insert(mark, fresh);
    made = true;
    return pool_[fresh];
  }

  void free(Chain& chain) noexcept {
    const entry& e = static_cast<entry&>(chain);
    const std::uint32_t n = e.self;
    index_.erase(e.mark, n);
    pool_.destroy(n);
  }

 private:
  Chain* find(std::uint32_t mark, const Key& key) {
    const std::uint32_t at = index_.find(mark, [&](std::uint32_t n) { return pool_[n].key == key; });
    return at == key_index::none ? nullptr : &pool_[at];
  }
  static std::uint32_t mark_of(const Key& key) { return scattered(static_cast<std::uint64_t>(Hash{}(key))); }

  key_index index_;
  key_pool<entry> pool_;
};

}  // namespace peal::inline v0::detail
