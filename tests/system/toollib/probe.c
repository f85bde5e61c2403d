/* SPDX-License-Identifier: MIT */
/*
 * toollib_probe: every call of the toolstack's library once, against the hypervisor this dom0 runs
 * on. What can be known is checked (what was set is read back, impossible things are refused with
 * the right error), the rest is printed. Makes one empty domain and one with a little memory, and
 * destroys them. Exit status: 0 when every check held.
 */
#include "dom0-tools/lib/domain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xen/grant_table.h>
#include <xen/xen.h>

static unsigned passed, failed;

static void check(bool good, const char *what, int line)
{
    if (good)
        passed++;
    else
        failed++;
    if (!good)
        printf("FAILED line %d: %s (errno %d %s)\n", line, what, errno, strerror(errno));
}
#define CHECK(x) check((x), #x, __LINE__)
/* The call fails, with this error. */
#define REFUSED(x, e) \
    check((errno = 0, (x) < 0) && errno == (e), #x " is refused with " #e, __LINE__)

static void probe_version(struct hv *hv)
{
    struct hv_version v;
    uint32_t features = 0;

    CHECK(hv_get_version(hv, &v) == 0);
    CHECK(v.major == 4 && v.minor == 17);
    CHECK(v.page_size == 4096);
    CHECK(v.virt_start == 0xffff800000000000ull);
    CHECK(strstr(v.capabilities, "xen-3.0-x86_64") != NULL);
    printf("Xen %u.%u%s (%s, %s@%s, %s) caps '%s' changeset '%s' line '%s' id '%s'\n", v.major,
           v.minor, v.extra, v.compiler, v.compile_by, v.compile_domain, v.compile_date,
           v.capabilities, v.changeset, v.commandline, v.build_id);
    CHECK(hv_get_features(hv, 0, &features) == 0);
    CHECK((features & 1u << 5) && (features & 1u << 7) && (features & 1u << 11));
    printf("features %#x\n", features);
}

static void probe_machine(struct hv *hv)
{
    struct hv_physinfo p = {0};
    struct hv_cputopo cpus[64] = {{77, 77, 77}};
    struct hv_numanode nodes[4] = {{0}};
    uint32_t distance[16] = {0}, scheduler = 0;
    uint64_t freed = 1, used = 1, frames = 0;
    int n;

    CHECK(hv_physinfo(hv, &p) == 0);
    CHECK(p.nr_cpus >= 1 && p.max_cpu_id + 1 >= p.nr_cpus && p.cpu_khz > 1000);
    CHECK(p.total_pages > p.free_pages && p.max_mfn >= p.total_pages / 2);
    CHECK(p.capabilities & HV_CAP_PV && p.capabilities & HV_CAP_GNTTAB_V1);
    printf("cpus %u khz %u pages %" PRIu64 " free %" PRIu64 " caps %#x max_mfn %#" PRIx64 "\n",
           p.nr_cpus, p.cpu_khz, p.total_pages, p.free_pages, p.capabilities, p.max_mfn);
    n = hv_cputopo(hv, NULL, 0);
    CHECK(n == (int)p.max_cpu_id + 1);
    CHECK(hv_cputopo(hv, cpus, 64) == n);
    CHECK(cpus[0].core != 77 && cpus[0].node != 77); /* QEMU's lone CPU may have none of them */
    printf("cpu 0: core %u socket %u node %u\n", cpus[0].core, cpus[0].socket, cpus[0].node);
    CHECK(hv_numainfo(hv, NULL, NULL, 0) >= 1);
    CHECK(hv_numainfo(hv, nodes, distance, 4) >= 1);
    CHECK(nodes[0].size >= p.total_pages * 4096 / 2 && nodes[0].free <= nodes[0].size);
    printf("node 0: %" PRIu64 " MiB, %" PRIu64 " free, distance %u\n", nodes[0].size >> 20,
           nodes[0].free >> 20, distance[0]);
    CHECK(hv_scheduler_id(hv, &scheduler) == 0);
    printf("scheduler %u %s\n", scheduler, hv_scheduler_name(scheduler));
    CHECK(hv_sharing_counts(hv, &freed, &used) == 0 && freed == 0 && used == 0);
    CHECK(hv_maximum_ram_page(hv, &frames) == 0 && frames > p.total_pages / 2);
}

static void probe_pools(struct hv *hv)
{
    struct hv_cpupool pool = {.id = 99};
    uint8_t free_cpus[32];

    CHECK(hv_cpupool_info(hv, 0, &pool) == 0 && pool.id == 0);
    CHECK(pool.cpus[0] & 1 && pool.n_domains >= 1);
    REFUSED(hv_cpupool_info(hv, 1, &pool), ENOENT);
    CHECK(hv_cpupool_free_cpus(hv, free_cpus) == 0 && !(free_cpus[0] & 1));
}

static void probe_console(struct hv *hv)
{
    char ring[65536];
    uint32_t index = 0;
    long n = hv_readconsole(hv, false, NULL, ring, sizeof(ring));

    CHECK(n > 0);
    n = hv_readconsole(hv, false, &index, ring, sizeof(ring));
    CHECK(n > 0 && index >= (uint32_t)n);
    CHECK(hv_debug_keys(hv, "t") == 0);
    CHECK(hv_readconsole(hv, false, &index, ring, sizeof(ring)) >= 0);
}

static void probe_policies(struct hv *hv, uint16_t domid)
{
    uint32_t n_leaves = 0, n_msrs = 0, n_words = 0, words[64];
    struct hv_cpuid_leaf *leaves;
    struct hv_policy_error bad;
    struct hv_msr *msrs;

    CHECK(hv_get_system_cpu_policy(hv, 4, NULL, &n_leaves, NULL, &n_msrs) == 0);
    CHECK(n_leaves > 0 && n_leaves < 1000);
    leaves = calloc(n_leaves, sizeof(*leaves));
    msrs = calloc(n_msrs + 1, sizeof(*msrs));
    CHECK(hv_get_system_cpu_policy(hv, 4, leaves, &n_leaves, msrs, &n_msrs) == 0);
    CHECK(leaves[0].leaf == 0 && leaves[0].a > 0);
    CHECK(hv_get_cpu_featureset(hv, 1, NULL, &n_words) == 0 && n_words > 0 && n_words <= 64);
    CHECK(hv_get_cpu_featureset(hv, 1, words, &n_words) == 0 && words[0] != 0);
    CHECK(hv_set_cpu_policy(hv, domid, leaves, n_leaves, NULL, 0, &bad) == 0);
    CHECK(hv_get_system_cpu_policy(hv, 4, NULL, &n_leaves, NULL, &n_msrs) == 0);
    CHECK(hv_get_cpu_policy(hv, domid, leaves, &n_leaves, msrs, &n_msrs) == 0);
    leaves[0].a = 0xfff; /* more leaves than the host has */
    REFUSED(hv_set_cpu_policy(hv, domid, leaves, n_leaves, NULL, 0, &bad), EINVAL);
    CHECK(bad.leaf == 0);
    free(leaves);
    free(msrs);
}

static void probe_limits(struct hv *hv, uint16_t domid)
{
    uint8_t handle[16] = "0123456789abcde";
    uint32_t mode = 9, khz, incarnation;
    uint16_t weight = 0, cap = 0;
    struct hv_dominfo d = {0};
    unsigned bits = 0;
    uint64_t elapsed;

    CHECK(hv_max_mem(hv, domid, 20 << 10) == 0);
    CHECK(hv_setdomainhandle(hv, domid, handle) == 0);
    CHECK(hv_getdomaininfo(hv, domid, &d) == 0);
    CHECK(d.domid == domid && d.paused && !d.dying && !d.shutdown && !d.hvm);
    CHECK(d.max_pages == 20 << 8 && d.tot_pages == 0 && d.max_vcpu_id == 1 && d.cpupool == 0);
    CHECK(memcmp(d.handle, handle, 16) == 0);
    CHECK(d.shared_info_frame != 0);
    CHECK(hv_get_address_size(hv, domid, &bits) == 0 && bits == 64);
    CHECK(hv_set_address_size(hv, domid, 64) == 0);
    CHECK(hv_settscinfo(hv, domid, 2, 0, 0, 0) == 0);
    CHECK(hv_gettscinfo(hv, domid, &mode, &khz, &incarnation, &elapsed) == 0 && mode == 2);
    if (hv_sched_credit2_get(hv, domid, &weight, &cap) == 0) {
        CHECK(weight == 256 && cap == 0);
        CHECK(hv_sched_credit2_set(hv, domid, 256, 0) == 0); /* Xen's tools always do */
        if (hv_sched_credit2_set(hv, domid, 512, 50) == 0)
            CHECK(hv_sched_credit2_get(hv, domid, &weight, &cap) == 0 && weight == 512 &&
                  cap == 50);
        else
            CHECK(errno == EOPNOTSUPP); /* a scheduler without weights says so */
    } else {
        printf("no credit2: %s\n", strerror(errno));
    }
    CHECK(hv_pausedomain(hv, domid) == 0);
    CHECK(hv_unpausedomain(hv, domid) == 0);
}

static void probe_vcpus(struct hv *hv, uint16_t domid)
{
    static uint8_t raw[HV_VCPU_CONTEXT_SIZE];
    uint8_t one[8] = {1}, got[8] = {0xee}, soft[8] = {0};
    struct hv_vcpuinfo v = {.online = true};

    CHECK(hv_getvcpuinfo(hv, domid, 0, &v) == 0 && !v.online && v.cpu_time_ns == 0);
    REFUSED(hv_getvcpuinfo(hv, domid, 77, &v), EINVAL);
    CHECK(hv_setvcpuaffinity(hv, domid, 1, one, NULL, 64) == 0);
    CHECK(hv_getvcpuaffinity(hv, domid, 1, got, soft, 64) == 0 && got[0] == 1);
    CHECK(hv_setnodeaffinity(hv, domid, one, 64) == 0);
    CHECK(hv_getnodeaffinity(hv, domid, got, 64) == 0 && got[0] & 1);
    REFUSED(hv_getvcpucontext(hv, domid, 0, raw), ENODATA);
    REFUSED(hv_getvcpucontext(hv, 0, 0, raw), EINVAL); /* the caller's own domain */
}

/* A page of zeroes is a valid, empty L4. What is set for a vCPU can be read back. */
static void probe_context(struct hv *hv, uint16_t domid, uint64_t frame)
{
    static struct vcpu_guest_context c, got;

    REFUSED(hv_setvcpucontext(hv, domid, 99, &c), EINVAL);
    c.flags = VGCF_in_kernel | VGCF_online;
    c.user_regs.rip = 0x123456;
    c.user_regs.rsp = c.kernel_sp = 0x7000;
    c.user_regs.rdi = 0x1122334455667788;
    c.user_regs.cs = FLAT_KERNEL_CS;
    c.user_regs.ss = FLAT_KERNEL_SS;
    c.kernel_ss = FLAT_KERNEL_SS;
    c.ctrlreg[3] = frame * HV_PAGE_SIZE;
    CHECK(hv_pin_l4(hv, domid, frame) == 0);
    CHECK(hv_setvcpucontext(hv, domid, 0, &c) == 0);
    CHECK(hv_getvcpucontext(hv, domid, 0, &got) == 0);
    CHECK(got.user_regs.rip == 0x123456 && got.user_regs.rdi == 0x1122334455667788);
    CHECK(got.kernel_sp == 0x7000 && got.ctrlreg[3] == frame * HV_PAGE_SIZE);
    CHECK(hv_unpin(hv, domid, frame) == 0);
    REFUSED(hv_unpin(hv, domid, frame), EINVAL);
}

static void probe_memory(struct hv *hv, uint16_t domid)
{
    struct hv_e820 map[2] = {{0, 1 << 20, 1}, {1 << 20, 1 << 20, 2}};
    uint64_t pfns[3] = {0, 1, 2}, big[1] = {512}, n = 99, bad[2];
    int errors[2] = {1, 1};
    uint8_t *at;

    CHECK(hv_set_memory_map(hv, domid, map, 2) == 0);
    CHECK(hv_claim_pages(hv, domid, 600) == 0);
    REFUSED(hv_claim_pages(hv, domid, 1ull << 30), EINVAL); /* more than it may have */
    CHECK(hv_populate_physmap(hv, domid, pfns, 3, 0) == 3);
    CHECK(hv_populate_physmap(hv, domid, big, 1, 9) == 1 && big[0] % 512 == 0);
    CHECK(hv_claim_pages(hv, domid, 0) == 0);
    CHECK(hv_current_reservation(hv, domid, &n) == 0 && n == 515);
    CHECK(hv_maximum_reservation(hv, domid, &n) == 0 && n == 20 << 8);
    CHECK(hv_maximum_gpfn(hv, 0, &n) == 0 && n > 1000);
    at = hv_map_foreign(hv, domid, PROT_READ | PROT_WRITE, pfns, 3, NULL);
    CHECK(at != NULL);
    if (at) {
        bool zero = true;

        for (unsigned i = 0; i < 3 * 4096; i++)
            zero = zero && at[i] == 0;
        CHECK(zero);
        memset(at, 0x5b, 3 * 4096);
        hv_unmap(at, 3);
    }
    bad[0] = pfns[2];
    bad[1] = 0xfffffffffull;
    CHECK(hv_map_foreign(hv, domid, PROT_READ, bad, 2, NULL) == NULL && errno != 0);
    at = hv_map_foreign(hv, domid, PROT_READ, bad, 2, errors);
    CHECK(at && errors[0] == 0 && errors[1] < 0);
    if (at) {
        CHECK(at[4095] == 0x5b);
        hv_unmap(at, 2);
    }
    REFUSED(hv_pin_l4(hv, domid, pfns[2]), EINVAL); /* 0x5b5b... is no table */
    probe_context(hv, domid, big[0]);
}

static void probe_comms(struct hv *hv, uint16_t domid)
{
    struct hv_grant_seed seed = {HV_GRANT_STORE, 0, 0x1234};
    struct hv_evtchn_status s;
    uint32_t port = 0;

    REFUSED(hv_gnttab_seed(hv, domid, &(struct hv_grant_seed){1, 0, 1ull << 32}, 1), EOVERFLOW);
    CHECK(hv_evtchn_alloc_unbound(hv, domid, 0, &port) == 0 && port != 0);
    CHECK(hv_evtchn_status(hv, domid, port, &s) == 0);
    CHECK(s.state == HV_EVTCHN_UNBOUND && s.remote_domid == 0 && s.vcpu == 0);
    CHECK(hv_evtchn_reset(hv, domid) == 0);
    CHECK(hv_evtchn_status(hv, domid, port, &s) == 0 && s.state == HV_EVTCHN_CLOSED);
    CHECK(hv_gnttab_seed(hv, domid, &seed, 1) == 0);
    CHECK(hv_gnttab_seed(hv, domid, &seed, 1) == 0);
}

static void probe_lists(struct hv *hv, uint16_t domid)
{
    struct hv_dominfo *list = NULL, d;
    long n = domain_list(hv, &list);
    bool found = false;

    CHECK(n >= 2 && list[0].domid == 0 && list[0].tot_pages > 1000);
    for (long i = 0; i < n; i++)
        found = found || list[i].domid == domid;
    CHECK(found);
    free(list);
    REFUSED(hv_getdomaininfo(hv, 0x7000, &d), ESRCH);
    CHECK(hv_getdomaininfolist(hv, (uint16_t)(domid + 1), &d, 1) == 0);
}

static void probe_refusals(struct hv *hv)
{
    struct domain_params p = {.max_vcpus = 100000, .max_memory_kib = 1024};
    struct failure why = {0};
    uint16_t domid;
    uint32_t port;

    CHECK(domain_create(hv, &p, &domid, &why) < 0);
    printf("refused: %s\n", why.text);
    p = (struct domain_params){.max_grant_version = 3};
    CHECK(domain_create(hv, &p, &domid, &why) < 0 && strstr(why.text, "version 3"));
    REFUSED(hv_pausedomain(hv, 0x7000), ESRCH);
    REFUSED(hv_destroydomain(hv, 0x7000), ESRCH);
    CHECK(domain_destroy(hv, 0x7000, &why) == 0);
    REFUSED(hv_evtchn_alloc_unbound(hv, 0x7000, 0, &port), ESRCH);
    REFUSED(hv_max_vcpus(hv, 0x7000, 1), ESRCH);
}

int main(void)
{
    struct domain_params p = {.uuid = {1, 2, 3}, .max_vcpus = 2, .max_memory_kib = 16 << 10};
    struct hv *hv = hv_open();
    struct failure why;
    uint16_t domid;

    if (!hv) {
        perror("hv_open");
        return 2;
    }
    probe_version(hv);
    probe_machine(hv);
    probe_pools(hv);
    probe_console(hv);
    if (domain_create(hv, &p, &domid, &why) < 0) {
        printf("FAILED: %s\n", why.text);
        return 1;
    }
    printf("domain %u\n", domid);
    probe_limits(hv, domid);
    probe_policies(hv, domid);
    probe_vcpus(hv, domid);
    probe_memory(hv, domid);
    probe_comms(hv, domid);
    probe_lists(hv, domid);
    CHECK(domain_destroy(hv, domid, &why) == 0);
    probe_refusals(hv);
    hv_close(hv);
    printf("toollib_probe: %u passed, %u failed\n", passed, failed);
    return failed != 0;
}
