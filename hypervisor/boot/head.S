/* SPDX-License-Identifier: MIT
 *
 * From the boot loader to C. Multiboot 1 and 2 both promise: 32-bit protected mode, flat segments, paging
 * and interrupts off, A20 open, eax a magic number and ebx the address of what they have to say; nothing
 * else (no stack, no direction flag, no GDT to be relied on).
 *
 * The page tables made here serve until x86/hvmap.c has made the real ones: the first 4 GiB of physical
 * memory at 0, and again where the direct map will be; the first GiB at IMAGE_VIRT. Interrupts stay off.
 * The stack lies in a 64 KiB block shaped as a CPU's region (x86/percpu.h), so that this_cpu() works.
 */
#define IMAGE_VIRT   0xffff82d080000000
#define PHYS(x)      ((x) - IMAGE_VIRT)

#define PTE_TABLE    0x07           /* present, writable, user: the leaf decides */
#define PTE_LEAF_2M  0xe3           /* present, writable, accessed, dirty, 2 MiB */

#define CR0_PE       0x00000001
#define CR0_ET       0x00000010
#define CR0_NE       0x00000020
#define CR0_MP       0x00000002
#define CR0_WP       0x00010000
#define CR0_PG       0x80000000
#define CR4_PAE      0x20
#define CR4_OSFXSR   0x600          /* with OSXMMEXCPT */
#define MSR_EFER     0xc0000080
#define EFER_LME     0x100
#define EFER_NXE     0x800

    .section .text.head, "ax", @progbits
    .code32

/* Multiboot 1: pages aligned, memory map wanted. */
    .balign 4
multiboot1:
    .long 0x1badb002
    .long 0x3
    .long -(0x1badb002 + 0x3)

/* Multiboot 2: command line, modules, memory map, RSDP and names wanted; text console kept. */
    .balign 8
multiboot2:
    .long 0xe85250d6
    .long 0
    .long 2f - multiboot2
    .long -(0xe85250d6 + 0 + (2f - multiboot2))
    .balign 8
    .short 1, 0                     /* information request: must be understood */
    .long 1f - (. - 4)
    .long 1, 3, 6                   /* command line, modules, memory map */
1:
    .balign 8
    .short 6, 1                     /* modules on page boundaries */
    .long 8
    .balign 8
    .short 4, 1                     /* flags: EGA text supported, console not required */
    .long 12
    .long 2
    .balign 8
    .short 0, 0
    .long 8
2:

entry32:
    cli
    cld
    lgdt PHYS(boot_gdt_pointer)
    ljmp $0x08, $PHYS(1f)
1:  mov $0x10, %ecx
    mov %ecx, %ds
    mov %ecx, %es
    mov %ecx, %ss
    mov $PHYS(boot_stack_top), %esp
    push $0
    popf
    mov %eax, %ebp                  /* magic; ebx stays the information's address */

    mov $0x80000000, %eax
    push %ebx
    cpuid
    pop %ebx
    cmp $0x80000001, %eax
    jb no_long_mode
    mov $0x80000001, %eax
    push %ebx
    cpuid
    pop %ebx
    bt $29, %edx
    jnc no_long_mode
    mov %edx, %edi                  /* bit 20: NX */

    /* four L2 tables: 2048 leaves of 2 MiB */
    mov $PHYS(boot_l2), %esi
    mov $PTE_LEAF_2M, %eax
    xor %edx, %edx
    mov $2048, %ecx
1:  mov %eax, (%esi)
    mov %edx, 4(%esi)
    add $0x200000, %eax
    adc $0, %edx
    add $8, %esi
    loop 1b
    /* L3 of the first 4 GiB */
    mov $PHYS(boot_l2) + PTE_TABLE, %eax
    mov $PHYS(boot_l3), %esi
    mov $4, %ecx
