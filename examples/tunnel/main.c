/* SPDX-License-Identifier: ISC */
/* vpn-tunnel: a WireGuard interface in user space, configured by wg(8). */
#include <stdio.h>

#include "../common/process.h"
#include "daemon.h"
#include "log.h"
#include "loop.h"
#include "options.h"
#include "uapi_socket.h"

enum { EXIT_FINE, EXIT_FAILED, EXIT_USAGE };

int main(int argc, char **argv)
{
    static loop l;
    options chosen;
    int signals;
    int failed;

    process_fill_descriptors();
    switch (options_read(&chosen, argc, argv)) {
    case OPTIONS_DONE:
        return fflush(stdout) == 0 ? EXIT_FINE : EXIT_FAILED;
    case OPTIONS_WRONG:
        return EXIT_USAGE;
    }
    log_setup(chosen.level, chosen.name);
    process_no_core();
    if (chosen.tun_fd < 0 && chosen.uapi_fd < 0 && uapi_socket_in_use(chosen.name))
        return EXIT_FAILED;
    if (!chosen.foreground) {
        daemon_close_inherited(chosen.tun_fd, chosen.uapi_fd);
        if (daemon_start() != 0)
            return EXIT_FAILED;
    }
    signals = daemon_signals(chosen.foreground);
    if (signals < 0)
        return EXIT_FAILED;
    failed = loop_open(&l, &chosen, signals);
    if (failed == 0) {
        daemon_prepare();
        failed = privileges_drop(&chosen.privileges, uapi_directory(l.uapi)) != 0 || flow_start(&l.flow) != 0 ||
                 privileges_close(&chosen.privileges) != 0;
    }
    if (failed == 0) {
        daemon_ready();
        log_verbose("ready, listening on port %u", l.flow.udp.port);
        failed = loop_run(&l);
    }
    loop_close(&l);
    return failed == 0 ? EXIT_FINE : EXIT_FAILED;
}
