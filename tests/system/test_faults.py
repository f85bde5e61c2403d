# SPDX-License-Identifier: MIT
"""Guests that end badly: dom0 goes on, and everything they had comes back (the dom0 fixture looks)."""
import pytest


def crash(guest):
    """A kernel panic: the connection breaks with the guest."""
    guest.run(
        "echo 1 >/proc/sys/kernel/sysrq; (sleep 0.3; echo c >/proc/sysrq-trigger) &", check=False
    )


def test_crash_destroys(dom0, guests):
    g = guests("crash", more='on_crash = "destroy"').create().wait_up()
    crash(g)
    g.wait_gone()
    assert dom0.run("xl info free_memory").status == 0


def test_crash_preserved(dom0, guests):
    g = guests("kept", more='on_crash = "preserve"').create().wait_up()
    crash(g)
    g.wait_for(lambda: "c" in g.state(), "shown as crashed")
    dom0.run("xl destroy kept", check=True)
    g.wait_gone()


@pytest.mark.parametrize("how", ["inside", "xl"])
def test_reboot_comes_back(dom0, guests, how):
    g = guests("again").create().wait_up()
    first = g.domid()
    if how == "xl":
        dom0.run("xl reboot again", check=True)
    else:
        g.run("(sleep 0.3; reboot -f) &", check=False)
    g.wait_for(lambda: g.domid() not in (None, first), "rebooted")
    g.wait_up()
    assert float(g.run("cut -d' ' -f1 /proc/uptime").output) < 60


def test_crash_restarts(dom0, guests):
    g = guests("phoenix", more='on_crash = "restart"').create().wait_up()
    first = g.domid()
    crash(g)
    g.wait_for(lambda: g.domid() not in (None, first), "restarted")
    g.wait_up()


def test_poweroff_inside(dom0, guests):
    g = guests("off").create().wait_up()
    g.run("(sleep 0.3; poweroff -f) &", check=False)
    g.wait_gone()


@pytest.mark.parametrize(
    "traffic",
    ["dd if=/dev/zero of=/dev/xvda bs=256k", "dd if=/dev/xvda of=/dev/null bs=256k iflag=direct"],
)
def test_destroy_during_disk_traffic(dom0, guests, traffic):
    g = guests("busy").create().wait_up()
    g.run(f"(while :; do {traffic} 2>/dev/null; done) >/dev/null 2>&1 &")
    dom0.run("sleep 2; xl destroy busy", check=True)
    g.wait_gone()
    dom0.run(f"dd if={g.disk} of=/dev/null bs=1M 2>/dev/null", check=True)


def test_destroy_during_network_traffic(dom0, guests):
    g = guests("chatty").create().wait_up()
    g.run("(while :; do nc -l -p 9000 -e cat /dev/zero; done) >/dev/null 2>&1 &")
    dom0.run(
        f"(sleep 0.5; nc {g.address} 9000 </dev/null >/dev/null 2>&1) & sleep 3; xl destroy chatty",
        check=True,
    )
    g.wait_gone()


def test_one_guest_after_another(dom0, guests):
    """Small leaks add up: free memory has a grain of a MiB."""
    g = guests("many").prepare()
    for _ in range(6):
        dom0.run(f"xl create -q {g.path} && xl destroy many", check=True, timeout=90)
