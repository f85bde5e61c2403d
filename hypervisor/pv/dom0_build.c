/* SPDX-License-Identifier: MIT
 *
 * Builds dom0 from the boot modules: a PV64 kernel (bzImage or ELF) and its initrd, laid out as the
 * ABI has it (xen.h, struct start_info). Pseudo-physical frame numbers run up from the kernel's
 * VIRT_BASE:
 *
 *   0      low memory, kernel image | [initrd] | [p2m list] | start_info | page tables
 *          | stack | slack
 *          -- all of this mapped from VIRT_BASE; v_end is a multiple of 4 MiB --
 *   then   initrd, when the kernel says it may lie unmapped (MOD_START_PFN)
 *   then   p2m list and its page tables, when the kernel says where to map it (INIT_P2M)
 *   then   the rest of dom0's memory
 *
 * Runs once at start of day on the boot CPU; every failure is a panic with a sentence, for there is
 * nobody to tell.
 */
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/elfnote.h>
#include "lib/elf.h"
#include "boot/boot.h"
#include "x86/hvmap.h"
#include "x86/percpu.h"
#include "mm/frame.h"
#include "mm/page_alloc.h"
#include "mm/pt.h"
#include "dom/domain.h"
#include "dom/vcpu.h"
#include "pv/pv.h"

#define PT_FLAGS    (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define MB          (1ul << 20)
#define LARGE_ORDER 9u
#define SLACK_ALIGN (4 * MB)
#define SLACK_MIN   (512ul << 10)
#define RESERVE     (64 * MB) /* left to the hypervisor when dom0 asks for everything */

struct build {
    struct domain *d;
    uint64_t *p2m; /* pfn -> mfn, hypervisor memory */
    unsigned p2m_order;
    uint64_t nr_pages, max_pages;
    struct elf_image elf;
    /* from the notes */
    uint64_t entry, virt_base, paddr_offset, init_p2m;
    bool has_init_p2m, mod_start_pfn;
    bool extended_name;
    /* the initial mapping; virtual addresses */
    uint64_t v_kernel_end, v_initrd, v_p2m, v_start_info, v_pt, v_stack, v_end;
    uint64_t nr_pt;
    uint64_t next_pt; /* index of the next page-table page not yet handed out */
    /* pseudo-physical frames behind v_end */
    uint64_t initrd_pfn, initrd_pages, p2m_pfn, p2m_frames;
};

static uint64_t size_of_p2m(const struct build *b)
{
    return align_up(b->nr_pages * 8, PAGE_SIZE);
}

static uint64_t pfn_of(const struct build *b, uint64_t va)
{
    return (va - b->virt_base) >> PAGE_SHIFT;
}

static void *page_of(const struct build *b, uint64_t pfn)
{
    ASSERT(pfn < b->nr_pages);
    return mfn_to_va(mfn(b->p2m[pfn]));
}

/* Copies into dom0's memory at a virtual address of the initial mapping. */
static void copy_in(const struct build *b, uint64_t va, const void *src, uint64_t n)
{
    const char *s = src;

    while (n) {
        uint64_t off = va & ~PAGE_MASK, chunk = min(n, PAGE_SIZE - off);

        memcpy((char *)page_of(b, pfn_of(b, va)) + off, s, chunk);
        va += chunk;
        s += chunk;
        n -= chunk;
    }
}

