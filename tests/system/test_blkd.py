# SPDX-License-Identifier: MIT
"""Guests on bonsai-blkd (backendtype=bonsai): their data, and what becomes of it when the daemon is
killed."""
import re
from pathlib import Path

import pytest

import image

PID = "/run/bonsai/blkd.pid"


def sha256(text):
    return re.search(r"\b[0-9a-f]{64}\b", text)[0]


def on_blkd(guests, name, access="w", **options):
    """A guest whose disk is the file itself."""
    g = guests(name, **options)
    g.config = g.config.replace(
        f"phy:/dev/loop{g.number},xvda,w", f"{g.disk},raw,xvda,{access},backendtype=bonsai"
    )
    assert "backendtype=bonsai" in g.config

    def prepare():  # without a loop device, and as often as one likes
        g.dom0.put(g.path, g.config)
        g.dom0.run(f"rm -f {g.log}", check=True)
        return g

    g.prepare = prepare
    return g


def said(dom0, text, since=0):
    """What the daemon's log says, from a line on."""
    return text in dom0.run(f"tail -n +{since + 1} /var/log/bonsai/blkd.log").output


def log_lines(dom0):
    return int(dom0.run("wc -l </var/log/bonsai/blkd.log", check=True).output)


@pytest.fixture(autouse=True)
def only_its_stack(request, stack):
    if stack != getattr(request.function, "stack", "bonsai"):
        pytest.skip("is about the other tools")


def test_read_write_flush(dom0, guests):
    g = on_blkd(guests, "direct").create().wait_up()
    rows = dom0.run("xl block-list direct", check=True).output.splitlines()
    assert rows[1].split()[0] == "51712" and rows[1].split()[-1].endswith(
        "/backend/qdisk/%d/51712" % g.domid()
    )
    want = dom0.run(f"sha256sum {g.disk}", check=True, timeout=120).output
    assert sha256(g.run("sha256sum /dev/xvda", timeout=120).output) == sha256(want)
    assert "0 of 8 failed" in g.run("diskload /dev/xvda 5", timeout=120).output
    # what the guest has flushed is in the file
    g.run(
        "dd if=/dev/urandom of=/tmp/data bs=1M count=8 2>/dev/null && "
        "dd if=/tmp/data of=/dev/xvda bs=64k seek=100 2>/dev/null && sync && "
        "echo 3 >/proc/sys/vm/drop_caches",
        timeout=120,
    )
    data = sha256(g.run("sha256sum /tmp/data").output)
    part = "bs=64k skip=100 count=128 2>/dev/null | sha256sum"
    assert sha256(g.run(f"dd if=/dev/xvda {part}").output) == data
    assert sha256(dom0.run(f"dd if={g.disk} {part}").output) == data
    dom0.run("xl shutdown -w direct", check=True, timeout=60)
    g.wait_gone()


def test_killed_under_load(dom0, guests):
    """The guest notices a pause: no error, nothing lost, nothing old."""
    g = on_blkd(guests, "hardy").create().wait_up()
    before = log_lines(dom0)
    load = dom0.spawn(f"timeout 100 rig-guest {g.address} 'diskload /dev/xvda 20'")
    for _ in range(5):
        dom0.run(
            f"sleep 2; kill -9 $(cat {PID}); while [ ! -s {PID} ]; do sleep 0.1; done; "
            f"until kill -0 $(cat {PID}); do sleep 0.1; done",
            check=True,
            timeout=60,
        )
    r = dom0.wait(load, timeout=120)
    print(r.output)
    assert r.status == 0 and "0 of 8 failed" in r.output, r
    assert said(dom0, "taken over", before)


def test_bad_frontend(dom0):
    """Requests that no kernel would send, from a frontend in dom0 itself."""
    dom0.run(
        "dd if=/dev/zero of=/tmp/bad1.img bs=1M count=8 2>/dev/null; "
        "dd if=/dev/zero of=/srv/bad2.img bs=1M count=8 2>/dev/null",
        check=True,
    )
    before = log_lines(dom0)
    try:
        r = dom0.run("badfront /tmp/bad1.img /srv/bad2.img", timeout=180)
        print(r.output)
        assert r.status == 0 and "FAILED" not in r.output, r
        assert "ok ending" in r.output
        assert said(dom0, "makes no sense", before)
        assert said(dom0, "cannot be opened past the page cache", before)  # tmpfs
    finally:
        dom0.run("rm -f /tmp/bad1.img /srv/bad2.img")


