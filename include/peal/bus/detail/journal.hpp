// SPDX-License-Identifier: MIT
// The journal of a bus: one commit brings the events of all durable topics to the store, and how far everybody has come.
#pragma once

#include <peal/bus/detail/claim_words.hpp>
#include <peal/bus/detail/durable_topic.hpp>
#include <peal/bus/detail/effect_marks.hpp>
#include <peal/bus/detail/timer_words.hpp>
#include <peal/bus/durability.hpp>
#include <peal/bus/retention.hpp>
#include <peal/bus/rewind.hpp>
#include <peal/store/wall_clock.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace peal::inline v0::detail {

class schedule;

/// A subscription as the store knows it.
struct kept_cursor {
  std::string name;
  durable_topic* topic = nullptr;
  const subscription_base* recalled_for = nullptr;  ///< and does not stand yet
  const subscription_base* sits = nullptr;          ///< null: it does not stand now, and `wanted` is where it goes on
  bool durable = true;                              ///< false: only watched while it stands
  bool known = false;                               ///< the store has `stored`
  position wanted = 0;
  position stored = 0;
  position began = 0;                     ///< in this life
  position replay_end = 0;                ///< the store knows that deliveries before it are repeated; 0: none are
  bool replayed = false;                  ///< of a snapshot: all that was to be repeated has been
  std::shared_ptr<claim_words> claims{};  ///< null: it has none
  shared<pending_rows> rows{};            ///< null: it has not been recalled
};

/// Group commit: whatever has gathered since the last commit goes into the next.
///
/// Order: a snapshot takes the cursors first, then sees that no lane holds anything, then the heads of all topics; the
/// cursors are committed with or after every event before those heads. So what a handler has published is in the store
/// before its own event counts as handled, whatever is cut off. Words (about letters, then keys, then timers) are taken
/// between the cursors and the lanes: a word is said after what it speaks of was published, and before its delivery ends.
/// Thread safety: every call from any thread. `mutex_` is held through a commit, `cursors_mutex_` never.
class journal final : public bus_log {
 public:
  journal(store& kept, bus_base& bus);
  journal(const journal&) = delete;
  journal& operator=(const journal&) = delete;

  [[nodiscard]] store& stored_in() const noexcept { return store_; }
  void add(durable_topic& t) { topics_.push_back(&t); }
  /// Null for an event of another bus, or of a topic in memory.
  [[nodiscard]] const durable_topic* topic_of(event_id id) const noexcept {
    for (const durable_topic* t : topics_) {
      if (t->topic.gave(id)) return t;
    }
    return nullptr;
  }
  [[nodiscard]] const durable_topic* topic_number(std::size_t index) const noexcept {
    for (const durable_topic* t : topics_) {
      if (t->topic.index == index) return t;
    }
    return nullptr;
  }
  /// Takes what the store has of the topics, once they are all there. Errors: store_error, decode_error.
  void begin() {
    begin_life();
    for (durable_topic* t : topics_) t->begin();
  }

  void bring_timers(schedule& later);
  [[nodiscard]] timer_words& timers() noexcept { return timers_; }

  /// One commit; true when there may be more to do.
  bool work() noexcept;
  void flush() noexcept override;
  [[nodiscard]] std::vector<event_id> not_kept() const override;
  /// The end of this life, with every handler ended.
  void close() noexcept;
  /// The life before this one was cut off.
  [[nodiscard]] bool was_cut_off() const noexcept { return cut_off_; }
  /// One at a time runs what may end the process.
  [[nodiscard]] bool take_suspect() noexcept { return !suspect_runs_.exchange(true, std::memory_order_acq_rel); }
  void suspect_gone() noexcept { suspect_runs_.store(false, std::memory_order_release); }

  /// It waits for a better moment, or for ever.
  [[nodiscard]] bool rests() const noexcept { return rests_.load(std::memory_order_acquire); }
  [[nodiscard]] bool has_failed() const noexcept override { return failed_.load(std::memory_order_acquire); }
  /// For one who polls and waits.
  [[nodiscard]] static time_point next_try(time_point now, time_point until) noexcept {
    return smaller(saturating_add(now, soon), until);
  }
  [[nodiscard]] event_count<>& news() noexcept { return news_; }
  [[nodiscard]] std::string failure() const {
    const std::lock_guard lock{cursors_mutex_};
    return !failure_.empty() || troubles_.empty() ? failure_ : troubles_.front().what;
  }
  [[nodiscard]] bool is_well() const noexcept override { return !unwell_.load(std::memory_order_relaxed); }
  /// What a reader of the past, or who brings events out of the store, has met, until it is met no more.
  void note_trouble(const void* of, std::string_view who, std::string_view what) noexcept;
  void trouble_over(const void* of) noexcept;

  // Subscriptions.

  void recall(durable_topic& t, subscription_base& s, bool dropping);
  void forget(const subscription_base& s) noexcept;
  void sits(const subscription_base& s, position at, bool durable) noexcept;
  void leaves(const subscription_base& s) noexcept;
  void redrive_marked(durable_topic& t, const subscription_base& s) noexcept;
  void rewind(const std::string& name, const start_at& where);

  /// Of a subscription, out of the store the first time. Errors: store_error, bad_alloc.
  effect_marks& marks_of(const durable_topic& t, std::string_view subscription);

  /// An event that this program cannot read becomes a letter in the store, once. Errors: store_error, bad_alloc.
  void bury_undecodable(durable_topic& t, std::string_view subscription, const stored_event& e, std::string_view why);