1:  mov %eax, (%esi)
    add $0x1000, %eax
    add $8, %esi
    loop 1b
    /* L3 of the image, and L4: slot 0, 261 image, 262 direct map */
    movl $PHYS(boot_l2) + PTE_TABLE, PHYS(boot_l3_image) + 8 * ((IMAGE_VIRT >> 30) & 511)
    movl $PHYS(boot_l3) + PTE_TABLE, PHYS(boot_l4)
    movl $PHYS(boot_l3_image) + PTE_TABLE, PHYS(boot_l4) + 8 * 261
    movl $PHYS(boot_l3) + PTE_TABLE, PHYS(boot_l4) + 8 * 262

    mov $(CR4_PAE | CR4_OSFXSR), %eax
    mov %eax, %cr4
    mov $PHYS(boot_l4), %eax
    mov %eax, %cr3
    mov $MSR_EFER, %ecx
    rdmsr
    or $EFER_LME, %eax
    bt $20, %edi
    jnc 1f
    or $EFER_NXE, %eax
1:  wrmsr
    mov $(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE), %eax
    mov %eax, %cr0
    ljmp $0x18, $PHYS(entry64)

no_long_mode:
    mov $PHYS(no_long_mode_text), %esi
    mov $0xb8000, %edi
    mov $0x07, %ah
1:  lodsb
    test %al, %al
    jz 2f
    stosw
    mov $0x3fd, %edx                /* and on the first serial port, as firmware left it */
    mov %al, %cl
3:  in %dx, %al
    test $0x20, %al
    jz 3b
    mov $0x3f8, %edx
    mov %cl, %al
    out %al, %dx
    mov $0x07, %ah
    jmp 1b
2:  hlt
    jmp 2b

    .code64
entry64:
    movabs $1f, %rax
    jmp *%rax
1:  lea boot_stack_top(%rip), %rsp
    xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %fs
    mov %eax, %gs
    call early_idt_load
    mov %ebp, %edi
    mov %ebx, %esi
    xor %ebp, %ebp
    call start_of_day
    ud2

/* void boot_switch_stack(struct pcpu *p, void (*fn)(void)): the stack below p, for good. */
    .text
    .globl boot_switch_stack
boot_switch_stack:
    lea -256(%rdi), %rsp            /* the room above is for a guest's frame */
    call *%rsi
    ud2

/* Exceptions before x86/desc.c has set up the real table: say which and where, and stop. */
early_idt_load:
    lea early_idt(%rip), %rdi
    lea early_stubs(%rip), %rax
    mov $32, %ecx
1:  mov %ax, (%rdi)
    movw $0x18, 2(%rdi)
    movw $0x8e00, 4(%rdi)
    mov %rax, %rdx
    shr $16, %rdx
    mov %dx, 6(%rdi)
    shr $16, %rdx
    mov %edx, 8(%rdi)
    add $16, %rdi
    add $8, %rax
    loop 1b
    lgdt boot_gdt_pointer64(%rip)
    lidt early_idt_pointer(%rip)
    ret

    .macro EARLY n
    .balign 8
    push $\n
    jmp early_common
    .endm
    .altmacro
    .balign 8
early_stubs:
    .set i, 0
    .rept 32
    EARLY %i
    .set i, i + 1
    .endr
early_common:
    pop %rdi                        /* vector */
    mov (%rsp), %rsi                /* error code or rip */
    mov 8(%rsp), %rdx               /* rip or cs */
    mov %cr2, %rcx
    and $~15, %rsp
    call early_trap
    ud2

    .section .rodata
no_long_mode_text:
    .asciz "Bonsai needs a 64-bit CPU; this one has no long mode.\n"
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff        /* 0x08 32-bit code */
    .quad 0x00cf93000000ffff        /* 0x10 data */
    .quad 0x00af9b000000ffff        /* 0x18 64-bit code */
boot_gdt_pointer:
    .short . - boot_gdt - 1
    .quad PHYS(boot_gdt)
boot_gdt_pointer64:
    .short 31
    .quad boot_gdt
early_idt_pointer:
    .short 32 * 16 - 1
    .quad early_idt

    .section .init.stack, "aw", @nobits
    .balign 65536
boot_region:
    .skip 0xf000
boot_stack_top:
    .skip 0x1000                    /* struct pcpu */

    .section .init.bss, "aw", @nobits
    .balign 4096
boot_l4:
    .skip 4096
boot_l3:
    .skip 4096
boot_l3_image:
    .skip 4096
boot_l2:
    .skip 4 * 4096
early_idt:
    .skip 32 * 16

    .globl entry_physical
    .set entry_physical, PHYS(entry32)
    .section .note.GNU-stack, "", @progbits
