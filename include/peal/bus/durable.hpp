// SPDX-License-Identifier: MIT
// Topics that survive the process: one option, one store, and every subscription goes on where it was.
#pragma once

#include <peal/bus/bus.hpp>
#include <peal/bus/detail/durable_part.hpp>
#include <peal/bus/effect.hpp>
#include <peal/bus/retention.hpp>
#include <peal/bus/rewind.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace peal::inline v0 {

/// Option of a topic: its events are kept in the bus's store, under the declared name of its first event.
///
/// Publishing stays what it is; a journal brings what has gathered to the store in one commit after the other, and
/// subscriptions are given an event once it is there. A subscription is known by its name: after a restart it goes on
/// where it was, first with what is in the store, then with what is published, without a gap. A new name begins with the
/// next event, or as peal::start_at says. `peal::transient` subscriptions, and those with `behind{drop_oldest}` or
/// `behind{conflate{…}}`, are not kept; with `behind{read_store}` one may fall behind for as long as it likes.
/// Delivery: at least once across restarts, in the topic's order: how far a subscription has come is committed soon after,
/// never before its outputs are, and with it every delivery that waits for another run (a back-off, a busy key): after a
/// restart that one waits on, its runs counted and due when it was by the wall clock, before newer events of its key, and
/// what was handled behind it is not handled again. It waits on beyond the room of peal::side_store where that is smaller
/// then; the errors of its runs, and its claim of a key (peal::idempotent), are gone. An event with a letter gets no second
/// one. A handler that writes into the store's file itself has its effect
/// once: peal::effect. Dead letters are kept with their events, and may be marked to go back while no bus has the store open
/// (peal::mark_for_redrive, `peal dead redrive`). The keys that an idempotent subscription has handled are committed with
/// how far it has come, no earlier than its outputs: what the store has as handled is a duplicate in every later life,
/// within the window by the wall clock; what it has not is handled again.
/// Events that are to be published later are kept, soon after publish_after and the like have returned; what a handler has
/// set before it ended stands when its event counts as handled. After a restart they come when it is time by the wall
/// clock, at once when that has passed, those that repeat on their old beat; one may come twice when the process was cut
/// off just as it came. A peal::timer_id means nothing to the next life.
/// Nothing goes out of the store unless `bus.retain<E>(…)` or `bus.compact<E>(…)` says so: peal::retention, by age, count
/// and size, and peal::compaction, by key.
/// Events need a declared name and fields (<peal/codec/codec.hpp>) and a default constructor. A time to live ends
/// across a restart, too, and peal::expires counts from the publication: both by the wall clock then; that of an event which
/// is to be published later is gone.
/// Errors: while the store has no space the topic fills up and publishers wait; when a commit fails otherwise, or a sync,
/// its topics refuse (publish_errc::store_failed) and durability() tells why.
/// Example:
/// ```
/// peal::sqlite::store kept{"shop.db"};
/// peal::bus<peal::topic<order_placed, peal::durable>> bus{{}, kept};
/// auto billing = bus.subscribe<order_placed>("billing", charge);
/// bus.wait_durable(bus.publish(order));
/// ```
struct durable : detail::durable_option {
  template <class First>
  static constexpr std::string_view stored_name() noexcept {
    return name_of<First>().name;
  }
};

/// A name as a template argument.
template <std::size_t N>
struct topic_name {
  char text[N]{};
  constexpr topic_name(const char (&from)[N]) noexcept {  // NOLINT: a literal is one
    std::copy_n(from, N, text);
  }
};

/// The same under a name of one's own: `peal::topic<order_placed, order_cancelled, peal::durable_as<"shop.orders">>`.
template <topic_name Name>
struct durable_as : detail::durable_option {
  static_assert(sizeof(Name.text) > 1, "peal: a durable topic needs a name that is not empty");
  template <class First>
  static constexpr std::string_view stored_name() noexcept {
    return {Name.text, sizeof(Name.text) - 1};
  }
};

}  // namespace peal::inline v0