static void read_notes(struct build *b)
{
    const char *version = elf_xen_note_string(&b->elf, XEN_ELFNOTE_XEN_VERSION);
    const char *loader = elf_xen_note_string(&b->elf, XEN_ELFNOTE_LOADER);
    const char *pae = elf_xen_note_string(&b->elf, XEN_ELFNOTE_PAE_MODE);
    uint64_t one;

    if (!version || strcmp(version, "xen-3.0") || (loader && strcmp(loader, "generic")))
        panic("dom0's kernel is no Xen PV kernel (note XEN_VERSION is %s)",
              version ? version : "missing");
    if (!elf_xen_note_number(&b->elf, XEN_ELFNOTE_ENTRY, &b->entry) ||
        !elf_xen_note_number(&b->elf, XEN_ELFNOTE_VIRT_BASE, &b->virt_base))
        panic("dom0's kernel lacks the notes ENTRY and VIRT_BASE");
    if (!elf_xen_note_number(&b->elf, XEN_ELFNOTE_PADDR_OFFSET, &b->paddr_offset))
        b->paddr_offset = 0;
    b->has_init_p2m = elf_xen_note_number(&b->elf, XEN_ELFNOTE_INIT_P2M, &b->init_p2m);
    b->mod_start_pfn = elf_xen_note_number(&b->elf, XEN_ELFNOTE_MOD_START_PFN, &one) && one;
    b->extended_name = pae && !strncmp(pae, "yes", 3);
    if (b->has_init_p2m && (b->init_p2m & ((1ul << 39) - 1)))
        panic("dom0's kernel wants its p2m list at %lx, which does not start an L4 entry",
              b->init_p2m);
}

static uint64_t segment_va(const struct build *b, const struct elf_segment *s)
{
    return s->paddr - b->paddr_offset + b->virt_base;
}

static void measure_image(struct build *b)
{
    for (unsigned i = 0; i < b->elf.nr_segments; i++) {
        struct elf_segment s = elf_segment(&b->elf, i);

        if (s.type != ELF_PT_LOAD)
            continue;
        if (s.paddr < b->paddr_offset || s.paddr - b->paddr_offset + s.memsz > 1024 * MB)
            panic("dom0's kernel has a segment at %lx + %lx, outside the first GiB", s.paddr,
                  s.memsz);
        b->v_kernel_end = max(b->v_kernel_end, segment_va(b, &s) + s.memsz);
    }
    if (!b->v_kernel_end)
        panic("dom0's kernel has nothing to load");
}

static void lay_out(struct build *b, uint64_t initrd_size)
{
    uint64_t at = align_up(b->v_kernel_end, PAGE_SIZE);

    b->initrd_pages = div_up(initrd_size, PAGE_SIZE);
    if (!b->mod_start_pfn) {
        b->v_initrd = at;
        at += b->initrd_pages * PAGE_SIZE;
    }
    if (!b->has_init_p2m) {
        b->v_p2m = at;
        at += size_of_p2m(b);
    }
    b->v_start_info = at;
    b->v_pt = at + PAGE_SIZE;
    /* The tables map themselves: add pages until they suffice. */
    for (b->nr_pt = 4;; b->nr_pt++) {
        b->v_stack = b->v_pt + b->nr_pt * PAGE_SIZE;
        b->v_end = align_up(b->v_stack + PAGE_SIZE, SLACK_ALIGN);
        if (b->v_end - b->v_stack - PAGE_SIZE < SLACK_MIN)
            b->v_end += SLACK_ALIGN;
        uint64_t span = b->v_end - b->virt_base;

        if (2 + div_up(span, 1024 * MB) + div_up(span, 2 * MB) <= b->nr_pt)
            break;
    }
    if (b->v_end < b->virt_base || b->v_end - b->virt_base > 1024 * MB)
        panic("dom0's kernel and initrd do not fit into the GiB that its first page tables map");

    uint64_t pfn = pfn_of(b, b->v_end);

    if (b->mod_start_pfn) {
        b->initrd_pfn = pfn;
        pfn += b->initrd_pages;
    }
    if (b->has_init_p2m) {
        uint64_t size = size_of_p2m(b);

        b->p2m_pfn = pfn;
        b->p2m_frames = size / PAGE_SIZE + div_up(size, 2 * MB) + div_up(size, 1024 * MB) + 1;
        pfn += b->p2m_frames;
    }
    if (pfn > b->nr_pages)
        panic("dom0's memory of %lu MiB is too small for its kernel and initrd: %lu MiB needed",
              b->nr_pages >> 8, (pfn >> 8) + 1);
}

