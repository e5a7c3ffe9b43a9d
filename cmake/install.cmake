# SPDX-License-Identifier: MIT
# Installs the headers, the CMake package and the pkg-config file; nothing here depends on the machine's architecture.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(peal_cmake_dir ${CMAKE_INSTALL_DATADIR}/cmake/peal)

install(TARGETS peal EXPORT peal-targets FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT peal-targets NAMESPACE peal:: DESTINATION ${peal_cmake_dir})

configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/peal-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/peal-config.cmake
  INSTALL_DESTINATION ${peal_cmake_dir})
write_basic_package_version_file(
  ${CMAKE_CURRENT_BINARY_DIR}/peal-config-version.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/peal-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/peal-config-version.cmake
  DESTINATION ${peal_cmake_dir})
install(FILES ${CMAKE_CURRENT_LIST_DIR}/component.cmake ${CMAKE_CURRENT_LIST_DIR}/contract.cmake
  DESTINATION ${peal_cmake_dir})
foreach(component IN LISTS peal_components)
  install(TARGETS peal_${component} FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(FILES ${CMAKE_CURRENT_LIST_DIR}/components/${component}.cmake DESTINATION ${peal_cmake_dir}/components)
endforeach()

# The way from the .pc file's folder up to the prefix, so that the tree may be moved.
file(RELATIVE_PATH peal_up "/${CMAKE_INSTALL_DATADIR}/pkgconfig" "/")
configure_file(${CMAKE_CURRENT_LIST_DIR}/peal.pc.in ${CMAKE_CURRENT_BINARY_DIR}/peal.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/peal.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
