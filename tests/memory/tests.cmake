# SPDX-License-Identifier: ISC
# Secrets and memory: what Valgrind, a scanner of stacks and a miserly allocator have to say.

find_path(VPN_MEMCHECK_H valgrind/memcheck.h)
mark_as_advanced(VPN_MEMCHECK_H)
if(VPN_MEMCHECK_H AND NOT VPN_SANITIZE AND NOT VPN_COVERAGE AND CMAKE_DL_LIBS)
  add_executable(memory_ct memory/ct_main.c memory/ct_cases.c memory/ct_public.c)
  vpn_compile(memory_ct NO_FRAMES)
  target_include_directories(memory_ct PRIVATE ${PROJECT_SOURCE_DIR}/lib ${CMAKE_CURRENT_SOURCE_DIR} ${VPN_MEMCHECK_H})
  target_link_libraries(memory_ct PRIVATE vpn_static PkgConfig::VPN_SODIUM PkgConfig::CHECK ${CMAKE_DL_LIBS})
endif()
if(NOT VPN_SANITIZE AND NOT VPN_COVERAGE)
  add_test(NAME memory/ct COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/memory/ct.sh ${CMAKE_CURRENT_BINARY_DIR}/memory_ct)
  vpn_test_setup(memory/ct ct 300)
endif()

# tests/memory/NAME_test.c
function(vpn_memory_test name)
  vpn_check_program(memory_${name} memory/${name}_test.c ${ARGN})
  add_test(NAME memory/${name} COMMAND memory_${name})
  vpn_test_setup(memory/${name} scenario 300)
endfunction()

vpn_memory_test(differential)

# For valgrind.sh, which tests/run.sh calls: it would take longer than all other tests here.
if(NOT VPN_SANITIZE AND NOT VPN_COVERAGE)
  add_executable(memory_planted memory/planted.c)
  vpn_compile(memory_planted NO_FRAMES)
endif()

# Sanitizers have an allocator of their own, which nobody can stand before.
if(NOT VPN_SANITIZE)
  vpn_memory_test(data_path)
  target_sources(memory_data_path PRIVATE memory/heap.c)
  target_link_libraries(memory_data_path PRIVATE ${CMAKE_DL_LIBS})
endif()

vpn_memory_test(failures scenario_net)
target_sources(memory_failures PRIVATE memory/failures_bodies.c)

# Frames are what the compiler makes of them, so only builds as they are shipped tell.
if(NOT VPN_SANITIZE AND NOT VPN_COVERAGE AND NOT APPLE)
  find_package(Threads REQUIRED)
  vpn_memory_test(stack Threads::Threads)
  target_sources(memory_stack PRIVATE memory/stack.c memory/stack_wraps.c)
  target_link_options(memory_stack PRIVATE LINKER:-z,now)
  foreach(wrapped crypto_scalarmult_curve25519 crypto_scalarmult_curve25519_base
                  crypto_aead_chacha20poly1305_ietf_encrypt crypto_aead_chacha20poly1305_ietf_decrypt vpn_hkdf)
    target_link_options(memory_stack PRIVATE LINKER:--wrap=${wrapped})
  endforeach()
endif()
