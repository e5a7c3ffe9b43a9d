// SPDX-License-Identifier: MIT
// States kept between the events they are folded from: events themselves, in a topic of their own, by the stream's key.
#pragma once

#include <peal/pattern/event_streams.hpp>
#include <peal/store/position_at.hpp>

#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace peal::inline v0 {
namespace detail {

/// A state as it is stored, with the place of the last event in it. Its name and version are the state's.
template <class State>
struct snapshot {
  std::uint64_t version = 0;
  std::uint64_t position = 0;
  wall_time published = 0;
  State state{};

  static constexpr event_name name = name_of<State>();
  static constexpr auto fields =
      peal::fields(field{"version", &snapshot::version}, field{"position", &snapshot::position},
                   field{"published", &snapshot::published}, field{"state", &snapshot::state});
};

}  // namespace detail

/// What brings a state up to date does the same to its snapshots.
template <class State>
  requires detail::has_previous<State>
struct previous_of<detail::snapshot<State>> {
  using type = detail::snapshot<typename detail::previous_version<State>::type>;
  static detail::snapshot<State> upcast(type&& old) {
    return {old.version, old.position, old.published, detail::previous_version<State>::upcast(std::move(old.state))};
  }
};

namespace detail {

/// The snapshots of a topic's streams.
///
/// Thread safety: every call from any thread.
template <class State>
class snapshots {
 public:
  snapshots(const store& kept, std::string topic)
      : store_{kept}, topic_{std::move(topic)}, epoch_{epoch_of(kept, topic_)} {}

  /// The newest that is not behind a moment. One that cannot be read, for its state is of another version, is as good as
  /// none.
  [[nodiscard]] std::optional<snapshot<State>> find(std::string_view key, const as_of& until) const {
    const std::uint64_t newest = new_events::newest(store_, topic_, key);
    std::optional<snapshot<State>> best;
    std::optional<snapshot<State>> seen;
    if (newest == 0) return best;
    if (look(key, newest, best) == newest && best && !too_late(*best, until)) return best;
    best.reset();
    (void)first_late(1, newest, [&](std::uint64_t from, std::uint64_t& where, bool& is_late) {
      where = look(key, from, seen);
      is_late = seen && too_late(*seen, until);
      if (seen && !is_late) best = std::move(seen);  // each one is behind the one before
      return where != 0;
    });
    return best;
  }

  /// Adds one to the events of a commit.
  void add(new_events& to, std::string_view key, const snapshot<State>& s) const {
    const std::size_t begin = to.size();
    to.add(topic_, s).key = key;
    to.place(begin, epoch_, store_.range(topic_).next, new_events::newest(store_, topic_, key) + 1);
  }

  [[nodiscard]] const std::string& topic() const noexcept { return topic_; }

 private:
  static bool too_late(const snapshot<State>& s, const as_of& until) noexcept {
    return until.before(s.version, s.position, s.published);
  }
  /// Reads the first that there is from its number on. Returns that; 0: none.
  std::uint64_t look(std::string_view key, std::uint64_t from, std::optional<snapshot<State>>& into) const {
    std::uint64_t number = 0;
    into.reset();
    (void)store_.read_stream(topic_, key, from, 1, [&](const stored_event& e) {
      number = e.stream_version;
      if (e.name != name_of<State>().name) return;
      try {
        into = decode_at<snapshot<State>>(e.version, e.payload, {});
      } catch (const std::bad_alloc&) {
        throw;
      } catch (const std::exception&) {
        into.reset();
      }
    });
    return number;
  }

  const store& store_;
  const std::string topic_;
  const std::uint64_t epoch_;
};

}  // namespace detail
}  // namespace peal::inline v0
