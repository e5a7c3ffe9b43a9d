// SPDX-License-Identifier: MIT
// Several lambdas as one overload set: a handler of several event types.
#pragma once

namespace peal::inline v0 {

/// Calls whichever of its functions takes the argument.
/// Example: `peal::overloaded{[](const order_placed&) {…}, [](const order_cancelled&) {…}}`
template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
overloaded(Fs...) -> overloaded<Fs...>;

}  // namespace peal::inline v0
