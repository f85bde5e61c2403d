# SPDX-License-Identifier: MIT
"""PV Linux guests with disk and network: two at once, their data, and nothing left when they are
gone."""
import re

import pytest


def sha256(text):
    return re.search(r"\b[0-9a-f]{64}\b", text)[0]


def send_16_mib(sender, receiver, address):
    """TCP to a receiver that answers with the checksum of what it got."""
    receiver("nc -l -p 9000 -e sha256sum >/dev/null 2>&1 &")
    got = sender(f"sleep 1; timeout 60 nc {address} 9000 </tmp/data", timeout=90)
    assert sha256(got.output) == sha256(sender("sha256sum /tmp/data").output)


def test_debian_kernel_as_it_is(dom0, guests):
    """Debian's compressed bzImage, straight from its package."""
    g = guests("bz", kernel="/guests/vmlinuz").create().wait_up()
    assert dom0.run("xl list bz", check=True).output.splitlines()[1].split()[0] == "bz"
    assert g.run("cat /sys/hypervisor/type").output.strip() == "xen"
    dom0.run("xl shutdown -w bz", check=True, timeout=60)
    g.wait_gone()


def test_two_guests_disk_and_network(dom0, guests):
    one, two = guests("one").create(), guests("two").create()
    both = [(one, two), (two, one)]
    for g, _ in both:
        g.wait_up()
    names = dom0.run("xl list | awk 'NR > 1 {print $1}'", check=True).output.split()
    assert names == ["Domain-0", "one", "two"]

    for g, other in both:
        want = dom0.run(f"sha256sum {g.disk}", check=True, timeout=120).output
        assert sha256(g.run("sha256sum /dev/xvda", timeout=120).output) == sha256(want)
        g.run("ping -c 3 -w 10 10.9.0.1")
        g.run(f"ping -c 3 -w 10 {other.address}")
        dom0.run(f"ping -c 3 -w 10 {g.address}", check=True)

    # what a guest writes is what it reads again, and what dom0 finds in the file
    for g, _ in both:
        g.run(
            "dd if=/dev/urandom of=/tmp/data bs=1M count=16 2>/dev/null && "
            "dd if=/tmp/data of=/dev/xvda bs=64k seek=100 2>/dev/null && sync && "
            "echo 3 >/proc/sys/vm/drop_caches",
            timeout=120,
        )
        want = sha256(g.run("sha256sum /tmp/data", timeout=120).output)
        assert (
            sha256(
                g.run(
                    "dd if=/dev/xvda bs=64k skip=100 count=256 2>/dev/null | sha256sum", timeout=120
                ).output
            )
            == want
        )
        assert (
            sha256(
                dom0.run(
                    f"dd if={g.disk} bs=64k skip=100 count=256 2>/dev/null | sha256sum", timeout=120
                ).output
            )
            == want
        )

    for g, other in both:
        send_16_mib(other.run, g.run, g.address)

    for g, _ in both:
        dom0.run(f"xl destroy {g.name}", check=True)
        assert g.domid() is None


def test_tcp_between_dom0_and_guest(dom0, guests):
    def run(command, **options):
        return dom0.run(command, check=True, **options)

    g = guests("net").create().wait_up()
    for side in (run, g.run):
        side("dd if=/dev/urandom of=/tmp/data bs=1M count=16 2>/dev/null")
    send_16_mib(run, g.run, g.address)
    send_16_mib(g.run, run, "10.9.0.1")
    dom0.run("rm /tmp/data")


def test_console_log_and_block_and_network_list(dom0, guests):
    g = guests("con").create().wait_up()
    assert "=== guest up xen" in dom0.run(f"cat {g.log}", check=True).output
    disk = dom0.run("xl block-list con", check=True).output.splitlines()[1].split()
    assert disk[0] == "51712" and disk[3] == "4"
    nic = dom0.run("xl network-list con", check=True).output.splitlines()[1].split()
    assert nic[0] == "0" and nic[4] == "4"
    assert dom0.run(f"xl domname {g.domid()}", check=True).output.strip() == "con"


def test_pause_and_unpause(dom0, guests):
    g = guests("still").create().wait_up()
    dom0.run("xl pause still", check=True)
    assert "p" in g.state()
    assert dom0.run(f"ping -c 1 -w 2 {g.address} >/dev/null").status == 1
    dom0.run("xl unpause still", check=True)
    dom0.run(f"ping -c 1 -w 10 {g.address}", check=True)
    assert "p" not in g.state()


def test_xl_console(dom0, guests, stack):
    """What is typed reaches the guest's shell, what it answers comes back."""
    if stack == "stock":
        pytest.skip("stock xl console reads a terminal only")
    guests("tty").create().wait_up()
    typed = "sleep 2; echo; echo 'echo answer $((6 * 7))'; sleep 4"
    said = dom0.run(f"({typed}) | timeout 12 xl console tty", timeout=40).output
    assert "answer 42" in said, said


def test_shutdown_waits_and_writes_what_is_dirty(dom0, guests):
    """xl shutdown -w: the guest goes down by itself, its data is on the disk."""
    g = guests("last").create().wait_up()
    g.run("echo last words | dd of=/dev/xvda bs=4k seek=7 conv=sync 2>/dev/null; sync")
    dom0.run("xl shutdown -w last", check=True, timeout=90)
    g.wait_gone()
    assert dom0.run(f"dd if={g.disk} bs=4k skip=7 count=1 2>/dev/null").output.startswith(
        "last words"
    )


@pytest.mark.parametrize("disk", ["file:{},xvda,w", "{},raw,xvda,rw"])
def test_disk_in_a_file(dom0, guests, stack, disk):
    """The tools attach a loop device, and detach it again (the dom0 fixture looks)."""
    if stack == "stock":
        pytest.skip("stock xl wants a QEMU in dom0 for disks in files")
    g = guests("file")
    g.config = re.sub(r"(?m)^disk = .*", f"disk = ['{disk.format(g.disk)}']", g.config)
    dom0.put(g.path, g.config)
    dom0.run(f"xl create -q {g.path}", check=True, timeout=120)
    g.wait_up()
    want = dom0.run(f"sha256sum <{g.disk}", check=True, timeout=120).output
    assert g.run("sha256sum </dev/xvda", timeout=120).output == want


def test_read_only_disk(dom0, guests):
    g = guests("ro")
    g.config = g.config.replace(",xvda,w", ",xvda,r")
    g.create().wait_up()
    assert g.run("dd if=/dev/zero of=/dev/xvda bs=4k count=1", check=False).status != 0
    assert g.run("cat /sys/block/xvda/ro").output.strip() == "1"
