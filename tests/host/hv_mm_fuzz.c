/* SPDX-License-Identifier: MIT
 *
 * Hostile sequences of memory hypercalls. The input is a program of 8-byte instructions for two
 * guests' vCPUs and dom0 over a few frames; continuations are not always gone on with; now and then
 * a guest is destroyed. After each program the books are audited (hv_mm_audit.h), all is torn down
 * and no frame may be missing.
 *
 * With libFuzzer: build/tests/fuzz/hv_mm. As a test: main() runs random programs, and given files
 * as arguments runs those.
 */
#include "hv_mm_audit.h"
#include "mm/memory.h"
#include <time.h>

#define ARENA 20u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct domain *doms[3]; /* dom0, two guests */
static mfn_t frames[ARENA];    /* the last few are not the first guest's */
static struct hcall last;      /* to be gone on with, perhaps */
static long (*last_fn)(struct hcall *, void *);
static struct mmu_update req[3];
static struct mmuext_op ext[3];
static uint64_t lists[2][16];

static void begin(void)
{
    static bool booted;

    if (!booted)
        pretend_boot();
    booted = true;
    pt_budget = 5; /* every second table needs a continuation */
    doms[0] = pretend_domain(0, true, 100, 1);
    doms[1] = pretend_domain(1, false, 100, 2);
    doms[2] = pretend_domain(2, false, 100, 1);
    for (unsigned i = 0; i < 14; i++)
        frames[i] = page_of(doms[1]);
    frames[14] = page_of(doms[0]);
    frames[15] = page_of(doms[2]);
    frames[16] = doms[1]->shared_mfn;
    frames[17] = mfn(PRETEND_HOLE_START);
    frames[18] = m2p_chunk_mfn(0);
    frames[19] = mfn((1ull << 40) - 1);
    /* a tree to begin with, so that programs need not find one */
    entries(frames[3])[0] = pte_make(frames[2], RW);
    entries(frames[2])[0] = pte_make(frames[1], RW);
    entries(frames[1])[0] = pte_make(frames[0], RW);
    for (unsigned i = 1; i < 9; i++)
        entries(frames[0])[i] = pte_make(frames[4 + i % 4], i % 2 ? RW : RO);
    last_fn = NULL;
}

static void end(void)
{
    for (unsigned i = 3; i-- > 0;) {
        if (doms[i])
            pretend_domain_destroy(doms[i]);
        doms[i] = NULL;
    }
    pretend_run(NULL);
    pretend_leak_check();
}

static void call(struct vcpu *v, long (*fn)(struct hcall *, void *), struct hcall c, void *arg,
                 bool whole)
{
    long rc;

    pretend_run(v);
    do
        rc = fn(&c, arg);
    while (rc == -ERESTART && whole);
    if (rc == -ERESTART) {
        last = c;
        last_fn = arg ? NULL : fn;
    }
}

static uint64_t entry_of(const uint8_t *p)
{
    static const uint64_t flags[] = {
        RW,           RO,           RW | PTE_NX, RO | PTE_SOFT, 0,
        RW | PTE_PSE, RW | PTE_PCD, RW | PTE_G,  PTE_P,         RO | PTE_D | PTE_AVAIL};

    return pte_make(frames[p[4] % ARENA], flags[p[5] % ARRAY_SIZE(flags)]);
}

static uint32_t domid_of(uint8_t b)
{
    static const uint32_t ids[] = {DOMID_SELF,
                                   DOMID_SELF,
                                   DOMID_SELF,
                                   DOMID_SELF,
                                   0,
                                   1,
                                   2,
                                   DOMID_IO,
                                   DOMID_XEN,
                                   77,
                                   DOMID_SELF | 2u << 16,
                                   1 | 2u << 16};

    return ids[b % ARRAY_SIZE(ids)];
}

static void memory_op(struct vcpu *v, const uint8_t *p)
{
    struct xen_memory_reservation r = {.extent_start = {lists[0]},
                                       .domid = (domid_t)domid_of(p[6])};
    struct xen_memory_exchange x;
    struct hcall c = pretend_hcall(v, 0, 0, 0, 0, 0);

    for (unsigned i = 0; i < 16; i++) {
        lists[0][i] = frames[(p[2] + i) % ARENA].v;
        lists[1][i] = i;
    }
    r.nr_extents = p[3] % 4;
    r.extent_order = p[4] % 3 == 2 ? 1 : 0;
    switch (p[1] % 4) {
    case 0:
        call(v, xenmem_decrease_reservation, c, &r, true);
        break;
    case 1:
        call(v, xenmem_populate_physmap, c, &r, true);
        if (p[7] & 1)
            frames[p[5] % 14] = mfn(lists[0][0]);
        break;
    default:
        x = (struct xen_memory_exchange){.in = r, .out = r};
        x.in.nr_extents = 1u << p[3] % 3;
        x.in.extent_order = 0;
        x.out.nr_extents = 1;
        x.out.extent_order = p[3] % 3;
        x.out.extent_start.p = lists[1];
        call(v, xenmem_exchange, c, &x, true);
        if (p[7] & 1 && x.nr_exchanged)
            frames[p[2] % 14] = mfn(lists[1][0]);
    }
}

