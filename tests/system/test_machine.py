# SPDX-License-Identifier: MIT
"""The machine itself: the ways to boot it, dom0 as driver domain by every sort of interrupt, ACPI's
end."""
import hashlib
import http.server
import os
import re
import subprocess
import threading

import pytest

import image
import machine
from disks import blank_disk

MIB = 1 << 20
# QEMU's devices, the name of the disk in dom0, and what its interrupts may be called in
# /proc/interrupts
DISKS = {
    "virtio": (["-device", "virtio-blk-pci,drive=virtio"], "/dev/vda", "virtio"),
    "nvme": (["-device", "nvme,drive=nvme,serial=rig"], "/dev/nvme0n1", "nvme"),
    "ahci": (
        ["-device", "ich9-ahci,id=sata", "-device", "ide-hd,drive=ahci,bus=sata.0"],
        "/dev/sda",
        "ahci",
    ),
}
# each network card on a network of its own, QEMU's user-mode one: the host is its .2
NICS = {
    "e1000": ("e1000", "10.10.1"),
    "e1000e": ("e1000e", "10.10.2"),
    "virtio-net": ("virtio-net-pci", "10.10.3"),
}
# the kernel's arguments, and what kind of interrupt that gives each device
MODES = {
    "msi": (
        "",
        {
            "virtio": "msi-x",
            "nvme": "msi-x",
            "ahci": "msi",
            "e1000": "ioapic",
            "e1000e": "msi-x",
            "virtio-net": "msi-x",
        },
    ),
    "intx": ("pci=nomsi", dict.fromkeys([*DISKS, *NICS], "ioapic")),
}


def devices(tag):
    """Arguments for QEMU with all disks and network cards; the disks' files by name."""
    args, files = [], {}
    for name, (device, _, _) in DISKS.items():
        files[name] = blank_disk(f"{tag}-{name}", 32)
        args += ["-drive", f"if=none,id={name},file={files[name]},format=raw", *device]
    for name, (model, net) in NICS.items():
        args += [
            "-netdev",
            f"user,id={name},net={net}.0/24,host={net}.2",
            "-device",
            f"{model},netdev={name},romfile=",
        ]
    return args, files