def test_daemon_not_running(dom0, guests):
    g = on_blkd(guests, "early")
    g.prepare()
    dom0.run("kill $(cat /run/bonsai/blkd.supervisor); sleep 1")
    try:
        r = dom0.run(f"xl create -q {g.path}", timeout=60)
        assert r.status != 0 and "bonsai-blkd, is not running" in r.output
        assert g.domid() is None
    finally:
        dom0.run("bonsai-services start", check=True)
    g.create().wait_up()


def test_stopped_and_started(dom0, guests):
    """SIGTERM is as harmless as a kill."""
    g = on_blkd(guests, "calm").create().wait_up()
    load = dom0.spawn(f"timeout 100 rig-guest {g.address} 'diskload /dev/xvda 8'")
    dom0.run(f"sleep 2; kill $(cat {PID}); sleep 3", check=True)
    r = dom0.wait(load, timeout=120)
    assert r.status == 0 and "0 of 8 failed" in r.output, r
    dom0.run("xl shutdown -w calm", check=True, timeout=60)
    g.wait_gone()


def test_readonly_and_missing(dom0, guests):
    g = on_blkd(guests, "reader", access="r").create().wait_up()
    assert g.run("cat /sys/block/xvda/ro").output.strip() == "1"
    assert g.run("dd if=/dev/zero of=/dev/xvda bs=4k count=1 2>&1", check=False).status != 0
    other = on_blkd(guests, "writer", access="w")
    other.config = other.config.replace(other.disk, g.disk)
    other.prepare()
    r = dom0.run(f"xl create -q {other.path}", timeout=60)
    assert r.status != 0 and "is in use as xvda" in r.output
    other.config = other.config.replace(g.disk, "/srv/none.img")
    other.prepare()
    r = dom0.run(f"xl create -q {other.path}", timeout=60)
    assert r.status != 0 and "/srv/none.img" in r.output


@pytest.mark.parametrize("how", ["destroy", "crash"])
def test_ends_under_load(dom0, guests, how):
    g = on_blkd(guests, "busy", more='on_crash = "destroy"').create().wait_up()
    g.run("(diskload /dev/xvda 60) >/dev/null 2>&1 &")
    if how == "destroy":
        dom0.run("sleep 2; xl destroy busy", check=True)
    else:
        g.run(
            "echo 1 >/proc/sys/kernel/sysrq; (sleep 2; echo c >/proc/sysrq-trigger) &", check=False
        )
    g.wait_gone()


def test_stock_xl(dom0, guests):
    """Xen's own xl, its store, and bonsai-blkd behind backendtype=qdisk."""
    library = next(Path("/usr/lib/x86_64-linux-gnu").glob("liburing.so.2"))
    files = {
        "/usr/local/sbin/bonsai-blkd": image.BUILD / "sbin/bonsai-blkd",
        "/usr/local/sbin/bonsai-no-dm": image.BUILD / "sbin/bonsai-no-dm",
        "/usr/lib/x86_64-linux-gnu/liburing.so.2": library.resolve(),
    }
    dom0.run("mkdir -p /usr/local/sbin", check=True)
    for path, source in files.items():
        dom0.put(path, source.read_bytes())
        dom0.run(f"chmod 755 {path}", check=True)
    dom0.run("bonsai-blkd --pid-file=/tmp/blkd.pid", check=True)
    g = on_blkd(guests, "stock", more='device_model_override = "/usr/local/sbin/bonsai-no-dm"')
    g.config = g.config.replace("backendtype=bonsai", "backendtype=qdisk")
    try:
        g.create().wait_up()
        want = dom0.run(f"sha256sum {g.disk}", check=True, timeout=120).output
        assert sha256(g.run("sha256sum /dev/xvda", timeout=120).output) == sha256(want)
        load = dom0.spawn(f"timeout 100 rig-guest {g.address} 'diskload /dev/xvda 5'")
        dom0.run(
            "sleep 2; kill -9 $(cat /tmp/blkd.pid); bonsai-blkd --pid-file=/tmp/blkd.pid",
            check=True,
        )
        assert "0 of 8 failed" in dom0.wait(load, timeout=120).output
        assert "/backend/qdisk/" in dom0.run("xl block-list stock", check=True).output
        dom0.run("xl destroy stock", check=True)
        g.wait_gone()
    finally:
        dom0.run(
            "xl destroy stock 2>/dev/null; sleep 1; kill $(cat /tmp/blkd.pid); "
            f"rm -rf /run/bonsai {' '.join(files)}"
        )


test_stock_xl.stack = "stock"
