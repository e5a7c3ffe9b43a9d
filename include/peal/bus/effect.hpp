// SPDX-License-Identifier: MIT
// What a handler does to its own tables, and that it is done: one commit.
#pragma once

#include <peal/bus/detail/effect_marks.hpp>
#include <peal/core/delivery.hpp>
#include <peal/core/error.hpp>
#include <peal/store/wall_clock.hpp>

#include <concepts>
#include <cstdint>
#include <string>

namespace peal::inline v0 {

/// What ends with a batch, whole or not at all: peal::sqlite::store::transaction(), or one's own store.
template <class T>
concept batch_transaction = requires(T& t, const store_batch& b) {
  t.commit(b);
};

namespace detail {

/// The mark of one delivery on its way into the store.
class effect_note {
 public:
  explicit effect_note(delivery& d) : delivery_{d}, marks_{checked(d)}, key_{marks_.key_of(d.position())} {
    marks_.expect();
  }
  effect_note(const effect_note&) = delete;
  effect_note& operator=(const effect_note&) = delete;
  ~effect_note() {
    if (!kept_) marks_.expect_no_more();
  }

  void write_to(store_batch& b) const {
    b.claims.push_back({marks_.scope, key_, claim_state::committed, wall_now()});
    if (letter() != 0) b.letters_gone.push_back({marks_.topic, letter()});
  }
  void kept() noexcept {
    kept_ = true;
    marks_.add_expected(delivery_.position(), letter());
    delivery_access::effect_stands(delivery_);
  }

 private:
  [[nodiscard]] std::uint64_t letter() const noexcept { return delivery_access::letter_of(delivery_); }

  static effect_marks& checked(const delivery& d) {
    effect_marks* const marks = delivery_access::marks_of(d);
    if (marks == nullptr) {
      refuse(
          d,
          "the store does not keep how far it has come, so it cannot keep that this delivery is done; commit needs a "
          "durable topic (peal::topic<…, peal::durable>) and a subscription that is neither transient nor "
          "behind{drop_oldest or conflate}");
    }
    if (marks->publishes) {
      refuse(d,
             "its handler returns events, which would be lost in a crash behind the commit; let it return none and put "
             "them into the same transaction: peal::outbox, out.commit(effect, event)");
    }
    if (delivery_access::has_effect(d)) {
      refuse(d, "the effect of this delivery has been committed; write everything in one transaction");
    }
    return *marks;
  }
  [[noreturn]] static void refuse(const delivery& d, const char* why) {
    throw bad_option(std::string("peal: subscription \"").append(d.subscription()).append("\": ").append(why));
  }

  delivery& delivery_;
  effect_marks& marks_;
  const std::string key_;
  bool kept_ = false;
};

}  // namespace detail

/// A transaction of a handler, in which its delivery is marked as done: what was written and the mark are kept together, or
/// neither, so the effect of an event happens once, whatever is killed.
///
/// Such a delivery has been handled: whatever its handler throws or answers behind the commit is counted as a failed run
/// and no more. After a restart the subscription passes it over; it is in no count of that life. Until the cursor has
/// passed it the mark is a claim in the store, of the scope "effects of <subscription>".
/// Events that belong to the effect go into the same transaction, through a peal::outbox; what a handler publishes itself
/// is lost in a crash behind the commit, so returned events are refused.
/// Delivery: until the commit has returned, at least once; from then on, never again. A letter that came back goes with it.
/// Errors: bad_option before anything is written, where the subscription is not kept in the store, returns events, or has
/// committed this delivery before; what the transaction's commit throws.
/// Thread safety: the handler's thread. Lifetime: the attempt. The transaction must be one of the bus's own store.
/// Example:
/// ```
/// peal::sqlite::store kept{"shop.db"};
/// peal::bus<peal::topic<order_placed, peal::durable>> bus{{}, kept};
/// auto ledger = bus.subscribe<order_placed>("ledger", [&](const order_placed& o, peal::delivery& d) {
///   auto t = kept.transaction();
///   insert(t.handle(), o);                       // one's own tables, by SQL
///   d.commit(t);                                 // both, or neither
/// });
/// // and with events: peal::effect e{d, t}; out.commit(e, invoice_due{o.id});
/// ```
template <class Transaction>
class effect {
  static_assert(batch_transaction<Transaction>,
                "peal: an effect ends with a transaction of the bus's store, which has commit(const store_batch&): "
                "peal::sqlite::store::transaction()");

 public:
  effect(delivery& d, Transaction& t) noexcept : delivery_{d}, transaction_{t} {}

  void commit() { commit(store_batch{}); }
  /// With more in it; for peal::outbox.
  void commit(const store_batch& more) {
    detail::effect_note note{delivery_};
    store_batch all = more;
    note.write_to(all);
    transaction_.commit(all);
    note.kept();
  }

 private:
  delivery& delivery_;
  Transaction& transaction_;
};

}  // namespace peal::inline v0
