# SPDX-License-Identifier: MIT
"""Whole machines for the system tests.

  --hypervisor bonsai|xen   --stack bonsai|stock     which halves meet (default: ours and ours)

One machine serves all tests that ask for 'dom0'; when one of them has brought it down the next test
gets a new one. After every such test the machine must be as it was before the first: guests, free
memory, store, dom0's event channels and loop devices.
"""
import os
import re
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "rig"))

import image  # noqa: E402
import machine  # noqa: E402
from disks import data_disk  # noqa: E402
from guest import Guest  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--hypervisor", default="bonsai", help="bonsai, xen or a file")
    parser.addoption("--stack", default="bonsai", choices=["bonsai", "stock"])
    parser.addoption("--lane", default="", help="tells runs side by side apart: logs and disks")


@pytest.fixture(scope="session")
def hypervisor(request):
    return request.config.getoption("--hypervisor")


@pytest.fixture(scope="session")
def stack(request):
    return request.config.getoption("--stack")


def log_name(hypervisor, stack, name):
    return image.OUT / "logs" / f"{Path(hypervisor).name}-{stack}-{name}"


@pytest.fixture(scope="module")
def start_machine(hypervisor, stack):
    """start_machine(name, **options): a machine of one's own, for the caller to stop."""
    machines = []

    def start(name, **options):
        options = {"hypervisor": hypervisor, "stack": stack, **options}
        m = machine.Machine(log=log_name(hypervisor, stack, name), **options)
        machines.append(m)
        return m.start()

    yield start
    for m in machines:
        m.stop()


@pytest.fixture
def boot(start_machine):
    """boot(name, **options): a machine of one's own, off again at the end of the test."""
    machines = []

    def start(name, **options):
        machines.append(start_machine(name, **options))
        return machines[-1]

    yield start
    for m in machines:
        m.stop()


# what a machine must have again after a test
SNAPSHOT = {
    "guests": "xl list | awk 'NR > 1 {print $1}'",
    "free memory": "xl info free_memory",
    "store": "xenstore-ls -f",
    "event channels": "grep -c xen-dyn /proc/interrupts",
    "interfaces": "ls /sys/class/net",
    "loop devices": "losetup -a",
}


class Shared:
    """The one machine, and what it looked like when it was fresh."""

    def __init__(self, hypervisor, stack, lane):
        self.hypervisor, self.stack, self.lane = hypervisor, stack, lane
        self.machine, self.starts = None, 0

    def get(self):
        if self.machine and not self.machine.ended:
            return self.machine
        self.stop()
        self.starts += 1
        tag = f"{self.hypervisor}-{self.stack}{self.lane}".replace("/", "_")
        disk = data_disk("srv", tag)
        m = machine.Machine(
            log=log_name(self.hypervisor, self.stack, f"shared{self.lane}-{self.starts}"),
            hypervisor=self.hypervisor,
            stack=self.stack,
            qemu_args=["-drive", f"file={disk},if=virtio,format=raw"],
        )
        self.machine = m
        m.start()
        m.run("rig-up", check=True, timeout=60)
        m.run("mount -t ext4 /dev/vda /srv", check=True)
        self.fresh = self.snapshot()
        return m

    def snapshot(self):
        now = {k: self.machine.run(c, timeout=30).output for k, c in SNAPSHOT.items()}
        if self.hypervisor == "xen":
            # the rest of a domain that Xen 4.17 cannot free: tests/guest/vcpu hands it contexts whose
            # loading fails half-way, and it keeps what it had taken
            now["guests"] = re.sub(r"^\(null\)\n", "", now["guests"], flags=re.M)
        now.update(self.hypervisor_tables())
        if (
            self.stack == "stock"
        ):  # libxl makes these empty nodes with the first guest that has such things and keeps them
            now["store"] = re.sub(
                r'^/(vm|libxl|local/domain/0/device-model) = ""\n', "", now["store"], flags=re.M
            )
        return now

    def hypervisor_tables(self):
        """dom0's ports and grant mappings as the debug keys of Xen and ours print them."""
        m = self.machine
        at = len(m.console())
        m.run("xl debug-keys e && xl debug-keys g && sleep 0.3", check=True)
        ports, _, grants = m.console()[at:].partition("key 'g'")
        found = {
            "ports": str(
                len(
                    re.findall(
                        r"^\((?:XEN|bonsai)\) +\d+ (?:\[.*s=[1-6]|(?!free)[a-z])", ports, re.M
                    )
                )
            )
        }
        assert found["ports"] != "0", f"no port in what the key 'e' printed: {ports}"
        held = re.search(r"d0: .*mappings held (\d+)", grants)  # Xen's key 'g' does not tell
        return {**found, "mappings": held[1]} if held else found

    def expect_fresh(self):
        """Teardown goes on behind the tools' back: give it some seconds."""
        end = time.monotonic() + 30
        while (now := self.snapshot()) != self.fresh and time.monotonic() < end:
            time.sleep(1)
        left = {k: difference(self.fresh[k], now[k]) for k in now if now[k] != self.fresh[k]}
        assert not left, f"the test left something behind: {left}"

    def stop(self):
        if self.machine:
            self.machine.stop()
            self.machine = None


def difference(before, after):
    """Lines that came (+) and went (-)."""
    old, new = before.splitlines(), after.splitlines()
    return [f"+{line}" for line in new if line not in old] + [
        f"-{line}" for line in old if line not in new
    ]


@pytest.fixture(scope="session")
def shared(hypervisor, stack, request):
    s = Shared(hypervisor, stack, request.config.getoption("--lane"))
    yield s
    s.stop()


@pytest.fixture
def dom0(shared):
    m = shared.get()
    yield m
    if m.ended:
        pytest.fail(f"the machine went down during the test{m._last_words()}")
    try:
        shared.expect_fresh()
    except BaseException:
        shared.stop()  # the next test gets a clean one
        raise


@pytest.fixture
def guests(dom0):
    """guests(name, **options): a Guest, not yet created; destroyed at the end of the test."""
    made = []

    def new(name, **options):
        g = Guest(dom0, name, len(made) + 1, **options)
        made.append(g)
        return g

    yield new
    for g in made:
        if not dom0.ended:
            g.clean_up()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows what the hypervisor, the kernels and the guests said at the end."""
    report = (yield).get_result()
    if report.failed and "dom0" in item.fixturenames:
        m = item.funcargs.get("dom0")
        if m and not m.ended:
            try:
                said = m.run(
                    "tail -n 25 /var/log/xen/console/guest-*.log /var/log/xen/xl-*.log 2>/dev/null"
                )
                report.sections.append(
                    ("guests' consoles", re.sub(r"\x1b\S{1,4}", "", said.output))
                )
            except (machine.MachineStopped, machine.CommandTimeout):
                pass
        if m:
            report.sections.append(("machine's console", m.console()[-4000:].replace("\r", "")))


def pytest_configure(config):
    os.environ.setdefault("LC_ALL", "C")
