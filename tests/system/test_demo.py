# SPDX-License-Identifier: MIT
"""'make demo' as a user at a terminal runs it, and what it says when it cannot."""
import io
import subprocess

import pexpect
import pytest

import image

DEMO = str(image.HERE / "demo")


@pytest.fixture
def halves(hypervisor, stack):
    return ["--hypervisor", hypervisor, "--stack", stack]


def test_batch_fails():
    """Without a terminal it ends with a status, and a sentence when nothing can be shown."""
    done = subprocess.run(
        [DEMO, "--batch", "--hypervisor", "/no/such/image"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1
    assert "no hypervisor image /no/such/image" in done.stderr


def test_show_shell_and_power_off(halves):
    """The show; then the user gets dom0's shell, is told how to leave, and can."""
    shown = io.StringIO()
    with pexpect.spawn(
        DEMO, halves, timeout=300, encoding="utf-8", codec_errors="replace", logfile=shown
    ) as p:
        p.expect("all went well")
        p.expect("To leave: Ctrl-]")
        p.expect("dom0#")
        p.sendline("xl list; echo answer $((6 * 7))")
        p.expect("two  .*answer 42")
        p.sendline("poweroff -f")
        p.expect("The machine is off", timeout=60)
        p.expect(pexpect.EOF)
    assert p.exitstatus == 0
    words = ["one ", "two ", "2 packets received", "hello on version", "the disk of disk"]
    if halves[3] == "bonsai":
        words += ["backendtype=bonsai", "list-vms", "Running"]
    for word in words:
        assert word in shown.getvalue()
