# SPDX-License-Identifier: ISC
# Libraries, headers, pkg-config file and CMake package. Everything goes on working when the prefix is moved.
include(CMakePackageConfigHelpers)

set(vpn_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/vpn)
get_property(vpn_provider_libraries GLOBAL PROPERTY vpn_provider_libraries)
install(TARGETS vpn vpn_static ${vpn_provider_libraries} EXPORT vpnTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/vpn DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# An absolute libdir or includedir is the packager's wish; a relative one is found from where vpn.pc lies.
file(RELATIVE_PATH vpn_pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" vpn_pc_prefix "${vpn_pc_prefix}")
set(vpn_pc_prefix "\${pcfiledir}/${vpn_pc_prefix}")
foreach(dir LIBDIR INCLUDEDIR)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
    set(vpn_pc_${dir} ${CMAKE_INSTALL_${dir}})
    set(vpn_pc_prefix ${CMAKE_INSTALL_PREFIX})
  else()
    set(vpn_pc_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
  endif()
endforeach()
configure_file(cmake/vpn.pc.in vpn.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/vpn.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
get_property(vpn_provider_packages GLOBAL PROPERTY vpn_provider_packages)
foreach(package ${vpn_provider_packages})
  string(REPLACE "|" ";" package "${package}")
  list(GET package 0 vpn_pc_name)
  list(GET package 1 vpn_pc_private)
  list(GET package 2 vpn_pc_flags)
  configure_file(cmake/vpn-provider.pc.in vpn-${vpn_pc_name}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/vpn-${vpn_pc_name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

install(EXPORT vpnTargets NAMESPACE vpn:: DESTINATION ${vpn_package_dir})
configure_package_config_file(cmake/vpnConfig.cmake.in vpnConfig.cmake INSTALL_DESTINATION ${vpn_package_dir})
# Before 1.0 a new minor version may change the API, though not a symbol that shipped.
write_basic_package_version_file(vpnConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/vpnConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/vpnConfigVersion.cmake
        DESTINATION ${vpn_package_dir})
