/* SPDX-License-Identifier: MIT */
/* The ELF32 file around the 64-bit image: what QEMU's -kernel and GRUB's multiboot loaders accept. */
    .section .image, "awx", @progbits
    .incbin "bonsai.bin"
