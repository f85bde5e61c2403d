/* SPDX-License-Identifier: MIT
 *
 * Descriptor tables of a CPU (AMD64 APM vol. 2, 4.6 to 4.8 and 8.9). Its GDT page holds the flat
 * segments that the ABI promises at 0xe008 to 0xe033 and its own TSS and LDT descriptors; it
 * becomes page 14 of whatever GDT window is loaded. Without a guest's window the base is chosen
 * such that page 14 is this very page in the direct map: the other pages of that "window" are never
 * looked at, because the hypervisor loads no selector below 0xe000.
 *
 * One IDT serves all CPUs.
 */
#include "x86/cpu.h"
#include "x86/asm.h"
#include "x86/init.h"
#include "x86/percpu.h"
#include "mm/page_alloc.h"

#define WINDOW_BASE (GDT_RESERVED_PAGE * PAGE_SIZE)
#define SLOT(sel)   (((sel)-WINDOW_BASE) / 8)

struct gate {
    uint16_t offset0, selector;
    uint8_t ist, type;
    uint16_t offset16;
    uint32_t offset32, zero;
};
struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static struct gate idt[256] __attribute__((aligned(4096)));

enum { IST_DF = 1, IST_NMI, IST_MC, IST_DB };

static void fill_idt(void)
{
    for (unsigned v = 0; v < 256; v++) {
        uint64_t to = trap_entry_table[v];
        bool for_guests = v == 3 || v == 4 || v == 0x80;

        idt[v] = (struct gate){.offset0 = (uint16_t)to,
                               .offset16 = (uint16_t)(to >> 16),
                               .offset32 = (uint32_t)(to >> 32),
                               .selector = SEL_HV_CODE,
                               .type = for_guests ? 0xee : 0x8e,
                               .ist = v == 8    ? IST_DF
                                      : v == 2  ? IST_NMI
                                      : v == 18 ? IST_MC
                                      : v == 1  ? IST_DB
                                                : 0};
    }
}

static void fill_gdt(struct pcpu *p)
{
    uint64_t tss = (uint64_t)&p->tss, limit = sizeof(struct tss) - 1;

    p->gdt[SLOT(SEL_HV_CODE)] = 0x00af9b000000fffful;
    p->gdt[SLOT(SEL_HV_DATA)] = 0x00cf93000000fffful;
    p->gdt[SLOT(SEL_GUEST_CS32)] = 0x00cffb000000fffful;
    p->gdt[SLOT(SEL_GUEST_DS)] = 0x00cff3000000fffful;
    p->gdt[SLOT(SEL_GUEST_CS64)] = 0x00affb000000fffful;
    p->gdt[SLOT(SEL_TSS)] =
        limit | (tss & 0xffffff) << 16 | 0x89ul << 40 | (tss >> 24 & 0xff) << 56;
    p->gdt[SLOT(SEL_TSS) + 1] = tss >> 32;
}

static void fill_tss(struct pcpu *p)
{
    uint64_t base = (uint64_t)p - PERCPU_DATA;

    p->tss.rsp[0] = (uint64_t)p;
    for (unsigned ist = IST_DF; ist <= IST_DB; ist++)
        p->tss.ist[ist - 1] = base + (ist + 2) * PAGE_SIZE; /* top of pages 2 to 5 */
    p->tss.io_bitmap = sizeof(struct tss);                  /* none */
}

void desc_init_cpu(struct pcpu *p)
{
    if (!idt[0].type)
        fill_idt();
    p->gdt = hv_page_alloc();
    if (!p->gdt)
        panic("out of memory for a CPU's descriptor table");
    p->idle_gdt_va = (uint64_t)p->gdt - WINDOW_BASE;
    fill_gdt(p);
    fill_tss(p);

    struct table_pointer gdtr = {WINDOW_BASE + PAGE_SIZE - 1, p->idle_gdt_va};
    struct table_pointer idtr = {sizeof(idt) - 1, (uint64_t)idt};

    __asm__ volatile("lgdt %0\n\t"
                     "lidt %1\n\t"
                     "lldt %w2\n\t"
                     "ltr %w3\n\t"
                     "mov %w2, %%ds\n\t"
                     "mov %w2, %%es\n\t"
                     "mov %w2, %%fs\n\t"
                     "mov %w2, %%gs\n\t"
                     "mov %w4, %%ss\n\t"
                     "push %q5\n\t"
                     "lea 1f(%%rip), %%rax\n\t"
                     "push %%rax\n\t"
                     "lretq\n"
                     "1:"
                     :
                     : "m"(gdtr), "m"(idtr), "r"(0), "r"(SEL_TSS), "r"(SEL_HV_DATA),
                       "r"((uint64_t)SEL_HV_CODE)
                     : "rax", "memory");
}
