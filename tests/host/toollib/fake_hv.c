/* SPDX-License-Identifier: MIT */
/* fake_hv: see fake_hv.h. */
#include "fake_hv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/grant_table.h>

struct fake fake;

static int memory_fd = -1;
static uint8_t *memory;
static uint64_t next_single, next_super;
static const char *last_call;

#define RESERVED 16u
#define SUPER    512u

struct hv *fake_start(void)
{
    fake = (struct fake){.superpages = 1000, .free_pages = FAKE_FRAMES - RESERVED};
    memory_fd = memfd_create("fake", MFD_CLOEXEC);
    if (memory_fd < 0 || ftruncate(memory_fd, (off_t)FAKE_FRAMES * HV_PAGE_SIZE) < 0)
        abort();
    memory = mmap(NULL, (size_t)FAKE_FRAMES * HV_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
                  memory_fd, 0);
    if (memory == MAP_FAILED)
        abort();
    memset(memory, 0xaa, (size_t)FAKE_FRAMES * HV_PAGE_SIZE);
    memset(fake_frame(FAKE_SHARED_INFO), 0, HV_PAGE_SIZE);
    memset(fake_frame(FAKE_GRANTS), 0, HV_PAGE_SIZE);
    next_super = SUPER;
    next_single = FAKE_FRAMES - 1;
    last_call = "";
    return (struct hv *)&fake;
}

void fake_stop(void)
{
    munmap(memory, (size_t)FAKE_FRAMES * HV_PAGE_SIZE);
    close(memory_fd);
}

uint8_t *fake_frame(uint64_t frame)
{
    return frame < FAKE_FRAMES ? memory + frame * HV_PAGE_SIZE : NULL;
}

/* Every call begins here: -1 when it is to fail. */
static int called(const char *name)
{
    if (strcmp(name, last_call) != 0)
        strncat(strncat(fake.log, " ", sizeof(fake.log) - strlen(fake.log) - 1), name,
                sizeof(fake.log) - strlen(fake.log) - 2);
    last_call = name;
    if (!fake.fail_call || strcmp(name, fake.fail_call) != 0)
        return 0;
    if (++fake.calls_seen != fake.fail_nth)
        return 0;
    errno = fake.fail_error;
    return -1;
}

static int error(int number)
{
    errno = number;
    return -1;
}

int hv_physinfo(struct hv *hv, struct hv_physinfo *p)
{
    (void)hv;
    *p = (struct hv_physinfo){.free_pages = fake.free_pages - fake.given_pages,
                              .capabilities = HV_CAP_PV | HV_CAP_GNTTAB_V1};
    return called("physinfo");
}

int hv_getdomaininfo(struct hv *hv, uint16_t domid, struct hv_dominfo *d)
{
    (void)hv;
    *d = (struct hv_dominfo){.domid = domid, .shared_info_frame = FAKE_SHARED_INFO};
    return domid == FAKE_DOMID ? called("getdomaininfo") : error(ESRCH);
}

int hv_set_address_size(struct hv *hv, uint16_t domid, unsigned bits)
{
    (void)hv;
    return domid == FAKE_DOMID && bits == 64 ? called("set_address_size") : error(EINVAL);
}

int hv_settscinfo(struct hv *hv, uint16_t domid, uint32_t mode, uint32_t khz, uint32_t incarnation,
                  uint64_t elapsed_ns)
{
    (void)hv;
    (void)domid;
    (void)khz;
    (void)incarnation;
    (void)elapsed_ns;
    return mode ? called("settscinfo") : error(EINVAL);
}

int hv_hypercall_init(struct hv *hv, uint16_t domid, uint64_t frame)
{
    (void)hv;
    if (domid != FAKE_DOMID || !fake.owned[frame])
        return error(EINVAL);
    if (called("hypercall_init") < 0)
        return -1;
    memset(fake_frame(frame), 0xc3, HV_PAGE_SIZE);
    fake.hypercall_frame = frame;
    return 0;
}

int hv_setvcpucontext(struct hv *hv, uint16_t domid, unsigned vcpu, const void *context)
{
    (void)hv;
    if (domid != FAKE_DOMID || vcpu != 0 || !fake.pinned_l4)
        return error(EINVAL);
    memcpy(fake.context, context, HV_VCPU_CONTEXT_SIZE);
    fake.context_set = true;
    return called("setvcpucontext");
}

