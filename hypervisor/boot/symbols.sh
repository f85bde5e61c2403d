#!/bin/sh
# SPDX-License-Identifier: MIT
# symbols.sh ELF: the assembly of the table that lib/backtrace.c searches: for each function, in order of
# address, its distance from image_start and that of its name from symbol_names, both 32 bits.
nm -n "$1" | awk '
    $1 ~ /^ffff/ && $2 ~ /^[tT]$/ && $3 !~ /^\./ && $1 != last { last = $1; n++; addr[n] = $1; name[n] = $3 }
    END {
        print ".section .symbols, \"a\"\n.globl symbol_table, symbol_table_end, symbol_names\nsymbol_table:"
        at = 0
        for (i = 1; i <= n; i++) {
            printf ".long 0x%s - 0xffff82d080200000, %d\n", addr[i], at
            at += length(name[i]) + 1
        }
        print "symbol_table_end:\nsymbol_names:"
        for (i = 1; i <= n; i++)
            printf ".asciz \"%s\"\n", name[i]
    }'
echo '.section .note.GNU-stack, "", @progbits'