static void allocate(struct build *b)
{
    mfn_t m;

    while ((PAGE_SIZE << b->p2m_order) < b->nr_pages * 8)
        b->p2m_order++;
    m = page_alloc(b->p2m_order, 0);
    if (mfn_eq(m, MFN_NONE))
        panic("no memory for dom0's p2m list");
    b->p2m = mfn_to_va(m);
    for (uint64_t pfn = 0; pfn < b->nr_pages;) {
        unsigned o = LARGE_ORDER;

        m = b->nr_pages - pfn >= (1u << o) ? domain_page_alloc(b->d, o, 0) : MFN_NONE;
        if (mfn_eq(m, MFN_NONE)) {
            o = 0;
            m = domain_page_alloc(b->d, 0, 0);
        }
        if (mfn_eq(m, MFN_NONE))
            panic("memory ran out at page %lu of dom0's %lu", pfn, b->nr_pages);
        for (uint64_t i = 0; i < 1u << o; i++, pfn++) {
            b->p2m[pfn] = m.v + i;
            *m2p_entry(mfn(m.v + i)) = pfn;
        }
    }
}

static void load_image(struct build *b)
{
    for (unsigned i = 0; i < b->elf.nr_segments; i++) {
        struct elf_segment s = elf_segment(&b->elf, i);

        if (s.type == ELF_PT_LOAD) /* memory comes zeroed: bss needs nothing */
            copy_in(b, segment_va(b, &s), b->elf.data + s.offset, s.filesz);
    }
}

static void load_initrd(struct build *b, const void *data, uint64_t size)
{
    uint64_t va = b->mod_start_pfn ? b->virt_base + (b->initrd_pfn << PAGE_SHIFT) : b->v_initrd;

    if (size)
        copy_in(b, va, data, size);
}

/* The entry at `table`[index], pointing to a page-table page that is made when it is missing. */
static uint64_t *descend(struct build *b, uint64_t *table, unsigned index, uint64_t first_pfn,
                         uint64_t count)
{
    if (!table[index]) {
        ASSERT(b->next_pt < count);
        table[index] = pte_make(mfn(b->p2m[first_pfn + b->next_pt++]), PT_FLAGS);
    }
    return mfn_to_va(pte_mfn(table[index]));
}

/* The entry for va, with all the tables above it. */
static uint64_t *l1_entry(struct build *b, uint64_t *l4, uint64_t va, uint64_t first,
                          uint64_t count)
{
    for (unsigned level = 4; level > 1; level--)
        l4 = descend(b, l4, pt_index(va, level), first, count);
    return &l4[pt_index(va, 1)];
}

static uint64_t *map_initial(struct build *b)
{
    uint64_t first = pfn_of(b, b->v_pt), *l4 = page_of(b, first);

    b->next_pt = 1;
    for (uint64_t va = b->virt_base; va < b->v_end; va += PAGE_SIZE) {
        bool table = va >= b->v_pt && va < b->v_pt + b->nr_pt * PAGE_SIZE;

        *l1_entry(b, l4, va, first, b->nr_pt) =
            pte_make(mfn(b->p2m[pfn_of(b, va)]), table ? PT_FLAGS & ~PTE_RW : PT_FLAGS);
    }
    return l4;
}

/* The list itself, and its mapping at INIT_P2M: data frames first, then the tables. */
static void write_p2m(struct build *b, uint64_t *l4)
{
    uint64_t size = size_of_p2m(b), tables = b->p2m_pfn + size / PAGE_SIZE;

    if (!b->has_init_p2m) {
        copy_in(b, b->v_p2m, b->p2m, b->nr_pages * 8);
        return;
    }
    copy_in(b, b->virt_base + (b->p2m_pfn << PAGE_SHIFT), b->p2m, b->nr_pages * 8);
    b->next_pt = 0;
    for (uint64_t off = 0; off < size; off += PAGE_SIZE) {
        uint64_t va = b->init_p2m + off, n = b->p2m_frames - size / PAGE_SIZE;

        *l1_entry(b, l4, va, tables, n) =
            pte_make(mfn(b->p2m[b->p2m_pfn + off / PAGE_SIZE]), PT_FLAGS);
    }
}

