// SPDX-License-Identifier: MIT
// What a user's first program would be; each way to get peal builds and runs it.
#include <peal/version.hpp>

#include <cstdio>

int main() {
  std::printf("peal %d.%d.%d\n", peal::version_major, peal::version_minor, peal::version_patch);
  return 0;
}
