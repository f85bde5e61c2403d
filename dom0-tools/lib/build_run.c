/* SPDX-License-Identifier: MIT */
/*
 * build_run: the second step of a build, filling the domain. See build.h.
 *
 * The page tables are written while their pages are ordinary memory and unmapped here before the
 * L4 is pinned: from then on the hypervisor allows no writable mapping of them.
 */
#include "dom0-tools/lib/build_private.h"
#include "dom0-tools/lib/build_start.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define E820_RAM 1u

static int prepare_domain(struct run *r, const struct build *b, struct build_result *out)
{
    struct hv_e820 ram = {0, b->p.max_memory_kib << 10, E820_RAM};
    struct hv_dominfo info;

    if (hv_evtchn_alloc_unbound(r->hv, r->domid, b->p.store_domid, &out->store_port) < 0)
        return run_failed(r, "make the store's event channel in");
    if (hv_evtchn_alloc_unbound(r->hv, r->domid, b->p.console_domid, &out->console_port) < 0)
        return run_failed(r, "make the console's event channel in");
    if (hv_set_memory_map(r->hv, r->domid, &ram, 1) < 0)
        return run_failed(r, "set the memory map of");
    if (b->p.tsc_mode && hv_settscinfo(r->hv, r->domid, b->p.tsc_mode, 0, 0, 0) < 0)
        return run_failed(r, "set the time stamp mode of");
    if (hv_getdomaininfo(r->hv, r->domid, &info) < 0)
        return run_failed(r, "read the state of");
    out->shared_info_mfn = info.shared_info_frame;
    if (hv_set_address_size(r->hv, r->domid, 64) < 0)
        return run_failed(r, "set the width of");
    return 0;
}

static int load_image(struct run *r, const struct build *b)
{
    const struct elf_guest *g = &b->guest;

    for (unsigned i = 0; i < b->elf.n_segments; i++) {
        const struct elf_segment *s = &b->elf.segments[i];
        uint64_t at = s->paddr - g->paddr_offset;

        if (run_write(r, at / LAYOUT_PAGE_SIZE, at % LAYOUT_PAGE_SIZE, s->data, s->filesz,
                      s->memsz) < 0)
            return -1;
    }
    if (g->hypercall_page != ELF_GUEST_NONE) {
        uint64_t pfn = (g->hypercall_page - g->virt_base) / LAYOUT_PAGE_SIZE;

        if (hv_hypercall_init(r->hv, r->domid, r->p2m[pfn]) < 0)
            return run_failed(r, "write the hypercall page of");
    }
    return 0;
}

static int write_p2m(struct run *r)
{
    const struct layout *l = r->layout;

    return run_write(r, l->p2m_pfn, 0, r->p2m, l->nr_pages * sizeof(*r->p2m),
                     l->p2m_pages * LAYOUT_PAGE_SIZE);
}

static int write_tables(struct run *r)
{
    const struct layout *l = r->layout;
    uint64_t main_size = l->table_pages * LAYOUT_PAGE_SIZE;
    uint64_t apart_size = l->p2m_table_pages * LAYOUT_PAGE_SIZE;
    uint64_t *main = calloc(1, main_size), *apart = calloc(1, apart_size ? apart_size : 1);
    int result;

    if (!main || !apart) {
        result = fail(r->why, ENOMEM, "no memory here for the page tables of domain %u", r->domid);
    } else {
        layout_write_tables(l, r->p2m, main, apart);
        result = run_write(r, l->tables_pfn, 0, main, main_size, main_size);
        if (result == 0)
            result = run_write(r, l->p2m_pfn + l->p2m_pages, 0, apart, apart_size, apart_size);
    }
    free(main);
    free(apart);
    return result;
}

static int write_start_info(struct run *r, const struct build *b, struct build_result *out)
{
    const struct layout *l = r->layout;
    struct start_info si;

    out->store_mfn = r->p2m[l->store_pfn];
    out->console_mfn = r->p2m[l->console_pfn];
    out->start_info_mfn = r->p2m[l->start_info_pfn];
    start_info_fill(&si, l,
                    &(struct start_values){
                        .cmdline = b->cmdline,
                        .ramdisk_size = b->ramdisk_size,
                        .shared_info_mfn = out->shared_info_mfn,
                        .store_mfn = out->store_mfn,
                        .console_mfn = out->console_mfn,
                        .store_port = out->store_port,
                        .console_port = out->console_port,
                    });
    if (run_write(r, l->start_info_pfn, 0, &si, sizeof(si), LAYOUT_PAGE_SIZE) < 0)
        return -1;
    if (run_write(r, l->store_pfn, 0, NULL, 0, LAYOUT_PAGE_SIZE) < 0)
        return -1;
    return run_write(r, l->console_pfn, 0, NULL, 0, LAYOUT_PAGE_SIZE);
}

/* No vCPU takes events before it asks for them. */
static int mask_events(struct run *r, uint64_t shared_info_mfn)
{
    struct shared_info *s =
        hv_map_foreign(r->hv, r->domid, PROT_READ | PROT_WRITE, &shared_info_mfn, 1, NULL);

    if (!s)
        return run_failed(r, "map the shared page of");
    for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        s->vcpu_info[i].evtchn_upcall_mask = 1;
    hv_unmap(s, 1);
    return 0;
}

static int start_vcpu(struct run *r, const struct build *b)
{
    uint64_t l4 = r->p2m[r->layout->tables_pfn];
    struct vcpu_guest_context context;

    if (hv_pin_l4(r->hv, r->domid, l4) < 0)
        return run_failed(r, "validate the page tables of");
    start_context_fill(&context, r->layout, &b->guest, l4);
    if (hv_setvcpucontext(r->hv, r->domid, 0, &context) < 0)
        return run_failed(r, "set the first vCPU of");
    return 0;
}

static int seed_grants(struct run *r, const struct build *b, const struct build_result *out)
{
    struct hv_grant_seed seeds[] = {
        {HV_GRANT_CONSOLE, b->p.console_domid, out->console_mfn},
        {HV_GRANT_STORE, b->p.store_domid, out->store_mfn},
    };

    if (hv_gnttab_seed(r->hv, r->domid, seeds, 2) < 0)
        return run_failed(r, "enter the first grants of");
    return 0;
}

static int run_steps(struct run *r, struct build *b, struct build_result *out)
{
    if (prepare_domain(r, b, out) < 0 || run_populate(r) < 0 || load_image(r, b) < 0)
        return -1;
    if (b->ramdisk &&
        run_write_file(r, r->layout->ramdisk_pfn, b->ramdisk_fd, b->ramdisk_size, b->ramdisk) < 0)
        return -1;
    if (write_p2m(r) < 0 || write_tables(r) < 0 || write_start_info(r, b, out) < 0)
        return -1;
    if (mask_events(r, out->shared_info_mfn) < 0 || start_vcpu(r, b) < 0)
        return -1;
    return seed_grants(r, b, out);
}

int build_run(struct build *b, struct hv *hv, uint16_t domid, struct build_result *out,
              struct failure *why)
{
    struct run r = {.hv = hv, .domid = domid, .layout = &b->layout, .why = why};
    int result;

    *out = (struct build_result){0};
    memcpy(out->guest_os, b->guest.os, sizeof(out->guest_os));
    r.p2m = calloc(b->layout.nr_pages, sizeof(*r.p2m));
    if (!r.p2m)
        return fail(why, ENOMEM, "no memory here for the page list of domain %u", domid);
    result = run_steps(&r, b, out);
    free(r.p2m);
    return result;
}
