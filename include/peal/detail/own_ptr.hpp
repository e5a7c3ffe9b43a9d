// SPDX-License-Identifier: MIT
// The one owner of an object or of an array: what std::unique_ptr does, in a fifth of the functions that -O0 compiles.
#pragma once

#include <cstddef>

namespace peal::inline v0::detail {

template <class T>
class own_ptr {
 public:
  [[gnu::always_inline]] constexpr own_ptr() noexcept = default;
  [[gnu::always_inline]] own_ptr(std::nullptr_t) noexcept {}
  [[gnu::always_inline]] explicit own_ptr(T* object) noexcept : object_{object} {}
  [[gnu::always_inline]] own_ptr(own_ptr&& other) noexcept : object_{other.release()} {}
  own_ptr& operator=(own_ptr&& other) noexcept {
    reset(other.release());
    return *this;
  }
  own_ptr(const own_ptr&) = delete;
  own_ptr& operator=(const own_ptr&) = delete;
  ~own_ptr() { reset(); }

  void reset(T* object = nullptr) noexcept {
    static_assert(sizeof(T) != 0);
    T* const old = object_;
    object_ = object;
    delete old;
  }
  [[nodiscard, gnu::always_inline]] T* release() noexcept {
    T* const object = object_;
    object_ = nullptr;
    return object;
  }
  [[nodiscard, gnu::always_inline]] T* get() const noexcept { return object_; }
  [[nodiscard, gnu::always_inline]] T& operator*() const noexcept { return *object_; }
  [[nodiscard, gnu::always_inline]] T* operator->() const noexcept { return object_; }
  [[nodiscard, gnu::always_inline]] bool operator==(std::nullptr_t) const noexcept { return object_ == nullptr; }

 private:
  T* object_ = nullptr;
};

/// Of an array whose length somebody else knows.
template <class T>
class own_array {
 public:
  explicit own_array(std::size_t count) : first_{new T[count]()} {}
  own_array(const own_array&) = delete;
  own_array& operator=(const own_array&) = delete;
  ~own_array() { delete[] first_; }

  [[nodiscard, gnu::always_inline]] T* get() const noexcept { return first_; }
  [[nodiscard, gnu::always_inline]] T& operator[](std::size_t i) const noexcept { return first_[i]; }

 private:
  T* const first_;
};

}  // namespace peal::inline v0::detail
