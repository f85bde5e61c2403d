/* SPDX-License-Identifier: MIT */
/* The user: it maps and unmaps what it was granted, and tries what it was not. */
#include "pair.h"

static volatile uint64_t *va;     /* a page of addresses to map at */
static volatile uint64_t *second; /* another, with a page of its own there at times */
static void *own_page;
static grant_handle_t handle, lost_handle;
static uint64_t bus; /* what mapping said of the frame */

static int map(grant_ref_t ref, unsigned flags)
{
    gnttab_map_grant_ref_t op = {
        .host_addr = (unsigned long)va, .flags = flags, .ref = ref, .dom = peer};
    int status = grant_map(&op);

    if (status == GNTST_okay) {
        handle = op.handle;
        bus = op.dev_bus_addr;
    }
    return status;
}

static int unmap(void)
{
    return grant_unmap((unsigned long)va, 0, handle);
}

struct control *user_prepare(void)
{
    struct control *control = va_reserve(1);
    grant_handle_t control_handle;
    uint64_t end = time_now() + 30000000000ul;

    va = va_reserve(1);
    second = va_reserve(1);
    own_page = pages_alloc(1);
    test_need(control && va && second && own_page, "no memory");
    while (grant_map_at(control, peer, REF_CONTROL, GNTMAP_host_map, &control_handle)) {
        test_need(time_now() < end, "the other domain grants nothing");
        time_sleep(10000000);
    }
    return control;
}

static void read_va(void *context)
{
    (void)context;
    (void)*va;
}

static void write_va(void *context)
{
    *va = *(const uint64_t *)context;
}

void user_maps(void)
{
    uint64_t value = 2222;

    check_status("map", map(REF_DATA, GNTMAP_host_map), GNTST_okay);
    check(*va == 1111, "the owner's value is", "%s", *va == 1111 ? "there" : "not there");
    check_trap("a write", write_va, &value, -1);
}

void user_writes_after_revoke(void)
{
    uint64_t value = 4444;
    grant_handle_t other;
    int status;

    check_trap("a write after it was revoked", write_va, &value, -1);
    status = grant_map_at((void *)second, peer, REF_DATA, GNTMAP_host_map, &other);
    check(true, "a second map after it was revoked", "%s", status_name(status));
    if (status == GNTST_okay)
        check_status("its unmap", grant_unmap((unsigned long)second, 0, other), GNTST_okay);
}

void user_unmaps(void)
{
    check_status("unmap", unmap(), GNTST_okay);
    check_trap("a read after that", read_va, NULL, TRAP_PF);
    check_status_refused("unmap again", unmap());
}

void user_after_end(void)
{
    check_status_refused("map", map(REF_DATA, GNTMAP_host_map));
    check_status_refused("map to read", map(REF_DATA, GNTMAP_host_map | GNTMAP_readonly));
    check_status_refused("map for a device", map(REF_DATA, GNTMAP_device_map));
    check_trap("a read", read_va, NULL, TRAP_PF);
}

void user_readonly(void)
{
    uint64_t value = 5555, slot = pte_machine(pte_of((void *)va, 1));
    pte_t entry;

    check_status_refused("map to write", map(REF_READONLY, GNTMAP_host_map));
    check_status("map to read", map(REF_READONLY, GNTMAP_host_map | GNTMAP_readonly), GNTST_okay);
    check(*va == 3333, "the owner's value is", "%s", *va == 3333 ? "there" : "not there");
    check_trap("a write", write_va, &value, TRAP_PF);
    entry = *pte_of((void *)va, 1);
    check_refused("the entry made writable by update_va_mapping",
                  map_page((void *)va, entry | PTE_RW));
    check_refused("the entry made writable by mmu_update", mmu_set(slot, entry | PTE_RW));
    check_refused("the entry copied elsewhere", map_page((void *)second, entry));
    check_trap("a write after all that", write_va, &value, TRAP_PF);
    check_status("unmap", unmap(), GNTST_okay);
    check_refused("the entry put back", mmu_set(slot, entry));
    check_trap("a read after that", read_va, NULL, TRAP_PF);
}

