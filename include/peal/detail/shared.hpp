// SPDX-License-Identifier: MIT
// Owners that share one object: what std::shared_ptr and std::weak_ptr do inside the library, compiled once for all types.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace peal::inline v0::detail {

/// Who shares an object.
struct share_count {
  std::atomic<std::size_t> owners{1};
  std::atomic<std::size_t> holders{1};  ///< of this count: those who watch, and all owners together
  void* object;
  void (*end)(void* object) noexcept;

  void let_go() noexcept {
    if (holders.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;  // [holders] pairs with itself
  }
  void disown() noexcept {
    if (owners.fetch_sub(1, std::memory_order_acq_rel) != 1) return;  // [owners] pairs with itself
    end(object);
    let_go();
  }
};

/// What is looked at, and who shares it.
struct share_link {
  void swap_with(share_link& other) noexcept {
    const share_link mine = *this;
    *this = other;
    other = mine;
  }

  void* at_ = nullptr;
  share_count* count_ = nullptr;
};

/// A share without its type.
class share_base : protected share_link {
 public:
  [[gnu::always_inline]] share_base() noexcept = default;
  share_base(const share_base& other) noexcept : share_link{other.at_, other.count_} {
    if (count_ != nullptr) count_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  share_base(share_base&& other) noexcept : share_link{other.at_, other.count_} {
    other.at_ = nullptr;
    other.count_ = nullptr;
  }
  share_base& operator=(const share_base& other) noexcept {
    share_base copy{other};
    swap_with(copy);
    return *this;
  }
  share_base& operator=(share_base&& other) noexcept {
    share_base taken{static_cast<share_base&&>(other)};
    swap_with(taken);
    return *this;
  }
  ~share_base() {
    if (count_ != nullptr) count_->disown();
  }

 protected:
  friend class watch_base;
  /// Errors: bad_alloc; the object has then ended.
  share_base(void* at, void* object, void (*end)(void*) noexcept) : share_link{at} {
    struct owner {
      void* object;
      void (*end)(void*) noexcept;
      ~owner() {
        if (object != nullptr) end(object);
      }
    } until_shared{object, end};
    count_ = new share_count{.object = object, .end = end};
    until_shared.object = nullptr;
  }
  share_base(void* at, share_count* count) noexcept : share_link{at, count} {}
};

template <class T>
void end_shared(void* object) noexcept {
  delete static_cast<T*>(object);
}

/// A share of an object, which ends with the last of them.
///
/// Errors: bad_alloc where it is made of a plain pointer. Thread safety: as std::shared_ptr. Memory order: what an owner did
/// happens before the end.
template <class T>
class shared : public share_base {
  using plain = std::remove_const_t<T>;

 public:
  [[gnu::always_inline]] shared() noexcept = default;
  [[gnu::always_inline]] shared(std::nullptr_t) noexcept {}  // NOLINT: converts, as a pointer does
  /// Takes it over; it is ended as what it is given as.
  template <class U>
  explicit shared(U* object) : share_base{as_stored(object), object, &end_shared<U>} {}
  /// Shares what `owner` does, and shows a part of it.
  template <class U>
  shared(shared<U>&& owner, T* part) noexcept : share_base{static_cast<share_base&&>(owner)} {
    at_ = const_cast<plain*>(part);
  }
  template <class U>
    requires std::is_convertible_v<U*, T*> shared(const shared<U>& other)
  noexcept : share_base{other} {  // NOLINT: converts, as its pointer does
    at_ = as_stored(other.get());
  }

  void reset() noexcept { share_base::operator=(share_base{}); }
  void swap(shared& other) noexcept { swap_with(other); }

  [[nodiscard, gnu::always_inline]] T* get() const noexcept { return static_cast<T*>(at_); }
  [[nodiscard, gnu::always_inline]] T* operator->() const noexcept { return get(); }
  [[nodiscard]] std::add_lvalue_reference_t<T> operator*() const noexcept requires(!std::is_void_v<T>) {
    return *get();
  }
  [[nodiscard, gnu::always_inline]] explicit operator bool() const noexcept { return at_ != nullptr; }
  [[nodiscard, gnu::always_inline]] bool operator==(std::nullptr_t) const noexcept { return at_ == nullptr; }
  [[nodiscard, gnu::always_inline]] bool operator==(const shared& other) const noexcept { return at_ == other.at_; }

 private:
  friend class watch_base;
  shared(void* at, share_count* count) noexcept : share_base{at, count} {}
  static void* as_stored(T* object) noexcept { return const_cast<plain*>(object); }
};

/// Looks at what is shared without keeping it; of an object whose type is not asked for any more.
class watch_base : share_link {
 public:
  watch_base() noexcept = default;
  watch_base(const share_base& of) noexcept : watch_base{of.at_, of.count_} {}  // NOLINT: converts
  watch_base(const watch_base& other) noexcept : watch_base{other.at_, other.count_} {}
  watch_base& operator=(watch_base other) noexcept {
    swap_with(other);
    return *this;
  }
  ~watch_base() {
    if (count_ != nullptr) count_->let_go();
  }

  /// A share, or none if it has ended.
  [[nodiscard]] shared<void> lock() const noexcept {
    if (count_ == nullptr) return {};
    std::size_t owners = count_->owners.load(std::memory_order_relaxed);
    while (owners != 0) {
      if (count_->owners.compare_exchange_weak(owners, owners + 1, std::memory_order_acq_rel,
                                               std::memory_order_relaxed)) {
        return {at_, count_};
      }
    }
    return {};
  }

 private:
  watch_base(void* at, share_count* count) noexcept : share_link{at, count} {
    if (count_ != nullptr) count_->holders.fetch_add(1, std::memory_order_relaxed);
  }
};

}  // namespace peal::inline v0::detail
