// SPDX-License-Identifier: MIT
// The program: loads the library, shares a bus with it, checks what both saw.
#include <dlfcn.h>

#include <peal/version.hpp>

#include <cstdio>

#include "contract.hpp"

int main() {
  void* library = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::printf("%s\n", dlerror());
    return 1;
  }
  const auto entry = reinterpret_cast<plugin_entry>(dlsym(library, "plugin_main"));
  const int result = entry == nullptr ? 1 : entry(PEAL_VERSION);
  dlclose(library);
  return result;
}