/* It knows the frame's number, and has it mapped. */
void user_abuses_frame(void)
{
    unsigned long mfn;
    uint64_t list;

    check_status("map", map(REF_DATA, GNTMAP_host_map), GNTST_okay);
    list = mfn = bus >> PAGE_SHIFT;
    check_refused("pinned as a table", mmuext_mfn(MMUEXT_PIN_L1_TABLE, mfn));
    check_refused("as a GDT", hypercall2(__HYPERVISOR_set_gdt, (unsigned long)&list, 16));
    check_refused("written by mmu_update", mmu_set(mfn << PAGE_SHIFT, 6666));
    check_refused("a descriptor in it",
                  hypercall2(__HYPERVISOR_update_descriptor, mfn << PAGE_SHIFT, 0));
    check_refused("cleared", mmuext_mfn(MMUEXT_CLEAR_PAGE, mfn));
    check_refused("a lie about it",
                  mmu_update(mfn << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 1, NULL, DOMID_SELF));
    check_status("unmap", unmap(), GNTST_okay);
}

void user_grants_onward(void)
{
    check_status("map", map(REF_DATA, GNTMAP_host_map), GNTST_okay);
    grant_entry(REF_SPARE, peer, bus >> PAGE_SHIFT, GTF_permit_access);
}

void user_ends_onward(void)
{
    check_grant_ends("the entry is", REF_SPARE);
    check_status("unmap", unmap(), GNTST_okay);
}

void user_handles(void)
{
    static const grant_handle_t wrong[] = {77, 1000, 1u << 20, ~0u};
    unsigned refused = 0;

    check_status("map", map(REF_DATA, GNTMAP_host_map), GNTST_okay);
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        refused += grant_unmap((unsigned long)va, 0, wrong[i]) < 0;
    check(refused == 4, "unmap by other handles", "%u of 4 refused", refused);
    check_status_refused("unmap at another address", grant_unmap((unsigned long)second, 0, handle));
    test_need(
        !map_page((void *)second, virt_to_mfn(own_page) << PAGE_SHIFT | PTE_P | PTE_RW | PTE_US),
        "no second address");
    check_status_refused("unmap where another page is mapped",
                         grant_unmap((unsigned long)second, 0, handle));
    check_status_refused("unmap in the hypervisor's half",
                         grant_unmap(0xffff800000000000, 0, handle));
    check_trap("a read after all that", read_va, NULL, -1);
    check_status("unmap", unmap(), GNTST_okay);
    check_status_refused("unmap again", unmap());
    test_need(!map_page((void *)second, 0), "a second address does not go");
}

void user_halves(void)
{
    check_status("map for the CPU and for a device",
                 map(REF_DATA, GNTMAP_host_map | GNTMAP_device_map), GNTST_okay);
    check_status("unmap of nothing", grant_unmap(0, 0, handle), GNTST_okay);
    check_trap("a read", read_va, NULL, -1);
    check_status_refused("unmap of another device address",
                         grant_unmap(0, bus + PAGE_SIZE, handle));
    check_status("unmap for the CPU", grant_unmap((unsigned long)va, 0, handle), GNTST_okay);
    check_trap("a read after that", read_va, NULL, TRAP_PF);
    check(true, "unmap for the CPU again", "%s",
          status_name(grant_unmap((unsigned long)va, 0, handle)));
    check_status("unmap for the device", grant_unmap(0, bus, handle), GNTST_okay);
    check_status_refused("unmap for the device again", grant_unmap(0, bus, handle));
    check_status("map for a device", map(REF_DATA, GNTMAP_device_map), GNTST_okay);
    check_trap("a read", read_va, NULL, TRAP_PF);
    check_status("unmap for the device", grant_unmap(0, bus, handle), GNTST_okay);
}

static int map_entry(uint64_t machine)
{
    return grant_map_at((void *)machine, peer, REF_DATA, GNTMAP_host_map | GNTMAP_contains_pte,
                        &handle);
}

void user_entries(void)
{
    uint64_t slot = pte_machine(pte_of((void *)va, 1));
    uint64_t other = pte_machine(pte_of((void *)second, 1));

    check_status_refused("not aligned by 1", map_entry(slot + 1));
    check_status_refused("not aligned by 4", map_entry(slot + 4));
    check_status_refused("in an L2", map_entry(pte_machine(pte_of((void *)va, 2))));
    check_status_refused("in the top table", map_entry(pte_machine(pte_of((void *)va, 4)) + 8));
    check_status_refused("in an ordinary page", map_entry(virt_to_mfn(own_page) << PAGE_SHIFT));
    check_status_refused("behind all RAM", map_entry(frame_beyond() << PAGE_SHIFT));
    check_status("its own", map_entry(slot), GNTST_okay);
    check_trap("a read", read_va, NULL, -1);
    check_status_refused("unmap by another entry", grant_unmap(other, 0, handle));
    check_status_refused("unmap by the address", grant_unmap((unsigned long)va, 0, handle));
    check_status_refused("unmap not aligned", grant_unmap(slot + 4, 0, handle));
    check_status("unmap", grant_unmap(slot, 0, handle), GNTST_okay);
    check_trap("a read after that", read_va, NULL, TRAP_PF);
}

