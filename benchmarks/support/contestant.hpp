// SPDX-License-Identifier: MIT
// What peal and its rivals have in common, so that one loop drives them all.
//
// A contestant is a type with a description `about` and a template
//
//     template <class E, class Sink> class lane {
//       lane(const shape&, std::vector<Sink>& sinks);   // starts consumers; each calls a sink of its own, `sink(const E&)`
//       class producer;                                 // one a publishing thread: publish(E&&)
//       producer make_producer();
//       void finish();                                  // producers are gone: returns when all is handled
//     };
//
// Handlers are inlined wherever the contestant lets them be: each rival stands here at its best.
#pragma once

#include <cstddef>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace bench {

struct shape {
  unsigned producers = 1;
  unsigned consumers = 1;
  std::size_t capacity = 4096;  ///< of those that have one
};

enum class order {
  one,           ///< one order of all events
  per_producer,  ///< each producer's own only
};

struct description {
  const char* name;
  const char* lacks = "";  ///< what it does not promise and peal does
  order keeps = order::one;
  unsigned max_producers = 64;
  unsigned max_consumers = 64;
  bool handlers_in_turn = false;  ///< however many threads there are, one handler sees all, in order

  [[nodiscard]] constexpr bool fits(const shape& s) const {
    return s.producers <= max_producers && s.consumers <= max_consumers;
  }
};

/// A list of contestants; `each` calls `f(std::type_identity<X>{})` for every one.
template <class... Xs>
struct contestants {};
template <class F, class... Xs>
void each(contestants<Xs...>, F&& f) {
  (f(std::type_identity<Xs>{}), ...);
}
template <class... As, class... Bs>
contestants<As..., Bs...> operator+(contestants<As...>, contestants<Bs...>) {
  return {};
}

/// The consumer threads of a hand-made lane; `join` may be called once its lane will give them no more.
class consumer_threads {
 public:
  consumer_threads() = default;
  consumer_threads(const consumer_threads&) = delete;
  consumer_threads& operator=(const consumer_threads&) = delete;
  ~consumer_threads() { join(); }

  template <class Body, class Sink>
  void start(std::vector<Sink>& sinks, Body body) {
    for (Sink& sink : sinks) threads_.emplace_back([body, &sink] { body(sink); });
  }
  void join() {
    for (std::thread& t : threads_) t.join();
    threads_.clear();
  }
  [[nodiscard]] std::size_t size() const { return threads_.size(); }

 private:
  std::vector<std::thread> threads_;
};

}  // namespace bench
