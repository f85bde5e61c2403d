/* SPDX-License-Identifier: MIT */
/*
 * Starting guests and looking at their lives; see guest_power.h.
 */
#include "dom0-tools/lib/guest_power.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int guest_start(struct toolstack *t, struct guest_config *g, const struct guest_start *how,
                uint32_t *domid, struct failure *why)
{
    struct failure undo;

    if (guest_create(t, g, how->host, domid, why) != 0)
        return -1;
    if (how->prepare != NULL && how->prepare(how->arg, g, *domid, why) != 0)
        ;
    else if (!how->paused && hv_unpausedomain(t->hv, (uint16_t)*domid) != 0)
        fail(why, errno, "cannot unpause domain %u: %s", *domid, strerror(errno));
    else
        return 0;
    if (guest_destroy(t, *domid, &undo) != 0) {
        fail_prefix(&undo, "%.300s; and ", why->text);
        undo.error = why->error;
        *why = undo;
    }
    return -1;
}

enum guest_life guest_life(struct hv *hv, uint32_t domid, struct hv_dominfo *info)
{
    struct hv_dominfo mine;

    if (info == NULL)
        info = &mine;
    if (hv_getdomaininfo(hv, (uint16_t)domid, info) != 0 || info->dying)
        return GUEST_GONE;
    return info->shutdown ? GUEST_STOPPED : GUEST_ALIVE;
}

time_t guest_started(struct store *s, uint32_t domid)
{
    const time_t now = time(NULL);
    struct timespec up;
    char *vm, *start = NULL;
    time_t began;

    if (domid == 0) {
        clock_gettime(CLOCK_BOOTTIME, &up);
        return now - up.tv_sec;
    }
    vm = store_readf(s, STORE_NO_TX, "/local/domain/%u/vm", domid);
    if (vm != NULL)
        start = store_readf(s, STORE_NO_TX, "%s/start_time", vm);
    began = start != NULL ? (time_t)strtoll(start, NULL, 10) : now;
    free(vm);
    free(start);
    return began < now ? began : now;
}

void guest_memory(struct store *s, const struct hv_dominfo *d, uint64_t *max_kib,
                  uint64_t *target_kib)
{
    /* the hypervisor's limit has a little more in it than the guest was promised */
    if (store_read_u64(s, STORE_NO_TX, max_kib, "/local/domain/%u/memory/static-max", d->domid) !=
        0)
        *max_kib = d->max_pages * 4;
    if (store_read_u64(s, STORE_NO_TX, target_kib, "/local/domain/%u/memory/target", d->domid) != 0)
        *target_kib = d->tot_pages * 4;
}