static void write_start_info(struct build *b, const char *cmdline, uint64_t initrd_size)
{
    struct start_info *si = page_of(b, pfn_of(b, b->v_start_info));
    struct dom0_vga_console_info *vga = (void *)(si + 1);

    strlcpy(si->magic, b->extended_name ? "xen-3.0-x86_64p" : "xen-3.0-x86_64", sizeof(si->magic));
    si->nr_pages = b->nr_pages;
    si->shared_info = mfn_to_maddr(b->d->shared_mfn);
    si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
    si->pt_base = b->v_pt;
    si->nr_pt_frames = b->nr_pt;
    si->mfn_list = b->has_init_p2m ? b->init_p2m : b->v_p2m;
    if (b->has_init_p2m) {
        si->first_p2m_pfn = b->p2m_pfn;
        si->nr_p2m_frames = b->p2m_frames;
    }
    if (initrd_size) {
        si->mod_len = initrd_size;
        si->mod_start = b->mod_start_pfn ? b->initrd_pfn : b->v_initrd;
        if (b->mod_start_pfn)
            si->flags |= SIF_MOD_START_PFN;
    }
    strlcpy((char *)si->cmd_line, cmdline, sizeof(si->cmd_line));

    vga->video_type = XEN_VGATYPE_TEXT_MODE_3;
    vga->u.text_mode_3.font_height = 16;
    vga->u.text_mode_3.cursor_y = 24;
    vga->u.text_mode_3.rows = 25;
    vga->u.text_mode_3.columns = 80;
    si->console.dom0.info_off = sizeof(*si);
    si->console.dom0.info_size =
        (uint32_t)(offsetof(struct dom0_vga_console_info, u) + sizeof(vga->u.text_mode_3));
}

/* As MMUEXT_PIN_L4_TABLE would: Linux unpins its first tables when it has better ones. */
static int pin_l4(struct domain *d, mfn_t l4)
{
    struct frame *f = frame_of(l4);
    int err = frame_get_and_type(f, d, FRAME_L4);

    if (!err && !frame_set_pinned(f))
        err = -EINVAL;
    return err;
}

static void start_vcpu(struct build *b)
{
    struct vcpu_guest_context *ctx = hv_alloc(sizeof(*ctx));
    mfn_t l4 = mfn(b->p2m[pfn_of(b, b->v_pt)]);
    struct vcpu *v = b->d->vcpu[0];
    int err;

    if (!ctx)
        panic("no memory for dom0's first vCPU");
    err = pin_l4(b->d, l4);
    if (err)
        panic("dom0's first page tables are refused (error %d)", err);
    ctx->flags = VGCF_in_kernel | VGCF_online;
    ctx->user_regs.rip = b->entry;
    ctx->user_regs.rsi = b->v_start_info;
    ctx->user_regs.rsp = b->v_stack + PAGE_SIZE;
    ctx->user_regs.cs = SEL_GUEST_CS64;
    ctx->user_regs.ss = SEL_GUEST_DS;
    ctx->user_regs.rflags = RFLAGS_IF;
    ctx->kernel_ss = SEL_GUEST_DS;
    ctx->kernel_sp = ctx->user_regs.rsp;
    ctx->ctrlreg[3] = mfn_to_maddr(l4);
    err = vcpu_set_context(v, ctx);
    if (err)
        panic("dom0's first vCPU cannot start (error %d)", err);
    hv_free(ctx);
    v->flags = 0;
}

