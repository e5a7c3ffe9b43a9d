// SPDX-License-Identifier: MIT
// Requests that wait for their reply, without the types of query and reply: who waits, who answers, who came too late.
#pragma once

#include <peal/bus/asking.hpp>
#include <peal/bus/subscription.hpp>
#include <peal/core/error.hpp>
#include <peal/detail/shared.hpp>
#include <peal/pattern/request_result.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace peal::inline v0::detail {

class pending_table;

/// One request. Whoever holds it counts: the asker, its timer, and the event's copies together.
///
/// Memory order: `state` orders everything: who moves it from waiting to writing writes the rest and gives it over by
/// [answered].
struct pending : asking_timer {
  static constexpr std::uint32_t waiting = 0;    ///< for a reply; a thread may sleep on `answered`
  static constexpr std::uint32_t suspended = 1;  ///< the same; `resume(frame)` is called
  static constexpr std::uint32_t writing = 2;    ///< a reply is being written
  static constexpr std::uint32_t over = 3;       ///< answered, or known to stay without
  static constexpr std::uint32_t left = 4;       ///< nobody waits any more

  explicit pending(pending_table& t) noexcept : table{t} {}
  virtual ~pending() = default;
  virtual void clear() noexcept = 0;

  pending_table& table;
  std::atomic<std::uint32_t> state{waiting};
  std::atomic<std::uint32_t> copies{0};  ///< of its event
  std::atomic<std::uint32_t> holders{0};
  event_count<> answered{barrier<>{}, spin_limit{100, 16, 0, 8}};
  time_point until{};
  std::uint64_t responder = 0;  ///< which one stood when it was asked
  request_errc error{};
  bool ok = false;
  bool timed = false;  ///< its timer has been armed
  std::string text{};  ///< of the answer
  bool ran = false;    ///< a run of the responder has failed; this and `note` are those of whoever has the event
  std::string note{};  ///< what that said
  void* frame = nullptr;
  void (*resume)(void*) = nullptr;
  pending* next_free = nullptr;
};

/// All requests of one query type of one bus, and its one responder.
///
/// Capacity: bus_options::max_requests askers at once; those who have gone leave room, and their queries hold a place here
/// until their topic is done with them. Thread safety: any thread; no user code runs under its lock.
class pending_table {
 public:
  using maker = std::unique_ptr<pending> (*)(pending_table&);

  pending_table(const asking_place& at, maker make) : here{at}, make_{make}, most_{at.max_requests()} {}

  // ---- the responder ----

  /// Null, or the name of the one that stands.
  /// Errors: bad_alloc.
  [[nodiscard]] std::string take_seat(const std::string& name) {
    const std::lock_guard lock{mutex_};
    if (!responder_.empty()) return responder_;
    responder_ = name.empty() ? std::string("(no name)") : name;
    return {};
  }
  /// The one that has taken the seat stands.
  void stands(subscription::meter responder) {
    {
      const std::lock_guard lock{mutex_};
      meter_ = std::move(responder);
      ++responders_;
    }
    standing.store(true, std::memory_order_seq_cst);
  }
  void give_seat() noexcept {
    standing.store(false, std::memory_order_seq_cst);
    const std::lock_guard lock{mutex_};
    responder_.clear();
  }

  /// The one that stood when the query was asked stands still.
  [[nodiscard]] bool still_stands(const pending& p) const noexcept {
    if (!standing.load(std::memory_order_seq_cst)) return false;
    const std::lock_guard lock{mutex_};
    return p.responder == responders_ && !meter_.stopping();
  }

  // ---- requests ----

  /// Held by its asker; null when too many wait.
  pending* take() {
    const std::lock_guard lock{mutex_};
    if (askers_.load(std::memory_order_relaxed) >= most_) return nullptr;
    pending* p = free_;
    if (p != nullptr) {
      free_ = p->next_free;
    } else {
      all_.push_back(nullptr);
      try {
        all_.back() = make_(*this);
      } catch (...) {
        all_.pop_back();
        throw;
      }
      p = all_.back().get();
    }
    askers_.fetch_add(1, std::memory_order_relaxed);
    p->state.store(pending::waiting, std::memory_order_relaxed);
    p->holders.store(1, std::memory_order_relaxed);
    p->responder = responders_;
    p->ok = p->timed = p->ran = false;
    p->text.clear();
    p->note.clear();
    return p;
  }
  void release(pending& p) noexcept {
    if (p.holders.fetch_sub(1, std::memory_order_acq_rel) != 1) return;  // [held]
    p.clear();
    const std::lock_guard lock{mutex_};
    p.next_free = free_;
    free_ = &p;
  }
  void asker_gone(pending& p) noexcept {
    askers_.fetch_sub(1, std::memory_order_relaxed);
    release(p);
  }

