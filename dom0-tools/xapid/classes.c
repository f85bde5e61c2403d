/* SPDX-License-Identifier: MIT */
/* classes: see classes.h. */
#include "dom0-tools/xapid/classes.h"

#include <stddef.h>

#include "dom0-tools/xapid/host.h"
#include "dom0-tools/xapid/vm.h"

const struct method *const classes[] = {
    session_methods,   host_methods, host_parts_methods, vm_methods, vm_metrics_methods,
    vm_device_methods, NULL,
};

int classes_open(const char *state, struct failure *why)
{
    if (host_open(state, why))
        return -1;
    return vm_open(state, why);
}

void classes_stop(void)
{
    vm_stop();
}

void classes_close(void)
{
    vm_close();
    host_close();
}
