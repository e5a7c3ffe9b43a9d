// SPDX-License-Identifier: MIT
// A stored event as the handlers of this program see it: decoded, with what is known of it beside it.
#pragma once

#include <peal/codec/upcast.hpp>
#include <peal/store/records.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace peal::inline v0 {

/// What a handler may know of a stored event that it is given. It has the names that `peal::delivery` has.
///
/// Lifetime: the call.
class replayed_event {
 public:
  replayed_event(const stored_event& e, bool replaying) noexcept : event_{e}, replaying_{replaying} {}
  replayed_event(const replayed_event&) = delete;
  replayed_event& operator=(const replayed_event&) = delete;

  [[nodiscard]] event_id id() const noexcept { return event_.id; }
  [[nodiscard]] std::uint64_t position() const noexcept { return event_.position; }
  [[nodiscard]] event_id correlation() const noexcept { return event_.correlation ? event_.correlation : event_.id; }
  [[nodiscard]] event_id causation() const noexcept { return event_.causation; }
  [[nodiscard]] std::string_view topic() const noexcept { return event_.topic; }
  /// When it was published, by the wall clock.
  [[nodiscard]] wall_time published() const noexcept { return event_.published; }
  /// Of its stream; empty when it has none.
  [[nodiscard]] std::string_view key() const noexcept { return event_.key; }
  /// Its number in its stream, from 1; 0: it is in none.
  [[nodiscard]] std::uint64_t stream_version() const noexcept { return event_.stream_version; }
  /// The version of its type that it was stored as, before any upcast.
  [[nodiscard]] std::uint32_t stored_as() const noexcept { return event_.version; }
  /// It was handled before: effects that leave the program must not be repeated.
  [[nodiscard]] bool replaying() const noexcept { return replaying_; }

 private:
  const stored_event& event_;
  bool replaying_;
};

/// A stored event that this program cannot read: it has no such type, or no such version, or the bytes are damaged.
class event_unreadable : public error {
 public:
  event_unreadable(const stored_event& e, std::string_view why)
      : error(text(e, why)), topic_{e.topic}, name_{e.name}, position_{e.position}, version_{e.version} {}

  [[nodiscard]] const std::string& topic() const noexcept { return topic_; }
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
  /// Of the event's type, and its version.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint32_t version() const noexcept { return version_; }

 private:
  static std::string text(const stored_event& e, std::string_view why) {
    std::string t = "peal: ";
    t.append(e.topic).append(" at ").append(std::to_string(e.position)).append(": ").append(e.name);
    t.append(" of version ").append(std::to_string(e.version)).append(" cannot be read: ").append(why);
    return t;
  }

  std::string topic_;
  std::string name_;
  std::uint64_t position_;
  std::uint32_t version_;
};

/// Takes the events that cannot be read, `(const stored_event&, std::string_view why)`, instead of an event_unreadable
/// that is thrown at the first.
///
/// Example: `peal::on_unreadable{[&](const peal::stored_event& e, std::string_view why) { log(e.position, why); }}`
template <class F>
  requires std::is_invocable_v<F&, const stored_event&, std::string_view>
struct on_unreadable {
  F handle;
};
template <class F>
on_unreadable(F) -> on_unreadable<F>;

namespace detail {

struct stop_when_unreadable {
  [[noreturn]] void operator()(const stored_event& e, std::string_view why) const { throw event_unreadable(e, why); }
};

template <class Handlers, class E>
inline constexpr bool takes_replayed =
    std::is_invocable_v<Handlers&, const E&, const replayed_event&> || std::is_invocable_v<Handlers&, const E&>;

template <class Handlers, class E>
void call_handler(Handlers& handlers, const E& event, const replayed_event& about) {
  if constexpr (std::is_invocable_v<Handlers&, const E&, const replayed_event&>) {
    handlers(event, about);
  } else {
    handlers(event);
  }
}

template <class... Es>
constexpr bool names_differ() noexcept {
  const std::string_view names[] = {name_of<Es>().name...};
  for (std::size_t i = 0; i < sizeof...(Es); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (names[i] == names[k]) return false;
    }
  }
  return true;
}

/// The events of a stream, a replay or a projection. True, or it does not compile.
template <class... Es>
constexpr bool check_events() noexcept {
  static_assert(sizeof...(Es) != 0, "peal: no event is named that could be read; name at least one");
  static_assert((check_chain<Es>() && ...));
  static_assert(names_differ<Es...>(),
                "peal: two of the events have the same name; name the newest version alone, the older ones are read "
                "through its `previous`");
  return true;
}

/// Decodes those events of a store that are of one of these types.
template <class... Es>
struct event_reader {
  static_assert(check_events<Es...>());

  /// Calls `handle(event)` with it, or `refuse(e, why)`. True when it was handled.
  template <class Handle, class Refuse>
  static bool read(const stored_event& e, const decode_limits& limits, Handle&& handle, Refuse&& refuse) {
    bool handled = false;
    if (!(read_as<Es>(e, limits, handle, refuse, handled) || ...)) refuse(e, "this program knows no such event");
    return handled;
  }

 private:
  template <class E, class Handle, class Refuse>
  static bool read_as(const stored_event& e, const decode_limits& limits, Handle& handle, Refuse& refuse,
                      bool& handled) {
    if (name_of<E>().name != e.name) return false;
    std::optional<E> event;
    try {
      event.emplace(decode_version<E>(e.version, e.payload, limits));
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& why) {  // of a codec or an upcast
      refuse(e, why.what());
      return true;
    }
    handle(std::as_const(*event));
    handled = true;
    return true;
  }
};

}  // namespace detail
}  // namespace peal::inline v0