  [[nodiscard]] durability_report report() const;
  void retain(const durable_topic& t, const retention& r);
  void compact(const durable_topic& t, const compaction& c);

 private:
  struct trimming {
    const durable_topic* topic;
    retention keeps;
    bool by_key = false;     ///< the newest of each key stay
    bool compacted = false;  ///< in this life
    position reached = 0;    ///< up to there
  };
  struct trouble {
    const void* of;
    std::string what;
  };
  struct letter_mark {
    const durable_topic* topic;
    std::uint64_t number;
  };
  struct snapshot {
    bool active = false;
    std::vector<position> heads{};
    std::vector<std::size_t> words{};
    std::vector<kept_cursor> cursors{};
  };
  static constexpr std::string_view scope = "peal.bus";
  static constexpr std::string_view end_mark = "ended well";
  static constexpr std::size_t most_events = 4096;
  static constexpr std::size_t most_trimmed = 4096;
  static constexpr std::size_t most_bytes = std::size_t{4} << 20U;
  static constexpr nanoseconds soon = std::chrono::milliseconds{20};
  static constexpr nanoseconds late = std::chrono::seconds{1};

  void begin_life();
  void take_redrives(std::vector<std::string>& stale);
  void give_origins(std::vector<std::string>& keys);
  void recall_claims(durable_topic& t, subscription_base& s);
  void recall_rows(durable_topic& t, subscription_base& s);
  void gather_rows();
  void recall_effects(durable_topic& t, subscription_base& s);
  std::shared_ptr<claim_words> words_of(const durable_topic& t, const subscription_base& s);
  static void remember(const durable_topic& t, subscription_base& s, byte_view key, time_point when);
  bool take_claims();
  void gather_claims();
  void clear_claims();
  void gather_timers();

  void look_up(durable_topic& t, kept_cursor& mine, beginning& b);
  void take_snapshot();
  [[nodiscard]] std::uint64_t given_up() const noexcept;
  [[nodiscard]] bool all_done() const noexcept;
  bool commit_some();
  void encode(const durable_topic& t, const stored_ops& ops, position p, const void* event);
  void gather(durable_topic& t);
  void gather_snapshot();
  void gather_marks();
  void gather_replays();
  void gather_gone_claims();
  void begin_in_past(durable_topic& t, kept_cursor& mine, const start_at& where);
  void describe_types();
  void gather_new_names();
  void new_names_known() noexcept;
  void write_letter(const durable_topic& t, const kept& l);
  void settle_views() noexcept;
  void committed() noexcept;
  void look_again_in(nanoseconds time) noexcept;
  void trim_some() noexcept;
  void trim_from_now_on(const trimming& one);
  [[nodiscard]] position old_and_many(const trimming& one, position first, position last, nanoseconds& wait) const;
  nanoseconds trim(const trimming& one);
  nanoseconds compact(trimming& one);
  [[nodiscard]] position lowest_cursor(const durable_topic& t) const;
  void fail(std::string_view why) noexcept;
  void note_failure(std::string_view what) noexcept;

  store& store_;
  bus_base& bus_;
  std::uint64_t epoch_ = 0;
  bool ended_well_ = false;  ///< the life before this one
  bool cut_off_ = false;
  std::atomic<bool> suspect_runs_{false};
  std::vector<durable_topic*> topics_;
  std::mutex mutex_;  // of what follows
  snapshot snap_{};
  store_batch batch_{};
  std::vector<position> reached_{};
  byte_buffer bytes_{};
  std::vector<std::size_t> ends_{};  // of what is in bytes_: of events (key, payload), then of letters (event, errors)
  std::vector<std::string> schemas_{};
  std::vector<own_claim> gone_claims_{};
  bool types_kept_ = false;
  std::vector<kept_cursor> new_names_{};
  nanoseconds wait_ = soon;
  struct alarm : timer_node {
    journal* owner = nullptr;
  } alarm_{};
  alarm trim_alarm_{};
  std::vector<trimming> trims_{};
  time_point trim_at_{};  ///< not before
  bool trim_armed_ = false;
  bool trim_fails_ = false;

  mutable std::mutex cursors_mutex_;  // of what follows
  std::vector<kept_cursor> cursors_;
  std::vector<std::unique_ptr<effect_marks>> marks_;  // each stays where it is
  std::vector<letter_mark> redrives_;                 // by number in each topic
  std::string failure_;                               ///< of commits
  std::vector<trouble> troubles_;

  timer_words timers_;
  std::atomic<bool> rests_{false};
  std::atomic<bool> failed_{false};
  std::atomic<bool> unwell_{false};
  event_count<> news_{barrier<>{}, spin_limit{0, 0}};
};

}  // namespace peal::inline v0::detail

#include <peal/bus/detail/journal_claims.hpp>
#include <peal/bus/detail/journal_cursors.hpp>
#include <peal/bus/detail/journal_marks.hpp>
#include <peal/bus/detail/journal_origins.hpp>
#include <peal/bus/detail/journal_pending.hpp>
#include <peal/bus/detail/journal_redrives.hpp>
#include <peal/bus/detail/journal_replays.hpp>
#include <peal/bus/detail/journal_report.hpp>
#include <peal/bus/detail/journal_timers.hpp>
#include <peal/bus/detail/journal_trim.hpp>
#include <peal/bus/detail/journal_work.hpp>
