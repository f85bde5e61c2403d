# SPDX-License-Identifier: MIT
"""make install and uninstall; the tools run from a PREFIX of any name, and bonsai-services does
what it promises."""
import os
import subprocess
from pathlib import Path

import pytest

import image

PREFIX = "/opt/elsewhere"


def make(target, root, prefix):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        [
            "make",
            "-s",
            "-C",
            image.TREE,
            target,
            f"DESTDIR={root}",
            f"PREFIX={prefix}",
            f"B={os.path.relpath(image.BUILD, image.TREE)}",
        ],
        env=environment,
        check=True,
    )


def files(root):
    return sorted(
        str(Path(folder, f).relative_to(root)) for folder, _, names in os.walk(root) for f in names
    )


def test_uninstall_takes_away_what_install_brought(tmp_path):
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot/other").write_text("stays")
    make("install", tmp_path, PREFIX)
    got = files(tmp_path)
    for name in (
        "boot/bonsai",
        f"{PREFIX[1:]}/bin/xl",
        f"{PREFIX[1:]}/bin/xenstore-read",
        f"{PREFIX[1:]}/sbin/bonsai-services",
        f"{PREFIX[1:]}/share/man/man1/xl.1",
    ):
        assert name in got
    make("uninstall", tmp_path, PREFIX)
    assert files(tmp_path) == ["boot/other"]


@pytest.fixture(scope="module")
def elsewhere(start_machine, stack, tmp_path_factory):
    """A machine whose dom0 has our tools under PREFIX only."""
    if stack != "bonsai":
        pytest.skip("our tools are what is installed")
    root = tmp_path_factory.mktemp("stage")
    make("install", root, PREFIX)
    tree = image.tools_tree(root, PREFIX.split("/")[1])
    m = start_machine("elsewhere", stack="none", extra=tree)
    yield m
    m.stop()


def test_services_start_twice_and_make_no_bridge(elsewhere):
    m, services = elsewhere, f"{PREFIX}/sbin/bonsai-services"
    assert m.run(f"{services} status").status != 0
    m.run(f"{services} start", check=True)
    before = m.run("pidof bonsai-xenstored bonsai-consoled bonsai-blkd bonsai-xapid", check=True).output
    m.run(f"{services} start && {services} status", check=True)
    assert m.run("pidof bonsai-xenstored bonsai-consoled bonsai-blkd bonsai-xapid", check=True).output == before
    assert m.run("ls -d /sys/class/net/*/bridge").status != 0
    m.run(f"{PREFIX}/bin/xl list && {PREFIX}/bin/xl info", check=True)
    assert (
        m.run(f"{PREFIX}/bin/xenstore-read /local/domain/0/name", check=True).output == "Domain-0\n"
    )


@pytest.mark.parametrize("daemon", ["bonsai-xenstored", "bonsai-consoled", "bonsai-blkd", "bonsai-xapid"])
def test_what_dies_comes_back(elsewhere, daemon):
    m, services = elsewhere, f"{PREFIX}/sbin/bonsai-services"
    m.run(f"{services} start", check=True)
    old = m.run(f"pidof {daemon}", check=True).output.strip()
    m.run(f"kill -9 {old}", check=True)
    m.run(
        f'for n in $(seq 60); do new=$(pidof {daemon}) && [ "$new" != {old} ] && {services} status >/dev/null && '
        f"exit 0; sleep 0.5; done; exit 1",
        check=True,
    )
    m.run(f"timeout 10 {PREFIX}/bin/xl list", check=True)


def test_services_stop(elsewhere):
    m, services = elsewhere, f"{PREFIX}/sbin/bonsai-services"
    m.run(f"{services} start && {services} stop", check=True)
    assert m.run("pidof bonsai-consoled bonsai-blkd bonsai-xapid").status != 0
    m.run(f"{services} start && {PREFIX}/bin/xl list", check=True)
