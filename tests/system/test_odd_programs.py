# SPDX-License-Identifier: MIT
"""Processes that do odd things to their CPU (tests/guest-programs/odd.c): a PV guest must not show them another
machine than bare metal does, and neither the guest's kernel nor the hypervisor may mind them.

The lines are what Debian says on hardware. Where QEMU's software CPU differs from hardware there is an alternative.
"""
import re

SEGV = "SEGV/SEGV"
EXPECTED = {
    # QEMU's error code of INT n in long mode is n * 16 + 2: 64 and 192 look like 128
    "int_n": r"0:SEGV 3:TRAP 4:SEGV( 64:ok 65:SEGV)? 128:ok 129:SEGV( 192:ok 193:SEGV)?",
    "int80": r"getpid right, no such call -38",
    "breakpoints_in_code": r"int3 TRAP, icebp (TRAP|ILL), ud2 ILL, ud2 'xen' nop ILL",
    "magic_rax": r"-85:ok -11:ok -4:ok -512:ok 23:ok 0:ok",
    "ldt_data": r"0:right 1:right 511:right 512:right 8191:right empty:SEGV",
    "code32": r"23:right 0:SEGV 1f:right",
    "code32_entries": r"over",
    "forged_selectors": r"cs ok, ss ok",
    "forged_rips": " ".join(["SEGV"] * 9),
    "forged_rflags": r"iopl 0 vm 0 if 1, popf iopl 0 vm 0 if 1, popf if off 1, nt survives",
    "bad_addresses": " ".join([SEGV] * 12) + r" stack (BUS|SEGV) call ok",
    "privileged": r"hlt:SEGV( xsetbv:ILL iret to 0:SEGV)?( lock in:ILL)?",
    "edge_of_page": r"SEGV SEGV SEGV SEGV SEGV ILL ILL hlt SEGV",
    "tsc": r"off SEGV SEGV, child SEGV, on ok ok",
    "ports": r"own ok, other SEGV, two SEGV ok SEGV SEGV SEGV SEGV SEGV, iopl 0 ok, gone SEGV",
    "single_step": r"start right: 1 2 3 8 10 15 17 19 21 23 34 41, exit 42",
    "hardware_breakpoints": r"kernel address refused, general detect seen, write at 34 dr6 2, mov ss seen, exit 42",
    "bases": r"gs 0 kept, high 1, read right, ds 2b es 2b",
    "vectors": r"kept",
    "float_errors": r"x87 FPE 3, sse (FPE|ok) 3, mxcsr 0xffffffff (SEGV|ok), divide FPE",
    "forks": r"300 300",
}


def differences(output):
    said = dict(line.split(":", 1) for line in output.splitlines() if ":" in line)
    return {name: said.get(name, "nothing").strip() for name, line in EXPECTED.items()
            if not re.fullmatch(line, said.get(name, "nothing").strip())}


def test_in_dom0(dom0):
    before = dom0.run("dmesg | grep -c -e BUG: -e Oops -e WARNING:").output
    assert not differences(dom0.run("odd", timeout=300).output)
    assert dom0.run("dmesg | grep -c -e BUG: -e Oops -e WARNING:").output == before


def test_in_a_guest(guests):
    guest = guests("odd").create().wait_up()
    assert not differences(guest.run("odd", timeout=400, check=False).output)
    assert guest.run("dmesg | grep -c -e BUG: -e Oops", check=False).output.strip() == "0"
    assert "r" in guest.state() or "b" in guest.state()


def test_beside_each_other(dom0, guests):
    """dom0 and a guest at the same time: what one leaves in the CPU is not the other's to find."""
    guest = guests("odd").create().wait_up()
    job = dom0.spawn("odd vectors tsc ldt_data bases hardware_breakpoints float_errors")
    names = "vectors tsc ldt_data bases hardware_breakpoints float_errors"
    in_guest = guest.run(f"odd {names}", timeout=300, check=False).output
    in_dom0 = dom0.wait(job, timeout=300).output
    for output in in_guest, in_dom0:
        assert not {k: v for k, v in differences(output).items() if k in names.split()}