@pytest.fixture(scope="module")
def server():
    """A web server on the host: (port, {path: bytes it serves}, {path: bytes it was sent})."""
    serves, got = {}, {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            data = serves.get(self.path)
            self.send_response(200 if data is not None else 404)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def do_POST(self):
            got[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    yield s.server_address[1], serves, got
    s.shutdown()


@pytest.fixture(scope="module", params=list(MODES))
def driven(request, start_machine, hypervisor, stack):
    """A machine with every disk and network card, by one mode of interrupts."""
    mode = request.param
    args, files = devices(f"{hypervisor}-{stack}-{mode}".replace("/", "_"))
    m = start_machine(f"drivers-{mode}", kernel_args=MODES[mode][0], qemu_args=args, stack="none")
    yield mode, m, files
    m.stop()


def interrupt_kinds(m, driver):
    """What kinds of interrupt the devices of this driver have had, from /proc/interrupts."""
    lines = m.run("cat /proc/interrupts", check=True).output.splitlines()
    return {
        re.sub(r"^xen-pirq|^-|-(level|edge)$", "", word)
        for line in lines
        if driver in line and not re.match(r"\s*\d+:\s+0\s", line)
        for word in re.findall(r"(?:xen-pirq)?-?(?:ioapic|msi-x|msi)(?:-level|-edge)?", line)[:1]
    }


@pytest.mark.parametrize("disk", DISKS)
def test_disk(driven, disk):
    mode, m, files = driven
    _, device, driver = DISKS[disk]
    data = files[disk].read_bytes()
    m.run(f"for n in 1 2 3 4 5 6 7 8 9 10; do [ -b {device} ] && break; sleep 0.5; done")
    out = m.run(f"sha256sum {device}", check=True, timeout=120).output
    assert out.split()[0] == hashlib.sha256(data).hexdigest(), "reading"
    m.run(
        f"dd if=/dev/urandom of=/tmp/new bs=1M count=8 2>/dev/null && "
        f"dd if=/tmp/new of={device} bs=64k seek=16 conv=notrunc 2>/dev/null && sync && "
        f"echo 3 >/proc/sys/vm/drop_caches",
        check=True,
        timeout=120,
    )
    new = m.run("sha256sum /tmp/new", check=True, timeout=60).output.split()[0]
    back = m.run(
        f"dd if={device} bs=64k skip=16 count=128 2>/dev/null | sha256sum", check=True, timeout=60
    )
    assert back.output.split()[0] == new, "reading back"
    on_host = files[disk].read_bytes()
    assert hashlib.sha256(on_host[MIB : 9 * MIB]).hexdigest() == new, "what the host's file holds"
    assert (
        on_host[:MIB] == data[:MIB] and on_host[9 * MIB :] == data[9 * MIB :]
    ), "the rest of the disk"
    if hypervisor_is_xen_like(m):
        assert MODES[mode][1][disk] in interrupt_kinds(m, driver)


@pytest.mark.parametrize("nic", NICS)
def test_network(driven, server, nic):
    mode, m, _ = driven
    port, serves, got = server
    driver = {"e1000": "e1000", "e1000e": "e1000e", "virtio-net": "virtio_net"}[nic]
    net = NICS[nic][1]
    found = m.run(
        f'for i in /sys/class/net/*; do [ "$(basename "$(readlink $i/device/driver)")" = {driver} ] && '
        f"basename $i; done; true",
        check=True,
    ).output.split()
    assert len(found) == 1, f"one interface of driver {driver}"
    eth = found[0]
    m.run(f"ip link set {eth} up && ip addr add {net}.15/24 dev {eth}", check=True)
    # the card takes seconds to find its link, and what is sent before that is lost
    m.run(
        f"for n in $(seq 100); do [ $(cat /sys/class/net/{eth}/carrier) = 1 ] && exit; sleep 0.2; done; exit 1",
        check=True,
    )
    m.run(f"ping -c 3 -w 15 {net}.2", check=True)
    serves[f"/{nic}"] = data = os.urandom(4 * MIB)
    out = m.run(
        f"wget -q -O /tmp/got http://{net}.2:{port}/{nic} && sha256sum /tmp/got",
        check=True,
        timeout=120,
    )
    assert out.output.split()[0] == hashlib.sha256(data).hexdigest(), "receiving"
    m.run("dd if=/dev/urandom of=/tmp/up bs=1M count=4 2>/dev/null", check=True)
    m.run(
        f"{{ printf 'POST /{nic}-{mode} HTTP/1.0\\r\\nContent-Length: {4 * MIB}\\r\\n\\r\\n'; cat /tmp/up; }} | "
        f"nc {net}.2 {port} >/tmp/answer; grep -q ' 200 ' /tmp/answer",
        check=True,
        timeout=120,
    )
    want = m.run("sha256sum /tmp/up", check=True).output.split()[0]
    assert hashlib.sha256(got[f"/{nic}-{mode}"]).hexdigest() == want, "sending"
    if hypervisor_is_xen_like(m):
        name = {"virtio-net": r"virtio"}.get(nic, eth)
        assert MODES[mode][1][nic] in interrupt_kinds(m, name)


def hypervisor_is_xen_like(m):
    return m.run("cat /sys/hypervisor/type 2>/dev/null").output.strip() == "xen"


def test_power_off(driven):
    """Last test on this machine."""
    _, m, _ = driven
    m.type("x")  # the console must not matter
    m.spawn("sleep 0.5; poweroff -f")
    assert m.wait_exit(60) == "guest-shutdown"


def test_reboot(boot):
    """The machine comes up again by itself."""
    m = boot("reboot", reboot=True, stack="none")
    m.put("/tmp/here", "before")
    m.spawn("sleep 0.5; reboot -f")
    m.wait_hello(2, 120)
    assert m.run("cat /tmp/here 2>/dev/null").status == 1
    assert m.run("cat /sys/hypervisor/type").output.strip() == "xen"


def test_iso(boot, hypervisor):
    """GRUB loads the hypervisor by multiboot 2 from build/bonsai.iso."""
    if hypervisor != "bonsai":
        pytest.skip("the ISO carries our hypervisor")
    iso = image.BUILD / "bonsai.iso"
    subprocess.run(["/usr/bin/python3", image.HERE / "iso", iso], check=True)
    m = boot("iso", cdrom=str(iso))
    assert m.run("cat /sys/hypervisor/type", check=True).output.strip() == "xen"
    m.run("rig-up && xl list", check=True, timeout=60)


def test_default_memory_and_cpus(boot, hypervisor):
    """Without dom0_mem= dom0 gets enough to live on, and a vCPU."""
    m = boot("defaults", dom0_memory=0, stack="none", cpus=2 if hypervisor == "xen" else 1)
    total = int(m.run("grep MemTotal /proc/meminfo", check=True).output.split()[1]) >> 10
    assert total > 256
    assert int(m.run("nproc", check=True).output) >= 1


def test_agent_over_serial_line(hypervisor, stack):
    """The rig's other channel, for hypervisors that cannot do PCI interrupts yet."""
    m = machine.Machine(
        hypervisor=hypervisor, stack="none", virtio=False, log=image.OUT / "logs/serial-channel"
    )
    with m:
        m.start()
        assert m.channel_name == "com2"
        assert m.run("echo through; exit 7").status == 7