/* dom0_mem=[min:N,]N[,max:N] */
static void choose_memory(struct build *b)
{
    uint64_t free = page_free_count() << PAGE_SHIFT, want = 0, floor = 0, ceiling = 0;
    char text[128] = "", *s = text;

    cmdline_option("dom0_mem", text, sizeof(text));
    while (*s) {
        uint64_t *to = &want;
        const char *at = s;

        if (!strncmp(s, "min:", 4) || !strncmp(s, "max:", 4)) {
            to = s[1] == 'i' ? &floor : &ceiling;
            s += 4;
        }
        if (!parse_size(s, &s, to) || (*s && *s++ != ',')) {
            log_warn("dom0_mem=%s: not understood from \"%s\" on", text, at);
            break;
        }
    }
    if (!want) { /* a quarter of the machine, 512 MiB to 4 GiB */
        want = (page_total_count() << PAGE_SHIFT) / 4;
        want = min(max(want, 512 * MB), 4096 * MB);
    }
    want = max(want, floor);
    if (want > free - RESERVE) {
        log_warn("dom0 gets %lu MiB, not the %lu MiB asked for: there is no more",
                 (free - RESERVE) / MB, want / MB);
        want = free - RESERVE;
    }
    b->nr_pages = want >> PAGE_SHIFT;
    b->max_pages = ceiling ? max(ceiling >> PAGE_SHIFT, b->nr_pages) : page_total_count();
}

static void create(struct build *b)
{
    struct xen_domctl_createdomain cfg = {
        .max_vcpus = dom0_vcpus(),
        .max_evtchn_port = UINT32_MAX,
        .max_grant_frames = -1,
        .max_maptrack_frames = -1,
        .grant_opts = 1,
    };
    int err = domain_create(0, &cfg, true, &dom0);

    if (err)
        panic("dom0 cannot be created (error %d)", err);
    b->d = dom0;
    b->d->max_pages = (uint32_t)b->max_pages;
    for (unsigned i = 0; i < cfg.max_vcpus; i++)
        if (!vcpu_create(b->d, i))
            panic("no memory for vCPU %u of dom0", i);
}

/* As many as there are CPUs, or dom0_max_vcpus=. */
unsigned dom0_vcpus(void)
{
    uint64_t n = nr_cpus;
    char text[16], *end;

    if (cmdline_option("dom0_max_vcpus", text, sizeof(text))) {
        n = strtoul(text, &end, 0);
        if (n < 1 || n > MAX_VCPUS) {
            log_warn("dom0_max_vcpus=%s: between 1 and %u, using %u", text, MAX_VCPUS, nr_cpus);
            n = nr_cpus;
        }
    }
    return (unsigned)n;
}

void dom0_build(void)
{
    static struct build b;
    const struct boot_module *kernel = &boot_info.modules[0], *initrd = &boot_info.modules[1];
    uint64_t initrd_size = boot_info.nr_modules > 1 ? initrd->end - initrd->start : 0;
    const char *why;
    const void *image;
    uint64_t *l4;
    size_t size;

    if (!boot_info.nr_modules)
        panic("no dom0 kernel: the boot loader must pass it as the first module");
    image = unpack_kernel(maddr_to_va(kernel->start), kernel->end - kernel->start, &size, &why);
    if (!image || !elf_open(&b.elf, image, size, &why))
        panic("dom0's kernel cannot be loaded: %s", why);
    read_notes(&b);
    choose_memory(&b);
    measure_image(&b);
    lay_out(&b, initrd_size);
    create(&b);
    allocate(&b);
    load_image(&b);
    load_initrd(&b, maddr_to_va(initrd->start), initrd_size);
    l4 = map_initial(&b);
    write_p2m(&b, l4);
    write_start_info(&b, kernel->cmdline, initrd_size);
    unpack_done();
    start_vcpu(&b);
    page_free(va_to_mfn(b.p2m), b.p2m_order);
    log_info("dom0: %lu MiB, %u vCPU(s), entry %lx, start_info %lx, page tables %lx + %lu",
             b.nr_pages >> 8, dom0->max_vcpus, b.entry, b.v_start_info, b.v_pt, b.nr_pt);
}
