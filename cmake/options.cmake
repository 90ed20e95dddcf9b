# SPDX-License-Identifier: ISC
# What can be chosen, and what each choice means for the compiler and the linker.

option(VPN_WERROR "Treat warnings as errors" OFF)
option(VPN_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(VPN_BUILD_EXAMPLES "Build the example programs" ${PROJECT_IS_TOP_LEVEL})
option(VPN_BUILD_DOCS "Add the target docs (needs Doxygen)" OFF)
option(VPN_KEYLOG "Let programs ask for the secrets of handshakes, to decrypt captures; never for production" OFF)
set(VPN_SECCOMP AUTO CACHE STRING "Filter the system calls of vpn-tunnel, by libseccomp: ON, OFF, or AUTO if it is there")
set_property(CACHE VPN_SECCOMP PROPERTY STRINGS AUTO ON OFF)
option(VPN_COVERAGE "Count which lines run" OFF)
set(VPN_TEST_FLAGS "" CACHE STRING "More compiler options for the tests alone, such as -O1 for a shorter build")
set(VPN_SANITIZE "" CACHE STRING "Sanitizers, such as address,undefined or thread")

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Kind of build" FORCE)
endif()

# Sanitizers and counters must be given to the linker of everything that the objects end up in.
function(vpn_link target)
  if(VPN_SANITIZE)
    target_link_options(${target} INTERFACE -fsanitize=${VPN_SANITIZE})
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "SHARED_LIBRARY")
      target_link_options(${target} PRIVATE -fsanitize=${VPN_SANITIZE})
    endif()
  endif()
  if(VPN_COVERAGE)
    target_link_options(${target} PUBLIC --coverage)
  endif()
endfunction()

# Language level and warnings of every target. NO_FRAMES: stack frames may be large, as in tests.
function(vpn_compile target)
  set_target_properties(${target} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes
                                           -Wmissing-prototypes -Wvla)
  if(VPN_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if("NO_FRAMES" IN_LIST ARGN)
    target_compile_options(${target} PRIVATE ${VPN_TEST_FLAGS})
  endif()
  if(VPN_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${VPN_SANITIZE} -fno-sanitize-recover=all
                                             -fno-omit-frame-pointer)
  elseif(NOT "NO_FRAMES" IN_LIST ARGN)
    target_compile_options(${target} PRIVATE -Wframe-larger-than=2048
                                             $<$<C_COMPILER_ID:GNU>:-Wstack-usage=2048>)
  endif()
  if(VPN_COVERAGE)
    # Threads that count beside each other would lose counts, and leave some below zero.
    target_compile_options(${target} PRIVATE --coverage -fprofile-update=atomic)
  endif()
endfunction()
