// SPDX-License-Identifier: MIT
// A value or none: what std::optional does inside the library, in a tenth of the templates and functions it costs.
#pragma once

#include <new>
#include <type_traits>
#include <utility>

namespace peal::inline v0::detail {

/// Of plain values: two members, and nothing to compile for copies and ends.
///
/// Errors: none; to read one that is none is undefined. Thread safety: as a plain value.
template <class T, bool Plain = std::is_trivially_copyable_v<T>>
class maybe {
 public:
  [[gnu::always_inline]] constexpr maybe() noexcept : none_{} {}
  [[gnu::always_inline]] constexpr maybe(const T& value) noexcept : value_{value}, has_{true} {}
  template <class... Args>
  T& emplace(Args&&... args) {
    *this = maybe{T{static_cast<Args&&>(args)...}};
    return value_;
  }

  [[gnu::always_inline]] constexpr explicit operator bool() const noexcept { return has_; }
  [[nodiscard, gnu::always_inline]] constexpr bool has_value() const noexcept { return has_; }
  [[nodiscard, gnu::always_inline]] constexpr T& operator*() noexcept { return value_; }
  [[nodiscard, gnu::always_inline]] constexpr const T& operator*() const noexcept { return value_; }
  [[nodiscard, gnu::always_inline]] constexpr T* operator->() noexcept { return &value_; }
  [[nodiscard, gnu::always_inline]] constexpr const T* operator->() const noexcept { return &value_; }

 private:
  union {
    char none_;
    T value_;
  };
  bool has_ = false;
};

/// Of values that must be ended: none is copied, and room is theirs only while there is one.
template <class T>
class maybe<T, false> {
 public:
  maybe() noexcept {}
  maybe(maybe&& other) noexcept {
    if (!other.has_) return;
    ::new (&value_) T(static_cast<T&&>(other.value_));
    has_ = true;
  }
  maybe(const maybe&) = delete;
  maybe& operator=(const maybe&) = delete;
  maybe& operator=(maybe&&) = delete;
  ~maybe() {
    if (has_) value_.~T();
  }
  /// Once.
  template <class... Args>
  T& emplace(Args&&... args) {
    ::new (&value_) T{static_cast<Args&&>(args)...};
    has_ = true;
    return value_;
  }

  [[gnu::always_inline]] explicit operator bool() const noexcept { return has_; }
  [[nodiscard, gnu::always_inline]] bool has_value() const noexcept { return has_; }
  [[nodiscard, gnu::always_inline]] T& operator*() noexcept { return value_; }
  [[nodiscard, gnu::always_inline]] const T& operator*() const noexcept { return value_; }
  [[nodiscard, gnu::always_inline]] T* operator->() noexcept { return &value_; }
  [[nodiscard, gnu::always_inline]] const T* operator->() const noexcept { return &value_; }

 private:
  union {
    T value_;
  };
  bool has_ = false;
};

}  // namespace peal::inline v0::detail
