# SPDX-License-Identifier: ISC
# `cmake --build BUILD --target docs`: the reference of the public headers. What is undocumented there is an error.
find_package(Doxygen REQUIRED)
set(VPN_DOCS_OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/docs)
configure_file(docs/Doxyfile.in Doxyfile @ONLY)
add_custom_target(docs COMMAND ${CMAKE_COMMAND} -E make_directory ${VPN_DOCS_OUTPUT}
                  COMMAND Doxygen::doxygen ${CMAKE_CURRENT_BINARY_DIR}/Doxyfile
                  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM)
