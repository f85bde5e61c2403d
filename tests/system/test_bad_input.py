# SPDX-License-Identifier: MIT
"""What a user gets wrong: one line that names the thing and the reason, the exit status of the
stock tools, and nothing left behind (the dom0 fixture looks). Stock xl says more and other words:
only its status is compared.
"""
import re

import pytest

GOOD = {
    "name": '"bad"',
    "kernel": '"/srv/vmlinux"',
    "ramdisk": '"/guests/initrd.gz"',
    "memory": "128",
    "extra": '"console=hvc0 quiet"',
}

# name: (what differs from GOOD, what is done before, exit status, what the line must name)
CASES = {
    "no kernel file": ({"kernel": '"/srv/none"'}, "", 3, ["/srv/none"]),
    "kernel is a folder": ({"kernel": '"/srv"'}, "", 3, ["/srv"]),
    "kernel is text": ({"kernel": '"/tmp/text"'}, "echo hello >/tmp/text", 3, ["/tmp/text"]),
    "kernel is empty": ({"kernel": '"/tmp/empty"'}, ": >/tmp/empty", 3, ["/tmp/empty"]),
    "kernel cut short": (
        {"kernel": '"/tmp/cut"'},
        "head -c 3000000 /guests/vmlinuz >/tmp/cut",
        3,
        ["/tmp/cut"],
    ),
    "kernel damaged": (
        {"kernel": '"/tmp/hurt"'},
        "cp /guests/vmlinuz /tmp/hurt && dd if=/dev/zero of=/tmp/hurt bs=1k seek=3000 count=64 "
        "conv=notrunc 2>/dev/null",
        3,
        ["/tmp/hurt"],
    ),
    "no ramdisk file": ({"ramdisk": '"/srv/none"'}, "", 3, ["/srv/none"]),
    "no disk": ({"disk": "['phy:/dev/none,xvda,w']"}, "", 3, ["/dev/none"]),
    "disk is a folder": ({"disk": "['phy:/srv,xvda,w']"}, "", 3, ["/srv"]),
    "no disk file": ({"disk": "['/srv/none.img,raw,xvda,w']"}, "", 3, ["/srv/none.img"]),
    "no bridge": ({"vif": "['bridge=nobr']"}, "", 3, ["nobr"]),
    "more memory than there is": ({"memory": "100000"}, "", 3, ["memory"]),
    "no kernel at all": ({"kernel": None}, "", 1, ["kernel"]),
    "no name": ({"name": None}, "", 1, ["name"]),
    "disk without vdev": ({"disk": "['phy:/dev/loop7']"}, "", 1, ["vdev"]),
    "broken line": ({"memory": "= ="}, "", 1, ["/tmp/bad.cfg", ":4"]),
    "unclosed string": ({"extra": '"console'}, "", 1, ["/tmp/bad.cfg", ":5"]),
    "unknown action": ({"on_crash": '"explode"'}, "", 1, ["on_crash", "explode"]),
}


def create(dom0, settings, options="-q"):
    text = "".join(f"{key} = {value}\n" for key, value in settings.items() if value is not None)
    dom0.put("/tmp/bad.cfg", text)
    return dom0.run(f"xl create {options} /tmp/bad.cfg", timeout=120)


def expect_one_line(result, words, stack):
    if stack == "stock":
        return
    # a second line that users of the stock tools match on
    lines = [
        line
        for line in result.output.splitlines()
        if line != "Failed to parse config: Invalid argument"
    ]
    assert len(lines) == 1, f"one line expected:\n{result}"
    for word in words:
        assert word in lines[0], f"the line does not name {word!r}: {lines[0]}"


@pytest.mark.parametrize("case", CASES)
def test_create_refuses(dom0, stack, case):
    differs, before, status, words = CASES[case]
    if before:
        dom0.run(before, check=True)
    result = create(dom0, {**GOOD, **differs})
    assert result.status == status, str(result)
    expect_one_line(result, words, stack)
    assert dom0.run("xl list bad >/dev/null 2>&1").status != 0


def test_duplicate_name(dom0, guests, stack):
    guests("bad").create()
    result = create(dom0, GOOD)
    assert result.status == 3, str(result)
    expect_one_line(result, ["bad"], stack)
    assert len(re.findall(r"^bad ", dom0.run("xl list", check=True).output, re.M)) == 1


def test_no_config_file(dom0, stack):
    result = dom0.run("xl create -q /tmp/none.cfg")
    assert result.status == 3, str(result)
    expect_one_line(result, ["/tmp/none.cfg"], stack)


def test_unknown_key_is_a_warning(dom0, stack):
    result = create(dom0, {**GOOD, "memroy": "1"})
    assert result.status == 0, str(result)
    if stack == "bonsai":
        assert "memroy" in result.output
    dom0.run("xl destroy bad", check=True)


@pytest.mark.parametrize(
    "command, status",
    [
        ("xl destroy nobody", 1),
        ("xl shutdown nobody", 1),
        ("xl domid nobody", 1),
        ("xl domname 77", 1),
        ("xl list 77", 1),
        ("xl pause", 2),
        ("xl create --nonsense", 2),
        ("xl nonsense", 1),
        ("xl", 1),
        ("xl destroy 0", 1),
        ("xl console nobody", 1),
    ],
)
def test_verbs_refuse(dom0, command, status):
    assert dom0.run(command).status == status


def test_store_refuses(dom0):
    assert dom0.run("xenstore-read /no/such/node").status == 1
    assert dom0.run("xenstore-read").status != 0
    assert dom0.run("xenstore-write 'bad path!' x").status != 0
