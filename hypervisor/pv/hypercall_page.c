/* SPDX-License-Identifier: MIT
 *
 * 128 stubs of 32 bytes: push rcx; push r11; mov $n, eax; syscall; pop r11; pop rcx; ret. Stub 23
 * (iret) never returns: it pushes rax instead, on top of which the guest has put the flags word.
 */
#include <xen/xen.h>
#include "x86/hvmap.h"
#include "mm/frame.h"
#include "dom/domain.h"
#include "pv/hypercall_page.h"

#define STUB_SIZE 32u

static void write_stub(uint8_t *p, uint32_t n)
{
    static const uint8_t head[] = {0x51, 0x41, 0x53}; /* push rcx; push r11 */
    static const uint8_t call[] = {0x0f, 0x05, 0x41,
                                   0x5b, 0x59, 0xc3}; /* syscall; pop r11; pop rcx; ret */

    memset(p, 0xcc, STUB_SIZE);
    memcpy(p, head, sizeof(head));
    p += sizeof(head);
    if (n == __HYPERVISOR_iret)
        *p++ = 0x50; /* push rax */
    *p++ = 0xb8;
    memcpy(p, &n, sizeof(n));
    p += sizeof(n);
    memcpy(p, call, n == __HYPERVISOR_iret ? 2 : sizeof(call));
}

int hypercall_page_write(struct domain *d, mfn_t m)
{
    struct frame *f = frame_of(m);

    if (!f || frame_get_and_type(f, d, FRAME_WRITABLE))
        return -EINVAL;
    for (uint32_t n = 0; n < PAGE_SIZE / STUB_SIZE; n++)
        write_stub((uint8_t *)mfn_to_va(m) + n * STUB_SIZE, n);
    frame_put_and_type(f);
    return 0;
}
