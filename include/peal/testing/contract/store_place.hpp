// SPDX-License-Identifier: MIT
// What a store's tests give to the contract suite, and how the suite says what is wrong.
#pragma once

#include <peal/core/error.hpp>
#include <peal/store/store.hpp>

#include <memory>

namespace peal::inline v0::testing {

/// A place where a store can be made and opened again; each case gets a fresh one.
class store_place {
 public:
  store_place() = default;
  store_place(const store_place&) = delete;
  store_place& operator=(const store_place&) = delete;
  virtual ~store_place() = default;

  /// Opens the store for writing; makes it when it is not there.
  virtual std::unique_ptr<store> open() = 0;
  /// Opens it for reading only, in a process that has not opened it for writing; null where a store cannot.
  virtual std::unique_ptr<store> open_for_reading() { return nullptr; }
};

/// A store does not do what it must; the text says what was expected and what was there.
class contract_violation : public error {
 public:
  using error::error;
};

}  // namespace peal::inline v0::testing
