// SPDX-License-Identifier: MIT
// Overflows a signed integer. Only UndefinedBehaviorSanitizer ends this program with a report.
#include <limits>

int main(int argc, char**) {
  const volatile int largest = std::numeric_limits<int>::max();
  const int sum = largest + argc;
  return sum == 0 ? 1 : 0;
}
