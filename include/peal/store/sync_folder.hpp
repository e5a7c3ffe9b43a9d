// SPDX-License-Identifier: MIT
// A file that was made survives the loss of power only once its folder was synced.
#pragma once

#include <peal/store/store_error.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>

#ifndef _WIN32
#include <unistd.h>
#endif

namespace peal::inline v0 {

/// Syncs the folder that a file is in; on Windows there is nothing to do.
/// Errors: store_error `io`; `place` is for its message. A file system that cannot sync folders is taken as it is.
inline void sync_folder_of(const std::string& file, std::string_view place) {
#ifdef _WIN32
  (void)file;
  (void)place;
#else
  const std::size_t slash = file.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : file.substr(0, slash + 1);
  std::FILE* const handle = std::fopen(folder.c_str(), "re");
  const bool synced = handle != nullptr && (::fsync(::fileno(handle)) == 0 || errno == EINVAL);
  const int problem = errno;
  if (handle != nullptr) (void)std::fclose(handle);
  if (!synced) {
    throw store_error(store_errc::io, place, "sync the folder " + folder, std::system_category().message(problem));
  }
#endif
}

}  // namespace peal::inline v0