  /// `write()` where somebody still waits, who is then woken or resumed; false: nobody does.
  template <class Write>
  bool complete(pending& p, Write&& write) noexcept {
    std::uint32_t seen = p.state.load(std::memory_order_acquire);
    do {
      if (seen >= pending::writing) return false;
    } while (!p.state.compare_exchange_weak(seen, pending::writing, std::memory_order_acq_rel));
    write();
    void* const frame = p.frame;
    void (*const resume)(void*) = p.resume;
    if (p.timed && here.cancel(p)) release(p);                // the caller holds it as well
    p.state.store(pending::over, std::memory_order_seq_cst);  // [answered]
    if (seen == pending::suspended) {
      resume(frame);
    } else {
      p.answered.notify_all(side::rare);
    }
    return true;
  }
  bool fail(pending& p, request_errc why, std::string&& text = {}) noexcept {
    return complete(p, [&] {
      p.ok = false;
      p.error = why;
      p.text = std::move(text);
    });
  }

  /// The last copy of its event is gone.
  void unanswered(pending& p) noexcept;

  /// The asker goes. False: an answer is there, or about to be.
  bool leave(pending& p) noexcept {
    std::uint32_t seen = p.state.load(std::memory_order_acquire);
    do {
      if (seen == pending::writing || seen == pending::over) return false;
    } while (!p.state.compare_exchange_weak(seen, pending::left, std::memory_order_acq_rel));
    if (p.timed && here.cancel(p)) release(p);
    return true;
  }
  static void await_over(const pending& p) noexcept {
    while (p.state.load(std::memory_order_acquire) != pending::over) native_atomics::yield();  // pairs with [answered]
  }

  /// From now on it is over at `p.until`, whoever waits.
  void start_timer(pending& p) noexcept {
    p.timed = true;
    p.holders.fetch_add(1, std::memory_order_relaxed);
    p.fire = [](timer_node& node) noexcept {
      pending& mine = static_cast<pending&>(node);
      mine.table.here.later(mine);
    };
    p.run = [](late_node& node) noexcept {
      pending& mine = static_cast<pending&>(node);
      if (mine.table.fail(mine, request_errc::timed_out)) mine.table.timed_out.fetch_add(1, std::memory_order_relaxed);
      mine.table.release(mine);
    };
    here.arm(p, p.until);
  }

  [[nodiscard]] std::size_t askers() const noexcept { return askers_.load(std::memory_order_relaxed); }

  const asking_place here;
  std::atomic<bool> standing{false};         ///< a responder stands
  std::atomic<std::uintptr_t> answering{0};  ///< the thread that its one handler runs on
  std::atomic<std::uint64_t> asked{0};
  std::atomic<std::uint64_t> replied{0};
  std::atomic<std::uint64_t> timed_out{0};
  std::atomic<std::uint64_t> late{0};

 private:
  const maker make_;
  const std::size_t most_;
  mutable std::mutex mutex_;
  std::string responder_;
  std::uint64_t responders_ = 0;  // that have stood so far
  subscription::meter meter_{};   // of the one that stands
  std::vector<std::unique_ptr<pending>> all_;
  pending* free_ = nullptr;
  std::atomic<std::size_t> askers_{0};
};

inline void pending_table::unanswered(pending& p) noexcept {
  request_errc why = request_errc::failed;
  std::string text = std::move(p.note);
  if (p.ran) {
    why = request_errc::failed;
  } else if (here.ended()) {
    why = request_errc::closing;
  } else if (here.now() >= p.until) {
    why = request_errc::timed_out;
  } else if (!still_stands(p)) {
    why = request_errc::no_responder;
  } else {
    try {
      text = "the query was not handled: a policy of its responder has let it go";
    } catch (...) {  // without memory it says less
    }
  }
  if (fail(p, why, std::move(text)) && why == request_errc::timed_out) {
    timed_out.fetch_add(1, std::memory_order_relaxed);
  }
}

/// A copy of the event of a request. When the last one is gone nobody can answer any more.
class ticket {
 public:
  ticket() noexcept = default;
  explicit ticket(pending& p) noexcept : pending_{&p} {
    p.copies.store(1, std::memory_order_relaxed);
    p.holders.fetch_add(1, std::memory_order_relaxed);
  }
  ticket(const ticket& other) noexcept : pending_{other.pending_} {
    if (pending_ != nullptr) pending_->copies.fetch_add(1, std::memory_order_relaxed);
  }
  ticket(ticket&& other) noexcept : pending_{std::exchange(other.pending_, nullptr)} {}
  ticket& operator=(ticket other) noexcept {
    std::swap(pending_, other.pending_);
    return *this;
  }
  ~ticket() { let_go(); }

  void let_go() noexcept {
    pending* const p = std::exchange(pending_, nullptr);
    if (p == nullptr || p->copies.fetch_sub(1, std::memory_order_acq_rel) != 1) return;  // [copies]
    p->table.unanswered(*p);
    p->table.release(*p);
  }
  [[nodiscard]] pending* get() const noexcept { return pending_; }

 private:
  pending* pending_ = nullptr;
};

/// A responder's claim to be the only one, as long as its handler lives.
class responder_seat {
 public:
  responder_seat() noexcept = default;
  explicit responder_seat(shared<pending_table> table) noexcept : table_{std::move(table)} {}
  responder_seat(responder_seat&&) noexcept = default;
  responder_seat& operator=(responder_seat&&) = delete;
  ~responder_seat() {
    if (table_ != nullptr) table_->give_seat();
  }
  [[nodiscard]] pending_table& table() const noexcept { return *table_; }

 private:
  shared<pending_table> table_;
};

}  // namespace peal::inline v0::detail
