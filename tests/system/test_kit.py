# SPDX-License-Identifier: MIT
"""A guest kernel of our own headers and kit, examples/hello: what it says is the same on Bonsai and
on Xen, with our tools and with the stock ones, and it goes when the tools ask."""
import re
import time

import pytest

from normalise import normalise

CONFIG = """name = "{name}"
kernel = "/guests/{kernel}"
memory = {memory}
vcpus = {vcpus}
extra = "{extra}"
{more}
"""
HELLO = """hello on version VERSION
start_info: magic xen-3.0-x86_64, flags 0
command line: 'some words'
kernel: ADDRESS to ADDRESS, tables ADDRESS, list of frames ADDRESS
shared_info: frame FRAME
store: frame FRAME
console: frame FRAME
memory: {pages} pages, the last one at ADDRESS, most free
time: TIME s since 1970, TIME ms since the host's boot, slept TIME us: long enough
waiting for xl shutdown or xl reboot
"""


class Kernel:
    def __init__(self, dom0, name, kernel="hello", memory=16, vcpus=1, extra="some words", more=""):
        self.dom0, self.name, self.memory = dom0, name, memory
        self.path = f"/tmp/{name}.cfg"
        self.log = f"/var/log/xen/console/guest-{name}.log"
        dom0.put(
            self.path,
            CONFIG.format(
                name=name, kernel=kernel, memory=memory, vcpus=vcpus, extra=extra, more=more
            ),
        )
        dom0.run(f"rm -f {self.log}; xl create -q {self.path}", check=True, timeout=60)

    def said(self):
        return normalise(self.dom0.run(f"cat {self.log} 2>/dev/null").output)

    def domid(self):
        r = self.dom0.run(f"xl domid {self.name} 2>/dev/null")
        return int(r.output) if r.status == 0 else None

    def state(self):
        return self.dom0.run(
            f"xl list {self.name} 2>/dev/null | awk 'NR > 1 {{print $5}}'"
        ).output.strip()

    def wait(self, condition, what, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not {what} within {seconds} s; it said: {self.said()}"
            time.sleep(0.3)

    def wait_said(self, text, times=1):
        self.wait(lambda: self.said().count(text) >= times, f"heard to say {text!r}")

    def wait_gone(self):
        self.wait(lambda: self.domid() is None, "gone")

    def clean_up(self):
        self.dom0.run(f"xl destroy {self.name} >/dev/null 2>&1; rm -f {self.path}", timeout=60)


@pytest.fixture
def kernel(dom0):
    made = []

    def new(name, **options):
        made.append(Kernel(dom0, name, **options))
        return made[-1]

    yield new
    for k in made:
        if not dom0.ended:
            k.clean_up()


@pytest.mark.parametrize(
    "memory, vcpus, more",
    [(1, 1, ""), (4, 1, ""), (8, 2, ""), (16, 1, "maxmem = 32"), (768, 4, "")],
)
def test_hello(dom0, kernel, stack, memory, vcpus, more):
    """It says all of what it is to say, and its last words are not lost."""
    if stack == "stock" and memory < 4:
        pytest.skip("Xen's builder maps 4 MiB at least")
    k = kernel("hello", memory=memory, vcpus=vcpus, more=more)
    k.wait_said("waiting for")
    assert k.said() == HELLO.format(pages=memory * 256)
    assert "b" in k.state(), "it sleeps while it waits"
    dom0.run("xl shutdown -w hello", check=True, timeout=60)
    k.wait_gone()
    assert k.said() == HELLO.format(pages=memory * 256) + "asked to power off\n"


def test_hello_reboots(dom0, kernel):
    k = kernel("again")
    first = k.domid()
    k.wait_said("waiting for")
    dom0.run("xl reboot again", check=True, timeout=60)
    k.wait_said("waiting for", times=2)
    assert k.domid() not in (None, first)
    hello = HELLO.format(pages=4096)
    assert k.said() == hello + "asked to reboot\n" + hello


def test_power_off_has_its_reason(dom0, kernel):
    """The domain is kept, not taken for crashed."""
    k = kernel("kept", more='on_poweroff = "preserve"')
    k.wait_said("waiting for")
    dom0.run("xl shutdown kept", check=True, timeout=60)
    k.wait(lambda: "s" in k.state(), "shut down")
    assert "c" not in k.state()


def test_panic_says_why(dom0, kernel):
    """A trap that nobody expects: the registers, a sentence, and the domain is taken for crashed."""
    k = kernel("panics", kernel="kit", extra="panic", more='on_crash = "preserve"')
    k.wait(lambda: "c" in k.state(), "crashed")
    *registers, sentence = k.said().splitlines()
    assert sentence == "panic: page fault at 0, error code 2, that nobody expected"
    assert len(registers) == 5 and registers[0].startswith("rax "), registers
    assert re.search(r" rip [0-9a-f]+$", registers[-1]), registers