static void step(const uint8_t *p)
{
    struct vcpu *who[] = {doms[1] ? doms[1]->vcpu[0] : NULL, doms[1] ? doms[1]->vcpu[1] : NULL,
                          doms[0]->vcpu[0], doms[2] ? doms[2]->vcpu[0] : NULL};
    static const uint8_t cmds[] = {0, 1, 2, 3, 4, 4, 5, 15, 16, 17, 13, 6, 10};
    struct vcpu *v = who[p[0] % 8 >= 5 ? p[0] % 8 - 4 : 0];
    bool whole = p[7] & 0x80;
    unsigned n = 1 + p[7] % 3;

    if (!v)
        return;
    switch (p[0] / 8 % 8) {
    case 0:
    case 1:
    case 2:
        for (unsigned i = 0; i < n; i++) {
            req[i].ptr = mfn_to_maddr(frames[p[2] % ARENA]) + (p[3] + i) % 16 * 8 + (p[6] >> 4) % 4;
            req[i].val = entry_of(p);
        }
        call(v, do_mmu_update, pretend_hcall(v, (uint64_t)req, n, 0, domid_of(p[6] & 15), 0), NULL,
             whole);
        break;
    case 3:
    case 4:
        for (unsigned i = 0; i < n; i++) {
            ext[i] = (struct mmuext_op){.cmd = cmds[(p[1] + i) % sizeof(cmds)]};
            ext[i].arg1.mfn = frames[p[2] % ARENA].v;
            ext[i].arg2.src_mfn = frames[p[4] % ARENA].v;
        }
        call(v, do_mmuext_op, pretend_hcall(v, (uint64_t)ext, n, 0, domid_of(p[6] & 15), 0), NULL,
             whole);
        break;
    case 5:
        memory_op(v, p);
        break;
    case 6: /* the guest writes its own memory, through a writable mapping */
        if (frame_of(frames[p[2] % 14]) && frame_owner(frame_of(frames[p[2] % 14])) == v->d &&
            !frame_get_and_type(frame_of(frames[p[2] % 14]), v->d, FRAME_WRITABLE)) {
            entries(frames[p[2] % 14])[p[3] % 16 * 32] = entry_of(p);
            frame_put_and_type(frame_of(frames[p[2] % 14]));
        }
        break;
    case 7:
        if (last_fn && v->d == last.d && p[1] % 4) {
            struct hcall c = last;

            c.v = v;
            call(v, last_fn, c, NULL, whole);
        } else if (p[1] == 0 && p[2] < 32 && doms[1 + p[3] % 2]) {
            pretend_domain_destroy(doms[1 + p[3] % 2]);
            doms[1 + p[3] % 2] = NULL;
            last_fn = NULL;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    for (unsigned n = 1; size >= 8; data += 8, size -= 8, n++) {
        step(data);
        if (n % 16 == 0 || size < 16)
            audit(doms, 3);
    }
    end();
    return 0;
}

#ifndef WITH_LIBFUZZER
static void run_file(const char *name)
{
    static uint8_t data[1 << 16];
    FILE *f = fopen(name, "rb");

    if (!f) {
        perror(name);
        exit(2);
    }
    LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof(data), f));
    fclose(f);
}

int main(int argc, char **argv)
{
    static uint8_t program[8 * 60];
    unsigned long n = 0;
    time_t until = time(NULL) + 10;

    for (int i = 1; i < argc; i++)
        run_file(argv[i]);
    if (argc > 1)
        return 0;
    srandom(1);
    for (; n < 4000 && time(NULL) < until; n++) {
        for (size_t i = 0; i < sizeof(program); i++)
            program[i] = (uint8_t)random();
        LLVMFuzzerTestOneInput(program, sizeof(program));
    }
    printf("%lu programs\n", n);
    return 0;
}
#endif
