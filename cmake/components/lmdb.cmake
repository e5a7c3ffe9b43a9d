# SPDX-License-Identifier: MIT
# peal::lmdb: a store in LMDB, the fast one. LMDB has no CMake package: its header and library are looked for here.
if(NOT TARGET peal_lmdb_library)
  find_path(PEAL_LMDB_INCLUDE_DIR lmdb.h)
  find_library(PEAL_LMDB_LIBRARY lmdb)
  mark_as_advanced(PEAL_LMDB_INCLUDE_DIR PEAL_LMDB_LIBRARY)
  if(PEAL_LMDB_INCLUDE_DIR AND PEAL_LMDB_LIBRARY)
    add_library(peal_lmdb_library INTERFACE IMPORTED GLOBAL)
    target_include_directories(peal_lmdb_library SYSTEM INTERFACE ${PEAL_LMDB_INCLUDE_DIR})
    target_link_libraries(peal_lmdb_library INTERFACE ${PEAL_LMDB_LIBRARY})
  endif()
endif()
include(${CMAKE_CURRENT_LIST_DIR}/../component.cmake)
peal_component(lmdb LIBRARY peal_lmdb_library PACKAGE "LMDB (Debian: liblmdb-dev)")
