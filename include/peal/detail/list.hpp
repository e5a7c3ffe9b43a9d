// SPDX-License-Identifier: MIT
// A growable array that costs the compiler little: what does not depend on the element is compiled once for all of them.
#pragma once

#include <peal/detail/minmax.hpp>

#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace peal::inline v0::detail {

/// What a list knows of its elements; without functions their bytes are all there is to them.
struct element_ops {
  std::size_t bytes;
  std::size_t align;
  void (*relocate)(void* to, void* from) noexcept;
  void (*destroy)(void* at) noexcept;
};
template <class T>
void relocate_element(void* to, void* from) noexcept {
  T* const old = static_cast<T*>(from);
  ::new (to) T(static_cast<T&&>(*old));
  old->~T();
}
template <class T>
void destroy_element(void* at) noexcept {
  static_cast<T*>(at)->~T();
}
template <class T, bool Plain = std::is_trivially_copyable_v<T>>
inline constexpr element_ops element_ops_of{sizeof(T), alignof(T), nullptr, nullptr};
template <class T>
inline constexpr element_ops element_ops_of<T, false>{sizeof(T), alignof(T), &relocate_element<T>, &destroy_element<T>};

/// A list without the type of its elements.
class list_base {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// Errors: bad_alloc, nothing changed.
  void reserve(std::size_t count) {
    if (count <= capacity_) return;
    const std::size_t bytes = count * ops_->bytes;
    void* const room = over_aligned() ? ::operator new (bytes, std::align_val_t{ops_->align}) : ::operator new(bytes);
    auto* const fresh = static_cast<std::byte*>(room);
    for (std::size_t at = 0; at != size_ * ops_->bytes; at += ops_->bytes) move_one(fresh + at, at_ + at);
    free_room();
    at_ = fresh;
    capacity_ = count;
  }
  /// Room for so many in all, without a reallocation each time. Errors: bad_alloc, nothing changed.
  void make_room(std::size_t count) {
    if (capacity_ < count) reserve(larger(count, 2 * capacity_));
  }
  void pop_back() noexcept { shrink(size_ - 1); }
  void clear() noexcept { shrink(0); }
  /// Keeps the first `count`.
  void shrink(std::size_t count) noexcept {
    while (size_ > count) {
      --size_;
      if (ops_->destroy != nullptr) ops_->destroy(at_ + size_ * ops_->bytes);
    }
  }

 protected:
  explicit list_base(const element_ops& ops) noexcept : ops_{&ops} {}
  list_base(list_base&& other) noexcept : ops_{other.ops_} { swap_with(other); }
  ~list_base() {
    shrink(0);
    free_room();
  }
  list_base(const list_base&) = delete;
  list_base& operator=(const list_base&) = delete;
  list_base& operator=(list_base&&) = delete;

  void swap_with(list_base& other) noexcept {
    std::byte* const at = other.at_;
    const std::size_t size = other.size_;
    const std::size_t capacity = other.capacity_;
    other.at_ = at_;
    other.size_ = size_;
    other.capacity_ = capacity_;
    at_ = at;
    size_ = size;
    capacity_ = capacity;
  }
  /// Room behind the last, counted in. Errors: bad_alloc, nothing changed.
  void* append() {
    if (size_ == capacity_) reserve(capacity_ < 4 ? 4 : capacity_ * 2);
    return at_ + size_++ * ops_->bytes;
  }
  /// Room in front of an element, counted in. Errors: bad_alloc, nothing changed.
  void* open(const void* before) {
    const std::size_t behind =
        static_cast<std::size_t>(at_ + size_ * ops_->bytes - static_cast<const std::byte*>(before));
    std::byte* last = static_cast<std::byte*>(append());
    for (std::size_t left = behind; left != 0; left -= ops_->bytes, last -= ops_->bytes) {
      move_one(last, last - ops_->bytes);
    }
    return last;
  }
  void* cut(void* from, void* to) noexcept {
    auto* hole = static_cast<std::byte*>(from);
    auto* next = static_cast<std::byte*>(to);
    if (hole == next) return from;
    if (ops_->destroy != nullptr) {
      for (std::byte* at = hole; at != next; at += ops_->bytes) ops_->destroy(at);
    }
    std::byte* const end = at_ + size_ * ops_->bytes;
    size_ -= static_cast<std::size_t>(next - hole) / ops_->bytes;
    for (; next != end; hole += ops_->bytes, next += ops_->bytes) move_one(hole, next);
    return from;
  }
  [[nodiscard]] void* data_bytes() const noexcept { return at_; }

 private:
  void move_one(void* to, void* from) const noexcept {
    if (ops_->relocate != nullptr) {
      ops_->relocate(to, from);
    } else {
      std::memcpy(to, from, ops_->bytes);
    }
  }
  [[nodiscard]] bool over_aligned() const noexcept { return ops_->align > __STDCPP_DEFAULT_NEW_ALIGNMENT__; }
  void free_room() const noexcept {
    if (over_aligned()) {  // no conditional expression: clang 14 calls both operators of one
      ::operator delete (at_, std::align_val_t{ops_->align});
    } else {
      ::operator delete(at_);
    }
  }

  std::byte* at_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  const element_ops* ops_;
};

/// The part of std::vector that the bus needs, in a tenth of its functions: at -O0 each of those is compiled.
///
/// Errors: bad_alloc, nothing changed. Thread safety: as std::vector.
template <class T>
class list : public list_base {
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>);

 public:
  using value_type = T;

  list() noexcept : list_base{element_ops_of<T>} {}
  explicit list(std::size_t count) : list_base{element_ops_of<T>} { resize(count); }
  list(list&&) noexcept = default;
  list(const list& other) : list_base{element_ops_of<T>} {
    reserve(other.size());
    for (const T& t : other) push_back(t);
  }
  list& operator=(list&& other) noexcept {
    list gone{static_cast<list&&>(*this)};
    swap_with(other);
    return *this;
  }
  list& operator=(const list& other) { return *this = list{other}; }
  ~list() = default;

  void push_back(T value) { ::new (append()) T(static_cast<T&&>(value)); }
  void insert(const T* before, T value) { ::new (open(before)) T(static_cast<T&&>(value)); }
  T* erase(T* at) noexcept { return erase(at, at + 1); }
  T* erase(T* from, T* to) noexcept { return static_cast<T*>(cut(from, to)); }
  /// Takes out the one that is equal, if there is one.
  void remove(const T& value) noexcept {
    for (T& t : *this) {
      if (t == value) return (void)erase(&t);
    }
  }
  void resize(std::size_t count) {
    shrink(count);
    reserve(count);
    while (size() < count) ::new (append()) T();
  }
  void swap(list& other) noexcept { swap_with(other); }

  [[nodiscard, gnu::always_inline]] T* begin() noexcept { return static_cast<T*>(data_bytes()); }
  [[nodiscard, gnu::always_inline]] T* end() noexcept { return begin() + size(); }
  [[nodiscard, gnu::always_inline]] const T* begin() const noexcept { return static_cast<const T*>(data_bytes()); }
  [[nodiscard, gnu::always_inline]] const T* end() const noexcept { return begin() + size(); }
  [[nodiscard, gnu::always_inline]] T& operator[](std::size_t i) noexcept { return begin()[i]; }
  [[nodiscard, gnu::always_inline]] const T& operator[](std::size_t i) const noexcept { return begin()[i]; }
  [[nodiscard, gnu::always_inline]] T& back() noexcept { return begin()[size() - 1]; }
  [[nodiscard, gnu::always_inline]] const T& back() const noexcept { return begin()[size() - 1]; }
};

}  // namespace peal::inline v0::detail
