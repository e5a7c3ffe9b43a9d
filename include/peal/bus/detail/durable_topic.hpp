// SPDX-License-Identifier: MIT
// A topic that survives the process, as its journal and those who read its past see it, whatever its events are.
#pragma once

#include <peal/bus/detail/pending_rows.hpp>
#include <peal/bus/detail/subscription_base.hpp>
#include <peal/codec/codec.hpp>
#include <peal/store/store.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace peal::inline v0::detail {

/// What it keeps for later; null: the store does not hear of it.
[[nodiscard]] inline pending_rows* rows_of(const subscription_base& s) noexcept {
  return static_cast<pending_rows*>(s.rows.get());
}

/// How events of one type are stored.
struct stored_ops {
  std::string_view name;
  std::uint32_t version;
  void (*encode)(const void* event, byte_buffer& out);
  void (*key)(const void* event, byte_buffer& out);  ///< null: its events have none
  /// Constructs the event. Errors: decode_error, what an upcast throws.
  void (*decode)(std::uint32_t version, byte_view in, void* to);
  std::string (*schema)();
};

/// A word for the journal about a letter: that it stands, or, without it, that number `gone` does not any more.
struct letter_word {
  letter_ptr letter{};
  std::uint64_t gone = 0;
};

/// What a letter's record says of a failed run: "run 2: gateway down".
inline std::string error_text(const attempt_error& e) {
  return e.attempt == 0 ? e.what : "run " + std::to_string(e.attempt) + ": " + e.what;
}
inline attempt_error error_of(std::string_view text, time_point at) {
  constexpr std::string_view prefix = "run ";
  attempt_error e{0, at, {}};
  const std::size_t colon = text.find(": ");
  if (text.substr(0, prefix.size()) == prefix && colon != text.npos && colon > prefix.size() && colon < 15) {
    for (const char digit : text.substr(prefix.size(), colon - prefix.size())) {
      if (digit < '0' || digit > '9') return {0, at, std::string(text)};
      e.attempt = e.attempt * 10 + static_cast<std::uint32_t>(digit - '0');
    }
    if (e.attempt != 0) text.remove_prefix(colon + 2);
  }
  e.what = text;
  return e;
}

/// The words about letters in the order in which they became true, until they are in the store.
///
/// Thread safety: every call from any thread.
class letter_words {
 public:
  void expect() {
    const std::lock_guard lock{mutex_};
    words_.reserve(words_.size() + expected_ + 1);
    ++expected_;
  }
  void expect_no_more() noexcept {
    const std::lock_guard lock{mutex_};
    --expected_;
  }
  void add_expected(letter_word w) noexcept {
    const std::lock_guard lock{mutex_};
    --expected_;
    words_.push_back(std::move(w));
  }
  /// Without memory it is left out: the letter is then there again, or as it was, after a restart.
  void add(letter_word w) noexcept {
    const std::lock_guard lock{mutex_};
    (void)rule_set<>{}.run([&] {
      words_.reserve(words_.size() + expected_ + 1);
      words_.push_back(std::move(w));
    });
  }
  [[nodiscard]] std::size_t count() const noexcept {
    const std::lock_guard lock{mutex_};
    return words_.size();
  }
  /// Copies of the first `n`. Errors: bad_alloc.
  [[nodiscard]] std::vector<letter_word> first(std::size_t n) const {
    const std::lock_guard lock{mutex_};
    return {words_.begin(), words_.begin() + static_cast<std::ptrdiff_t>(n)};
  }
  void forget(std::size_t n) noexcept {
    std::vector<letter_word> gone;  // destroyed behind the lock: an event's destructor is user code
    const std::lock_guard lock{mutex_};
    const auto end = words_.begin() + static_cast<std::ptrdiff_t>(n);
    (void)rule_set<>{}.run([&] { gone.assign(std::make_move_iterator(words_.begin()), std::make_move_iterator(end)); });
    words_.erase(words_.begin(), end);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<letter_word> words_;
  std::size_t expected_ = 0;
};

/// Memory order: the gate is stored seq_cst before idle seats are looked at, and read so by a seat that goes idle: [gate].
class durable_topic : public topic_keeper {
 public:
  durable_topic(topic_base& t, journal& j, std::string_view stored_as, const stored_ops* by_type);

  void expect_letter() override { words.expect(); }
  void no_letter() noexcept override { words.expect_no_more(); }
  void letter(const letter_ptr& l) noexcept override { words.add_expected({l}); }
  void letter_again(const letter_ptr& l) noexcept override {
    words.add({l});
    rouse_journal();
  }
  void letter_stays(const subscription_base& s, const letter_ptr& l) noexcept override;
  [[nodiscard]] bool is_careful(position at) const noexcept override;
  [[nodiscard]] bool take_suspect() noexcept override;
  void suspect_gone() noexcept override;
  void note_run(const subscription_base& s, position at, std::uint32_t run, std::uint32_t lives) override;
  void letter_gone(std::uint64_t number) noexcept override {
    words.add({nullptr, number});
    rouse_journal();
  }
  [[nodiscard]] timer_word write_timer(const kept& event, const publish_options& o) const override;
  std::uint64_t expect_timer() override;
  void no_timer() noexcept override;
  void timer(timer_word&& w, std::uint64_t id, time_point due, nanoseconds period) noexcept override;
  void timer_again(timer_word&& w, std::uint64_t id, time_point due, nanoseconds period) noexcept override;
  void timer_gone(std::uint64_t id) noexcept override;
  void recall(subscription_base& s, bool dropping) override;
  void stands(const subscription_base& s) noexcept override;
  void forget(subscription_base& s) noexcept override;
  /// It was handled: what has its key is a duplicate. One that cannot be read any more has none.
  void remember(subscription_base& s, const stored_event& e) const noexcept;

  // For the journal, under its lock.

  [[nodiscard]] virtual position head() const noexcept = 0;
  /// The end of the published run from there on.
  [[nodiscard]] virtual position published_run(position from, std::size_t most) const noexcept = 0;
  [[nodiscard]] virtual batch slots(position first, position last) const noexcept = 0;
  /// Everything before it is in the store: who waits for that goes on.
  virtual void open_to(position to) noexcept = 0;
  /// Refuses every publisher from now on.
  virtual void refuse() noexcept = 0;
  /// Its journal's seat is run soon.
  virtual void rouse_journal() noexcept = 0;
  /// Before the bus runs: takes its place in the ring, and the letters out of the store.
  virtual void begin() = 0;

  /// Null when this program cannot read it, whatever its codec or an upcast throws. Errors: bad_alloc.
  [[nodiscard]] kept_ptr read_back(std::uint8_t type, const stored_event& e) const {
    try {
      return make_kept(*topic.types[type], [&](void* to) { ops[type].decode(e.version, e.payload, to); });
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception&) {
      return {};
    }
  }
  [[nodiscard]] position in_store() const noexcept override { return durable_to(); }
  [[nodiscard]] position durable_to() const noexcept { return gate_.load(std::memory_order_acquire); }

  topic_base& topic;
  journal& log;
  const std::string name;
  const stored_ops* const ops;
  letter_words words;
  position opened_at = 0;  ///< events before it are of earlier lives

 protected:
  ~durable_topic() = default;
  std::atomic<position> gate_{0};
};

}  // namespace peal::inline v0::detail