static int replace(uint64_t host_addr, uint64_t new_addr, grant_handle_t h)
{
    gnttab_unmap_and_replace_t op = {
        .host_addr = host_addr, .new_addr = new_addr, .handle = h, .status = 1};

    hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_and_replace, (unsigned long)&op, 1);
    return op.status;
}

void user_replaces(void)
{
    uint64_t at = (unsigned long)va, new = (unsigned long)second;
    pte_t own = virt_to_mfn(own_page) << PAGE_SHIFT | PTE_P | PTE_RW | PTE_US;
    bool present;

    *(uint64_t *)own_page = 7777;
    check_status("map", map(REF_DATA, GNTMAP_host_map), GNTST_okay);
    check_status_refused("by another handle", replace(at, new, handle + 50));
    check_status_refused("from where there is no table", replace(at, 0x700000000000, handle));
    check_status_refused("from the hypervisor's half", replace(at, 0xffff800000000000, handle));
    test_need(
        !map_page((void *)second, virt_to_mfn(own_page) << PAGE_SHIFT | PTE_P | PTE_RW | PTE_US),
        "no second address");
    check_status_refused("at another address", replace(new + PAGE_SIZE, new, handle));
    present = *pte_of((void *)second, 1) & PTE_P;
    check(true, "its own page is then", "%s", present ? "still where it was" : "nowhere");
    test_need(!map_page((void *)second, own), "no second address");
    check_status("by its own page", replace(at, new, handle), GNTST_okay);
    check(*va == 7777, "its own page is", "%s", *va == 7777 ? "there" : "not there");
    check(!(*pte_of((void *)second, 1) & PTE_P), "where it was, there is", "%s",
          *pte_of((void *)second, 1) & PTE_P ? "something" : "nothing");
    check_status_refused("unmap after that", unmap());
    test_need(!map_page((void *)va, 0), "the page cannot be unmapped");
}

/* The configuration has allowed one page of handles. Two grants, as Xen counts up to 255 uses of
 * one. */
void user_fills_handles(void)
{
    static grant_handle_t handles[600];
    static char *places;
    unsigned n = 0, undone = 0;
    int status = GNTST_okay;

    places = places ? places : va_reserve(600);
    while (n < 600) {
        status = grant_map_at(places + n * PAGE_SIZE, peer, n % 2 ? REF_DATA : REF_READONLY,
                              GNTMAP_host_map | GNTMAP_readonly, &handles[n]);
        if (status != GNTST_okay)
            break;
        n++;
    }
    check(n > 100 && n < 600 && status != GNTST_okay, "after many maps", "%s", status_name(status));
    check_status_refused("one more", map(REF_DATA, GNTMAP_host_map));
    while (undone < n && grant_unmap((unsigned long)places + undone * PAGE_SIZE, 0,
                                     handles[undone]) == GNTST_okay)
        undone++;
    check(undone == n, "unmapped are", "%s", undone == n ? "all" : "some");
    check_status("map", map(REF_DATA, GNTMAP_host_map), GNTST_okay);
    check_status("unmap", unmap(), GNTST_okay);
}

/* Once only, as its owner gives it up. */
void user_maps_lost(void)
{
    static bool done;

    if (done)
        return;
    done = true;
    check_status("map", grant_map_at((void *)second, peer, REF_LOST, GNTMAP_host_map, &lost_handle),
                 GNTST_okay);
    *second = 8888;
}

void user_unmaps_lost(void)
{
    static bool done;

    if (done)
        return;
    done = true;
    check(*second == 8888, "the page that its owner gave up is", "%s",
          *second == 8888 ? "the same" : "another");
    check_status("unmap", grant_unmap((unsigned long)second, 0, lost_handle), GNTST_okay);
}

/* The entry is overwritten instead: the frame stays in use for as long as the domain lives, or
 * until it is mapped there again. */
void user_forgets(void)
{
    static bool done;

    if (done)
        return;
    done = true;
    check_status("map", map(REF_ZAPPED, GNTMAP_host_map), GNTST_okay);
    check_done("the entry emptied", map_page((void *)va, 0));
    check_trap("a read", read_va, NULL, TRAP_PF);
    check_status_refused("unmap after that", unmap());
}
