# SPDX-License-Identifier: MIT
"""'make demo' as a user without a terminal runs it, and with one: the shell at its end."""
import subprocess
import sys

import pexpect
import pytest

import image

DEMO = str(image.HERE / "demo")


@pytest.fixture
def halves(hypervisor, stack):
    return ["--hypervisor", hypervisor, "--stack", stack]


def test_batch(halves):
    done = subprocess.run(
        [DEMO, "--batch", *halves],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    words = ["one ", "two ", "2 packets received", "hello on version", "all went well"]
    if "bonsai" == halves[3]:
        words += ["backendtype=bonsai", "Running"]
    for word in words:
        assert word in done.stdout


def test_shell_and_power_off(halves):
    """At a terminal the user gets dom0's shell, is told how to leave, and can."""
    with pexpect.spawn(
        DEMO, halves, timeout=300, encoding="utf-8", codec_errors="replace", logfile=sys.stdout
    ) as p:
        p.expect("To leave: Ctrl-]")
        p.expect("dom0#")
        p.sendline("xl list; echo answer $((6 * 7))")
        p.expect("two  .*answer 42")
        p.sendline("poweroff -f")
        p.expect("The machine is off", timeout=60)
        p.expect(pexpect.EOF)
    assert p.exitstatus == 0
