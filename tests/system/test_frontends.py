# SPDX-License-Identifier: MIT
"""The portable frontends in guest kernels of our own, examples/disk and examples/net: on the
kernel's backends, on bonsai-blkd, and through the death of the latter."""
import re

import pytest

import image
from test_kit import Kernel

NET = "10.9.0.77"
BLKD = "/run/bonsai/blkd.pid"
needs_lwip = pytest.mark.skipif(
    not (image.BUILD / "guests/net").exists(),
    reason="build/guests/net is not built: the mirror has no source package of lwIP (tests/rig/lwip)",
)


@pytest.fixture
def kernel(dom0):
    made = []

    def new(name, **options):
        made.append(Kernel(dom0, name, memory=32, **options))
        return made[-1]

    yield new
    for k in made:
        if not dom0.ended:
            k.clean_up()
    if not dom0.ended:
        dom0.run("rm -f /tmp/front-*.img; for n in 6 7; do losetup -d /dev/loop$n 2>/dev/null; done")


def make_disk(dom0, name, sectors):
    """A file of random bytes."""
    path = f"/tmp/front-{name}.img"
    dom0.run(f"dd if=/dev/urandom of={path} bs=512 count={sectors} 2>/dev/null", check=True)
    return path


def sha256(dom0, path):
    return dom0.run(f"sync; sha256sum {path}", check=True, timeout=60).output.split()[0]


def said_hashes(kernel, device):
    return re.findall(rf"^device/vbd/{device}: sha256 ([0-9a-f]{{64}})$", kernel.said(), re.M)


def shut_down(dom0, kernel):
    dom0.run(f"xl shutdown -w {kernel.name}", check=True, timeout=60)
    kernel.wait_gone()


def test_disks(dom0, kernel):
    """Sizes and hashes as dom0 sees them; what is written is in the file; read-only is kept."""
    one, two = make_disk(dom0, "one", 6144), make_disk(dom0, "two", 1025)
    dom0.run(f"losetup /dev/loop6 {one} && losetup /dev/loop7 {two}", check=True)
    before = sha256(dom0, one)
    k = kernel("disk", kernel="disk", extra="write",
               more="disk = ['phy:/dev/loop6,xvda,w', 'phy:/dev/loop7,xvdb,r']")
    k.wait_said("disk: 2 disks seen")
    said = k.said()
    assert "device/vbd/51712: 3145728 bytes, sectors of 512, read-write" in said
    assert "device/vbd/51728: 524800 bytes, sectors of 512, read-only" in said
    assert "device/vbd/51712: write check: good (0 words differ)\n" in said
    assert "device/vbd/51728: a write is refused with error 30\n" in said
    after = sha256(dom0, "/dev/loop6")
    assert said_hashes(k, 51712) == [before, after] and before != after
    assert said_hashes(k, 51728) == [sha256(dom0, two)]
    shut_down(dom0, k)
    assert "lost" not in k.said(), "the backend gave all pages back"


def test_disk_on_blkd(dom0, kernel, stack):
    if stack != "bonsai":
        pytest.skip("bonsai-blkd is part of our stack")
    path = make_disk(dom0, "blkd", 8192)
    before = sha256(dom0, path)
    k = kernel("ondisk", kernel="disk", extra="write",
               more=f"disk = ['{path},raw,xvda,w,backendtype=bonsai']")
    k.wait_said("disk: 1 disks seen")
    assert "write check: good" in k.said()
    assert said_hashes(k, 51712) == [before, sha256(dom0, path)]
    shut_down(dom0, k)
    assert "lost" not in k.said(), "the backend gave all pages back"


@pytest.mark.parametrize("journal", [True, False], ids=["taken over", "begun anew"])
def test_blkd_killed(dom0, kernel, stack, journal):
    """The daemon dies again and again while the guest reads. With its journals its successor goes on
    where it was; without, all connects anew and the guest asks again for what it has not got."""
    if stack != "bonsai":
        pytest.skip("bonsai-blkd is part of our stack")
    path = make_disk(dom0, "killed", 32768)
    want = sha256(dom0, path)
    k = kernel("reader", kernel="disk", extra="rounds=100000",
               more=f"disk = ['{path},raw,xvda,r,backendtype=bonsai']")
    k.wait(lambda: len(said_hashes(k, 51712)) > 0, "reading")
    for _ in range(3):
        rounds = len(said_hashes(k, 51712))
        forget = "" if journal else "rm -f /run/bonsai/blkd/*; "
        dom0.run(f"{forget}kill -9 $(cat {BLKD}); while [ ! -s {BLKD} ]; do sleep 0.1; done; "
                 f"until kill -0 $(cat {BLKD}); do sleep 0.1; done", check=True, timeout=60)
        k.wait(lambda: len(said_hashes(k, 51712)) > rounds + 1, "reading again", seconds=60)
    hashes = said_hashes(k, 51712)
    assert set(hashes) == {want}, hashes
    assert "error" not in k.said() and "broken" not in k.said(), k.said()
    shut_down(dom0, k)


@needs_lwip
def test_network(dom0, kernel):
    """ARP, ICMP echo and TCP from dom0, whose checksums nobody has filled in on the way."""
    k = kernel("net", kernel="net", extra=f"ip={NET}/24 gw=10.9.0.1 port=1007",
               more="vif = ['mac=00:16:3e:00:00:77,bridge=br0']")
    k.wait_said(f"net: {NET}, mac 00:16:3e:00:00:77, mtu 1500, TCP port 1007\n")
    dom0.run(f"ping -c 3 -w 20 {NET}", check=True, timeout=40)
    dom0.run(f"ping -c 3 -s 1472 -w 20 {NET}", check=True, timeout=40)
    dom0.run("head -c 400000 /dev/urandom >/tmp/front-sent.img && "
             f"timeout 50 nc {NET} 1007 </tmp/front-sent.img | cmp - /tmp/front-sent.img",
             check=True, timeout=60)
    refused = dom0.run(f"nc {NET} 1008 </dev/null 2>&1", timeout=30)
    assert refused.status != 0 and "refused" in refused.output
    shut_down(dom0, k)
    counts = re.search(r"net: (\d+) frames sent, (\d+) received, (\d+) and (\d+) lost, (\d+) checksums",
                       k.said())
    assert counts and int(counts[1]) > 200 and int(counts[2]) > 200, k.said()
    assert counts[3] == counts[4] == "0" and int(counts[5]) > 0, counts[0]
    assert "pages, which are lost" not in k.said()


@needs_lwip
def test_net_without_address(dom0, kernel):
    k = kernel("lost", kernel="net", extra="ip=10.9.0.300/24", more="vif = ['bridge=br0']")
    k.wait_said("net: the command line must have ip=ADDRESS/BITS\n")
    shut_down(dom0, k)
