# SPDX-License-Identifier: MIT
"""Test kernels (tests/guest/NAME, built into build/guests/NAME): what their folders say, and one run
of one of them in dom0.

A folder may hold, beside NAME.c:
  config              more lines for xl.cfg
  config.second       start two domains, "first" and "second" on their command lines; this one's
                      lines. The second's domid is the first's plus 1
  crashes             more runs, a line each: the word that the kernel gets, and a regular expression
                      for the reason why Bonsai crashed the domain
  loops               the kernel knows the word "loop": it may be destroyed in the middle
  expected[.second]   the transcript, the same on Bonsai and on stock Xen 4.17, but for
  expected-difference[.second]
                      pairs of lines, "- what Xen says" and "+ what Bonsai says"; either may be
                      missing, a comment above says why they differ
"""
import re
import time
from pathlib import Path

import image
from normalise import normalise

FOLDER = Path(__file__).resolve().parent.parent / "guest"
RESULT = re.compile(r"^Test result: (SUCCESS|SKIP|FAILURE|ERROR)$")
CONFIG = """name = "{name}"
kernel = "/tmp/kernel-{kernel}"
memory = {memory}
vcpus = 1
extra = "{words}"
on_crash = "destroy"
{more}
"""


def lines_of(path):
    """A text file without comments and empty lines; none when there is no file."""
    if not path.exists():
        return []
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


class Folder:
    def __init__(self, name):
        self.name, self.path = name, FOLDER / name
        self.image = image.BUILD / "guests" / name
        self.pair = (self.path / "config.second").exists()
        self.loops = (self.path / "loops").exists()
        self.crashes = dict(line.split(None, 1) for line in lines_of(self.path / "crashes"))

    def domains(self):
        """(part of the pair, lines for xl.cfg) of each domain of a run."""
        if not self.pair:
            return [("", self.config("config"))]
        return [("first", self.config("config")), ("second", self.config("config.second"))]

    def config(self, name):
        path = self.path / name
        return path.read_text() if path.exists() else ""

    def transcript(self, part):
        return self.path / ("expected.second" if part == "second" else "expected")

    def expected(self, part, hypervisor):
        """The transcript's lines as this hypervisor is to say them; None where none is written."""
        path = self.transcript(part)
        if not path.exists():
            return None
        lines = path.read_text().splitlines()
        return lines if hypervisor == "xen" else self._with_differences(lines, path)

    def _with_differences(self, lines, path):
        differences = lines_of(self.path / f"expected-difference{path.suffix}")
        at = 0
        for line in differences:
            sign, text = line[0], line[2:]
            assert sign in "-+" and line[1:2] == " ", f"expected-difference: not + or -: {line!r}"
            if sign == "-":
                assert text in lines, f"expected-difference: Xen does not say {text!r}"
                at = lines.index(text)
                del lines[at]
            else:
                lines.insert(at, text)
                at += 1
        return lines


def folders():
    return [
        Folder(path.parent.name)
        for path in sorted(FOLDER.glob("*/*.c"))
        if path.stem == path.parent.name
    ]


class Domain:
    """One domain that runs a test kernel."""

    def __init__(self, dom0, folder, name, words, more):
        self.dom0, self.name = dom0, name
        self.log = f"/var/log/xen/console/guest-{name}.log"
        memory = 16 if "memory" not in more else re.search(r"memory\s*=\s*(\d+)", more)[1]
        dom0.put(
            f"/tmp/{name}.cfg",
            CONFIG.format(name=name, kernel=folder.name, memory=memory, words=words, more=more),
        )
        dom0.run(f"rm -f {self.log}; xl create -q -p /tmp/{name}.cfg", check=True, timeout=60)
        self.domid = int(dom0.run(f"xl domid {name}", check=True).output)

    def unpause(self):
        self.dom0.run(f"xl unpause {self.name}", check=True)

    def alive(self):
        return self.dom0.run(f"xl domid {self.name} >/dev/null 2>&1").status == 0

    def said(self):
        text = normalise(self.dom0.run(f"cat {self.log} 2>/dev/null").output)
        return [line for line in text.split("\n") if line]

    def destroy(self):
        self.dom0.run(
            f"xl destroy {self.name} >/dev/null 2>&1; rm -f /tmp/{self.name}.cfg", timeout=60
        )


class Run:
    """A folder's domains, created and running; each is gone at the end of a `with`."""

    def __init__(self, dom0, folder, words=""):
        self.dom0, self.folder, self.words, self.domains = dom0, folder, words, {}

    def __enter__(self):
        assert self.folder.image.is_file(), f"no kernel {self.folder.image} (make)"
        self.dom0.put(f"/tmp/kernel-{self.folder.name}", self.folder.image.read_bytes())
        try:
            for _ in range(3):  # domids do not follow each other where they start anew
                self._create()
                ids = [d.domid for d in self.domains.values()]
                if ids == list(range(ids[0], ids[0] + len(ids))):
                    break
                self._destroy()
            for d in self.domains.values():
                d.unpause()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._destroy()
        self.dom0.run(f"rm -f /tmp/kernel-{self.folder.name}")

    def _create(self):
        for part, more in self.folder.domains():
            name = "-".join(filter(None, ("t", self.folder.name, part)))
            words = " ".join(filter(None, (part, self.words)))
            self.domains[part] = Domain(self.dom0, self.folder, name, words, more)

    def _destroy(self):
        for d in self.domains.values():
            d.destroy()
        self.domains = {}

    def wait_end(self, seconds=60):
        """Until all domains are gone."""
        end = time.monotonic() + seconds
        while any(d.alive() for d in self.domains.values()):
            if time.monotonic() > end:
                said = {part: d.said()[-20:] for part, d in self.domains.items()}
                raise AssertionError(f"no end within {seconds} s; the last lines: {said}")
            time.sleep(0.3)

    def wait_said(self, text, seconds=60):
        """Until all domains have said it."""
        end = time.monotonic() + seconds
        for part, d in self.domains.items():
            while text not in (said := d.said()):
                assert time.monotonic() < end, f"{part}: did not say {text!r}: {said[-20:]}"
                assert d.alive(), f"{part}: gone before it said {text!r}: {said[-20:]}"
                time.sleep(0.3)