/* Superpages from the bottom, single pages from the top, every other one first. */
static uint64_t take_frame(unsigned order)
{
    uint64_t n = 1u << order, frame;

    if (fake.given_pages + n > fake.free_pages)
        return 0;
    if (order) {
        if (fake.superpages == 0 || next_super + n > next_single)
            return 0;
        fake.superpages--;
        frame = next_super;
        next_super += n;
    } else {
        if (next_single <= next_super)
            return 0;
        frame = next_single--;
    }
    for (uint64_t i = 0; i < n; i++)
        fake.owned[frame + i] = true;
    fake.given_pages += n;
    return frame;
}

long hv_populate_physmap(struct hv *hv, uint16_t domid, uint64_t *pfns, unsigned n, unsigned order)
{
    (void)hv;
    if (called("populate") < 0)
        return -1;
    if (domid != FAKE_DOMID || (order != 0 && order != 9))
        return error(EINVAL);
    for (unsigned i = 0; i < n; i++) {
        bool gap = order && fake.super_gap && pfns[i] == fake.super_gap;
        uint64_t frame = gap || pfns[i] % (1u << order) ? 0 : take_frame(order);

        if (!frame)
            return i;
        pfns[i] = frame;
    }
    return n;
}

int hv_set_memory_map(struct hv *hv, uint16_t domid, const struct hv_e820 *map, unsigned n)
{
    (void)hv;
    if (domid != FAKE_DOMID || n != 1 || map[0].start != 0 || map[0].type != 1)
        return error(EINVAL);
    fake.e820_size = map[0].size;
    return called("set_memory_map");
}

int hv_claim_pages(struct hv *hv, uint16_t domid, uint64_t pages)
{
    (void)hv;
    (void)domid;
    if (called("claim") < 0)
        return -1;
    if (pages > fake.free_pages)
        return error(ENOMEM);
    fake.claimed = pages;
    return 0;
}

void *hv_map_foreign(struct hv *hv, uint16_t domid, int prot, const uint64_t *frames, size_t n,
                     int *errors)
{
    uint8_t *at;

    (void)hv;
    if (called("map") < 0)
        return NULL;
    if (domid != FAKE_DOMID || errors || n == 0)
        return error(EINVAL), NULL;
    at = mmap(NULL, n * HV_PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        abort();
    for (size_t i = 0; i < n; i++) {
        uint8_t *to = at + i * HV_PAGE_SIZE, *got;

        if (!fake.owned[frames[i]] && frames[i] != FAKE_SHARED_INFO)
            abort();
        got = mmap(to, HV_PAGE_SIZE, prot, MAP_SHARED | MAP_FIXED, memory_fd,
                   (off_t)(frames[i] * HV_PAGE_SIZE));
        if (got != to)
            abort();
    }
    fake.mapped_pages += (long)n;
    return at;
}

void hv_unmap(void *address, size_t n)
{
    if (!address)
        return;
    munmap(address, n * HV_PAGE_SIZE);
    fake.mapped_pages -= (long)n;
}

int hv_pin_l4(struct hv *hv, uint16_t domid, uint64_t frame)
{
    (void)hv;
    if (domid != FAKE_DOMID || !fake.owned[frame] || fake.mapped_pages != 0)
        return error(EINVAL);
    fake.pinned_l4 = frame;
    return called("pin_l4");
}

int hv_evtchn_alloc_unbound(struct hv *hv, uint16_t domid, uint16_t remote, uint32_t *port)
{
    (void)hv;
    (void)remote;
    *port = ++fake.ports;
    return domid == FAKE_DOMID ? called("alloc_unbound") : error(ESRCH);
}

int hv_gnttab_seed(struct hv *hv, uint16_t domid, const struct hv_grant_seed *seeds, unsigned n)
{
    struct grant_entry_v1 *table = (struct grant_entry_v1 *)fake_frame(FAKE_GRANTS);

    (void)hv;
    for (unsigned i = 0; i < n; i++)
        table[seeds[i].ref] = (struct grant_entry_v1){
            .flags = GTF_permit_access,
            .domid = seeds[i].grantee,
            .frame = (uint32_t)seeds[i].frame,
        };
    return domid == FAKE_DOMID ? called("gnttab_seed") : error(ESRCH);
}
