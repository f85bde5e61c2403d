/* SPDX-License-Identifier: MIT */
/* domain: see domain.h. */
#include "dom0-tools/lib/domain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_EVTCHN_PORT  1023u
#define DEFAULT_GRANT_FRAMES 64
#define DEFAULT_MAPTRACK     1024
#define MAX_MEM_SLACK_KIB    1024u /* what Xen's own tools allow over a guest's memory */
#define LIST_STEP            256u

static int choose_grant_version(struct hv *hv, unsigned wanted, uint32_t *version,
                                struct failure *why)
{
    struct hv_physinfo info;

    if (hv_physinfo(hv, &info) < 0)
        return fail(why, errno, "cannot ask the hypervisor what it offers: %s", strerror(errno));
    if (!(info.capabilities & HV_CAP_PV))
        return fail(why, ENOTSUP, "this hypervisor offers no PV guests");
    if (wanted > 2)
        return fail(why, EINVAL, "there is no grant table version %u (1 and 2 exist)", wanted);
    *version = info.capabilities & HV_CAP_GNTTAB_V2 ? 2 : 1;
    if (wanted > *version)
        return fail(why, ENOTSUP, "this hypervisor has grant tables of version %u only", *version);
    if (wanted)
        *version = wanted;
    return 0;
}

static int set_limits(struct hv *hv, const struct domain_params *p, uint16_t domid,
                      struct failure *why)
{
    unsigned vcpus = p->max_vcpus ? p->max_vcpus : 1;

    if (hv_max_vcpus(hv, domid, vcpus) < 0)
        return fail(why, errno, "cannot give domain %u its %u vCPUs: %s", domid, vcpus,
                    strerror(errno));
    if (hv_max_mem(hv, domid, p->max_memory_kib + MAX_MEM_SLACK_KIB) < 0)
        return fail(why, errno, "cannot set the memory limit of domain %u: %s", domid,
                    strerror(errno));
    return 0;
}

int domain_create(struct hv *hv, const struct domain_params *p, uint16_t *domid,
                  struct failure *why)
{
    struct hv_create c = {
        .ssidref = p->ssidref,
        .max_vcpus = p->max_vcpus ? p->max_vcpus : 1,
        .max_evtchn_port = p->max_evtchn_port ? p->max_evtchn_port : DEFAULT_EVTCHN_PORT,
        .max_grant_frames = p->max_grant_frames ? p->max_grant_frames : DEFAULT_GRANT_FRAMES,
        .max_maptrack_frames = p->max_maptrack_frames ? p->max_maptrack_frames : DEFAULT_MAPTRACK,
        .cpupool = p->cpupool,
    };

    if (choose_grant_version(hv, p->max_grant_version, &c.grant_version, why) < 0)
        return -1;
    memcpy(c.handle, p->uuid, sizeof(c.handle));
    if (hv_createdomain(hv, &c) < 0)
        return fail(why, errno, "the hypervisor refuses a new domain with %u vCPUs: %s",
                    c.max_vcpus, strerror(errno));
    if (set_limits(hv, p, c.domid, why) < 0) {
        struct failure second;

        if (domain_destroy(hv, c.domid, &second) < 0) {
            fail_prefix(&second, "%.200s; and ", why->text);
            *why = second;
        }
        return -1;
    }
    *domid = c.domid;
    return 0;
}

int domain_destroy(struct hv *hv, uint16_t domid, struct failure *why)
{
    if (hv_destroydomain(hv, domid) == 0 || errno == ESRCH)
        return 0;
    return fail(why, errno, "cannot destroy domain %u: %s", domid, strerror(errno));
}

long domain_list(struct hv *hv, struct hv_dominfo **list)
{
    struct hv_dominfo *all = NULL;
    unsigned n = 0;

    for (;;) {
        struct hv_dominfo *more = realloc(all, (n + LIST_STEP) * sizeof(*all));
        int got = -1;

        if (more) {
            all = more;
            got = hv_getdomaininfolist(hv, n ? (uint16_t)(all[n - 1].domid + 1) : 0, all + n,
                                       LIST_STEP);
        }
        if (got < 0) {
            int saved = more ? errno : ENOMEM;

            free(all);
            errno = saved;
            return -1;
        }
        n += (unsigned)got;
        if ((unsigned)got < LIST_STEP)
            break;
    }
    *list = all;
    return n;
}
