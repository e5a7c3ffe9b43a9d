// SPDX-License-Identifier: MIT
// How an event gets in that is one of a range, finds no room at once, comes from inside user code, or has handlers on
// its publisher's thread. Included by topic_core.hpp only.
#pragma once

#include <peal/bus/detail/topic_core.hpp>

namespace peal::inline v0::detail {

template <class Runtime, class Topic>
template <std::uint8_t Type, class E>
std::size_t topic_core<Runtime, Topic>::publish_range_as(E* events, std::size_t count,
                                                         const publish_call& call) noexcept {
  const bool inside = user_code_depth != 0 || bus.frames.current() != nullptr;
  std::size_t done_with = 0;
  while (done_with < count) {
    const bool singly =
        traits::has_middleware || inside || here_.any(Type);  // anew each time: it may wait long for room in between
    E* const from = events + done_with;
    const std::size_t most = ring_.capacity() > 64 ? ring_.capacity() / 2 : 1;
    const std::size_t part = singly ? 1 : smaller(count - done_with, most);
    claim_result c{claim_status::full, 0};
    if (part > 1 && runner_.alive() && lane_.empty()) c = claim(part, caller::outsider);
    if (c.status != claim_status::claimed) {
      // No room for all of them together: one at a time finds what there is, waits as it was told, and says why not.
      if (!publish_as<Type>(*from, call)) break;
      ++done_with;
      continue;
    }
    std::uint8_t tag = Type;
    for (std::size_t i = 0; i < part; ++i) {
      const position p = peal::advance(c.first, i);
      if (surround_needed(call.options, nullptr) &&
          surround(*::new (&envelopes_[p & ring_.mask()]) envelope, call.options, nullptr)) {
        tag |= slot_tag::enveloped;
      }
      ::new (static_cast<void*>(ring_.storage(p))) E(std::move(from[i]));
    }
    ring_.publish_range(c.first, part, tag);
    after_publish(part);
    if (watcher != nullptr) [[unlikely]]
      tell_accepted(Type, c.first, part);
    done_with += part;
  }
  return done_with;
}

template <class Runtime, class Topic>
template <std::uint8_t Type, class E>
result<receipt> topic_core<Runtime, Topic>::publish_by_middleware(E& event, const publish_call& call) noexcept {
  publication p;
  if (call.options != nullptr) p.options = *call.options;
  if (const frame* const inside = bus.frames.current(); inside != nullptr) p.handling = inside->current;
  auto in = [&]() noexcept -> result<receipt> { return accept<Type>(event, {&p.options, call.wait, call.time}); };
  const result<receipt> answer = detail::run_publish_chain<0>(middleware, event, p, in);
  if (!answer && answer.error() == publish_errc::vetoed) vetoed_.add();
  return answer;
}

template <class Runtime, class Topic>
template <class E>
arrival topic_core<Runtime, Topic>::publish_due_by_middleware(kept& event, const publish_options& o) noexcept {
  publication p{o};
  arrival came = arrival::accepted;  // also when it is refused: its time has come and gone
  auto in = [&]() noexcept -> result<receipt> {
    came = append_due(event, p.options);
    if (came == arrival::accepted) return receipt{};
    return came == arrival::closed ? publish_errc::closed : publish_errc::full;
  };
  const result<receipt> answer = detail::run_publish_chain<0>(middleware, *static_cast<E*>(event.event()), p, in);
  if (!answer && answer.error() == publish_errc::vetoed) vetoed_.add();
  return came;
}

template <class Runtime, class Topic>
result<receipt> topic_core<Runtime, Topic>::publish_later(void* event, std::uint8_t type,
                                                          const publish_call& call) noexcept {
  if (call.wait == patience::none && user_code_depth == 0) {
    if (const claim_status state = ring_.state(); state != claim_status::claimed) return refused(state);
    refused_full_.add();
    return publish_errc::full;
  }
  const visit counted{bus.visitors};  // the bus's destructor waits for those it has woken here
  time_point until = time_point::max();
  if (call.wait == patience::until) until = saturating_add(runner_.now(), call.time);
  for (;;) {
    if (const claim_status state = ring_.state(); state != claim_status::claimed) return refused(state);
    if (user_code_depth != 0) return publish_inside(event, type, call, nullptr);
    {
      hold_place place{holds_, needs_hold(type, nullptr)};
      if (lane_.empty() && place.ready()) {
        const claim_result c = claim(1, caller::outsider);
        if (c.status == claim_status::claimed) {
          return finish(c.first, event, type, call.options, nullptr, place,
                        [&](void* to) { types[type]->move(to, event); });
        }
        if (c.status != claim_status::full) return refused(c.status);
      }
    }
    if (const auto failed = wait_for_room(call, until, type); failed) return *failed;
  }
}

template <class Runtime, class Topic>
maybe<publish_errc> topic_core<Runtime, Topic>::wait_for_room(const publish_call& call, time_point until,
                                                              std::uint8_t type) noexcept {
  const bool woken = runner_.wait(ring_.room(), until, [this, type] {
    return ring_.state() != claim_status::claimed ||
           (lane_.size() == 0 && ring_.has_room(1) && (holds_.any() || !needs_hold(type, nullptr)));
  });
  if (woken) return {};
  refused_full_.add();
  return call.wait == patience::until ? publish_errc::timed_out : publish_errc::stuck;
}

template <class Runtime, class Topic>
result<receipt> topic_core<Runtime, Topic>::publish_inside(void* event, std::uint8_t type, const publish_call& call,
                                                           frame* inside) noexcept {
  const caller who = inside != nullptr ? caller::insider : caller::outsider;
  const delivery* const parent = inside != nullptr ? inside->current : nullptr;
  if (lane_.empty()) {
    hold_place place{holds_, needs_hold(type, inside)};
    const claim_result c = place.ready() ? claim(1, who) : claim_result{claim_status::full, 0};
    if (c.status == claim_status::claimed) {
      const receipt r =
          finish(c.first, event, type, call.options, parent, place, [&](void* to) { types[type]->move(to, event); });
      inside_.add_after();
      return r;
    }
    if (c.status != claim_status::full) return refused(c.status);
  }
  if (const claim_status state = ring_.state();
      state == claim_status::closed || (state == claim_status::closing && inside == nullptr)) {
    return refused(state);
  }
  const bool appended = lane_.append([&](auto& cell) {
    types[type]->move(cell.event(), event);
    cell.type = type;
    cell.enveloped = surround(cell.around, call.options, parent);
    cell.came_from(inside != nullptr && inside->subscription != nullptr ? std::string_view{inside->subscription->name()}
                                                                        : std::string_view{});
  });
  if (!appended) {
    overloaded_.add();
    drain_lane();
    return publish_errc::overloaded;
  }
  inside_.add_after();
  drain_lane();
  return receipt{};
}

template <class Runtime, class Topic>
inline void topic_core<Runtime, Topic>::finish_here(position p, void* event, std::uint8_t tag,
                                                    hold_place& place) noexcept {
  user_code inside{bus.frames, nullptr, nullptr};
  const bool ringless = ring_.present() == 0;
  const std::uint8_t type = tag & slot_tag::type_mask;
  const envelope* around = (tag & slot_tag::enveloped) != 0 ? &envelopes_[p & ring_.mask()] : nullptr;
  envelope copy;
  const void* seen = event;
  if (ringless) {
    if (around != nullptr) around = &(copy = *around);  // nothing holds the slot: the next lap may write this envelope
    ring_.publish(p, static_cast<std::uint8_t>(tag | slot_tag::empty));
  } else {
    if (!holds_already(inside.top().outer)) {
      ring_.hold(place.get(&Runtime::atomics::yield), p);
      inside.top().holding = this;
    }
    types[type]->move(ring_.storage(p), event);
    seen = ring_.storage(p);
    ring_.publish(p, tag);
    if (ring_.order().observe(idle_) != 0) wake_idle();
  }
  run_here({p, type, seen, around}, inside.top());
  if (inside.top().holding != nullptr) {
    ring_.release(place.get(&Runtime::atomics::yield));
    place.give();
    ring_.room().notify_all(side::rare);  // one may have waited for the cell
  }
  if (lane_.size() != 0) drain_lane();
  if (watcher != nullptr) tell_accepted(type, p);
}

template <class Runtime, class Topic>
void topic_core<Runtime, Topic>::run_here(const event_at& at, frame& f) noexcept {
  delivery d = delivery_access::make();
  // The subscription's name is set by those handlers that can ask for it.
  delivery_access::belongs(d, origin, {}, cancellation_token{}, bus.runner);
  delivery_access::at(d, at.where, at.around, true);
  f.current = &d;
  here_.dispatch(at.type, f.cell, [&](const inline_entry& e) noexcept {
    subscription_base& sub = *e.subscription;
    if (sub.leaving_here.load(std::memory_order_relaxed)) [[unlikely]] {
      sub.counts_.stopped.add_shared();
      return;
    }
    f.subscription = &sub;
    e.run(sub, at.event, at, d);
  });
}

template <class Runtime, class Topic>
inline bool topic_core<Runtime, Topic>::surround(envelope& e, const publish_options* o,
                                                 const delivery* parent) noexcept {
  const bool limited = o != nullptr && (o->time_to_live.count() != 0 || o->deadline != time_point::max());
  const bool belongs = o != nullptr && o->correlation;
  const bool caused = o != nullptr && o->causation;
  if (!belongs && !caused && !limited && parent == nullptr && !traits::is_timed) return false;
  e.correlation = belongs ? o->correlation : parent != nullptr ? parent->correlation() : event_id{};
  e.causation = caused ? o->causation : parent != nullptr ? parent->id() : event_id{};
  e.published = time_point{};
  e.deadline = limited ? o->deadline : parent != nullptr ? delivery_access::passes_on(*parent) : time_point::max();
  if (traits::is_timed || (o != nullptr && o->time_to_live.count() != 0)) {
    const time_point now = runner_.now();
    if (traits::is_timed) e.published = now;
    if (o != nullptr && o->time_to_live.count() != 0) {
      e.deadline = smaller(e.deadline, saturating_add(now, o->time_to_live));
    }
  }
  return true;
}

}  // namespace peal::inline v0::detail
