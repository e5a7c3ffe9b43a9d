// SPDX-License-Identifier: MIT
// Why a publication was refused, and the exceptions of the bus.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace peal::inline v0 {

/// Why `try_publish` refused; the event stays with its owner.
enum class publish_errc : std::uint8_t {
  full,          ///< no room now
  timed_out,     ///< no room within the time given
  closing,       ///< the bus is draining: nothing from outside is accepted any more
  closed,        ///< the bus has ended
  overloaded,    ///< published inside a handler, and the topic's lane is full as well
  forked,        ///< this process is a fork's child: the workers stayed with the parent
  vetoed,        ///< a publish middleware of the topic said so
  store_failed,  ///< the store of a durable topic failed; what was accepted and is not in it is known by its id
  stuck,         ///< a stepped bus ran everything it could and there is still no room
};

constexpr std::string_view to_string(publish_errc e) noexcept {
  switch (e) {
    case publish_errc::full: return "the topic is full";
    case publish_errc::timed_out: return "the topic stayed full for the whole time given";
    case publish_errc::closing: return "the bus is draining and accepts nothing from outside";
    case publish_errc::closed: return "the bus is closed";
    case publish_errc::overloaded: return "the topic and its lane for publishing from inside are full";
    case publish_errc::forked: return "this process was forked; the bus lives in its parent";
    case publish_errc::vetoed: return "a publish middleware of the topic refused it";
    case publish_errc::store_failed: return "the store of its durable topic has failed";
    case publish_errc::stuck: return "the topic is full and nothing that could empty it can run";
  }
  return "unknown";
}

/// Every exception that peal itself throws.
class error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// `publish` could not do what it says; the event was not accepted.
class publish_refused : public error {
 public:
  publish_refused(publish_errc code, std::string_view event_name)
      : error(std::string("peal: publish of ").append(event_name).append(" refused: ").append(to_string(code))),
        code_(code) {}

  [[nodiscard]] publish_errc code() const noexcept { return code_; }

 private:
  publish_errc code_;
};

/// A second subscription of the same name: the name is what positions, claims and letters are found by.
class name_in_use : public error {
 public:
  explicit name_in_use(std::string_view name)
      : error(std::string("peal: a subscription named \"")
                  .append(name)
                  .append("\" stands already; names are unique in a bus")) {}
};

/// A limit that was fixed when the bus was made.
class limit_reached : public error {
 public:
  using error::error;
};

/// Something that only a living bus can do was asked of a closed one.
class bus_closed : public error {
 public:
  using error::error;
};

/// An option whose value makes no sense; the text names it.
class bad_option : public error {
 public:
  using error::error;
};

/// What a failed run is taken for when its time was over (peal::timeout, or its event's expiry): name it in a rule,
/// `peal::on<peal::timed_out>(…)`, and that rule decides, whatever the handler has thrown or answered.
class timed_out : public error {
 public:
  using error::error;
};

/// "I was asked to give up": what cancellation_token::throw_if_cancelled() throws. Its code is operation_canceled.
class cancelled : public std::system_error {
 public:
  cancelled() : std::system_error(std::make_error_code(std::errc::operation_canceled), "peal: cancelled") {}
};

}  // namespace peal::inline v0
