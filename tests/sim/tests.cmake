# SPDX-License-Identifier: ISC
# Whole networks, each made from a seed.
add_executable(sim sim/main.c sim/world.c sim/acts.c sim/host.c sim/peers.c sim/link.c sim/attacker.c sim/ledger.c
                   sim/nonces.c sim/secrets.c sim/cipher.c sim/memory.c sim/clock.c sim/report.c)
vpn_compile(sim NO_FRAMES)
target_compile_definitions(sim PRIVATE _POSIX_C_SOURCE=200809L)
target_include_directories(sim PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(sim PRIVATE scenario_net PkgConfig::VPN_SODIUM)
target_link_options(sim PRIVATE -Wl,--wrap=vpn_key_public)
# Each world has at least 40,000 events; the two together are over ten million.
add_test(NAME sim/fixed COMMAND sim --seed 1 --seeds 130)
add_test(NAME sim/fresh COMMAND sim --fresh --seeds 130)
add_test(NAME sim/selftest COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/sim/selftest.sh $<TARGET_FILE:sim>)
add_test(NAME sim/few COMMAND sim --seed 1000 --seeds 12 --events 10000)
vpn_test_setup(sim/fixed sim 600)
vpn_test_setup(sim/fresh sim 600)
vpn_test_setup(sim/selftest sim 300)
# So few that they also run under the sanitizers.
vpn_test_setup(sim/few scenario 300)
