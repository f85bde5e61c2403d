/* SPDX-License-Identifier: MIT
 *
 * Debug keys: typed on the serial line after three Ctrl-A, or sent by `xl debug-keys`. The table is
 * filled at boot and only read afterwards.
 */
#include "dev/console.h"
#include "dom/domain.h"
#include "x86/irq.h"
#include <xen/sched.h>

static struct {
    const char *what;
    void (*fn)(void);
} keys[128];

void console_add_key(char key, const char *what, void (*fn)(void))
{
    ASSERT(key > 0 && !keys[(unsigned)key].fn);
    keys[(unsigned)key].what = what;
    keys[(unsigned)key].fn = fn;
}

static void help(void)
{
    for (unsigned k = 0; k < ARRAY_SIZE(keys); k++)
        if (keys[k].fn)
            log_info("key '%c': %s", (char)k, keys[k].what);
}

static void reboot(void)
{
    machine_shutdown(SHUTDOWN_reboot);
}

void console_add_own_keys(void)
{
    console_add_key('h', "show this help", help);
    console_add_key('i', "show interrupt sources", irq_dump);
    console_add_key('R', "reboot the machine", reboot);
}

void console_run_key(char key)
{
    if (key > 0 && keys[(unsigned)key].fn) {
        log_info("key '%c': %s", key, keys[(unsigned)key].what);
        keys[(unsigned)key].fn();
    } else {
        log_info("no such key; 'h' shows them");
    }
}
