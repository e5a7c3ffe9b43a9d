// SPDX-License-Identifier: MIT
// A value or an error code: the small part of C++23's std::expected that this library needs.
#pragma once

#include <type_traits>
#include <utility>

#include <peal/core/error.hpp>

namespace peal::inline v0 {

/// Either a `T` or a publish_errc; false when it is the error.
///
/// Example: `if (auto r = bus.try_publish(std::move(e)); !r) log(to_string(r.error()));`
template <class T>
class [[nodiscard]] result {
  static_assert(std::is_trivially_copyable_v<T>, "peal: result carries small plain values");

 public:
  constexpr result(T value) noexcept : value_(value) {}                       // NOLINT: as std::expected
  constexpr result(publish_errc code) noexcept : error_(code), ok_(false) {}  // NOLINT: as std::expected

  [[nodiscard]] constexpr bool has_value() const noexcept { return ok_; }
  explicit constexpr operator bool() const noexcept { return ok_; }

  /// Errors: undefined when this is an error, as for std::expected.
  constexpr const T& operator*() const noexcept { return value_; }
  constexpr const T* operator->() const noexcept { return &value_; }

  /// Errors: undefined when this is a value.
  [[nodiscard]] constexpr publish_errc error() const noexcept { return error_; }

 private:
  T value_{};
  publish_errc error_ = publish_errc::full;
  bool ok_ = true;
};

}  // namespace peal::inline v0
