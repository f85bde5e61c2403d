# SPDX-License-Identifier: MIT
"""Every test kernel of tests/guest, one after the other on one machine: it ends with SUCCESS, and
says line by line what its folder expects of this hypervisor. With BONSAI_WRITE_EXPECTED=1 and
--hypervisor xen the folders' transcripts are written anew instead.

Some are destroyed in the middle of what they do, again and again; what a domain held is free then
(the dom0 fixture looks), and the machine goes on.
"""
import difflib
import os
import pathlib
import random
import re
import time

import pytest

import image
import kernels

FOLDERS = kernels.folders()
LOOPS = [f for f in FOLDERS if f.loops]
CRASHES = [(f, word) for f in FOLDERS for word in f.crashes]
SEED = int(os.environ.get("BONSAI_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
DESTROYED = 3  # times a kernel


def names(found):
    return [f.name for f in found]


def keep(hypervisor, run):
    """The transcripts in build/tests/guest, for whoever looks into a difference."""
    folder = image.BUILD / "tests" / "guest" / pathlib.Path(hypervisor).name
    folder.mkdir(parents=True, exist_ok=True)
    said = {part: d.said() for part, d in run.domains.items()}
    for part, lines in said.items():
        (folder / "-".join(filter(None, (run.folder.name, part)))).write_text(
            "".join(f"{line}\n" for line in lines)
        )
    return said


def expect_transcript(folder, part, said, hypervisor):
    path = folder.transcript(part)
    if os.environ.get("BONSAI_WRITE_EXPECTED") and hypervisor == "xen":
        path.write_text("\n".join(said) + "\n")
        return
    expected = folder.expected(part, hypervisor)
    assert expected is not None, f"no {path}: what the kernel says on stock Xen is to be written"
    differs = list(difflib.unified_diff(expected, said, "expected", "said", lineterm="", n=1))
    assert not differs, "the transcript differs:\n" + "\n".join(differs)


@pytest.mark.parametrize("folder", FOLDERS, ids=names(FOLDERS))
def test_kernel(dom0, hypervisor, folder):
    with kernels.Run(dom0, folder) as run:
        run.wait_end()
        said = keep(hypervisor, run)
    results = {}
    for part, lines in said.items():
        found = kernels.RESULT.match(lines[-1]) if lines else None
        assert found, f"{part or 'the kernel'} ended without a result: {lines[-20:]}"
        results[part] = found[1]
        failed = [line for line in lines if line.startswith("FAILED")]
        assert found[1] in ("SUCCESS", "SKIP"), f"{part}: {found[1]}: {failed or lines[-5:]}"
    for part, lines in said.items():
        if results[part] == "SKIP":
            pytest.skip(f"{part}: {lines[-2:]}")
        expect_transcript(folder, part, lines, hypervisor)


@pytest.mark.parametrize("run", CRASHES, ids=[f"{f.name}-{word}" for f, word in CRASHES])
def test_crash(dom0, hypervisor, run):
    """The kernel does what must end it, and nothing else happens."""
    folder, word = run
    dom0.run("xl dmesg -c >/dev/null", check=True)
    with kernels.Run(dom0, folder, word) as r:
        r.wait_end()
        said = [line for d in r.domains.values() for line in d.said()]
    log = dom0.run("xl dmesg", check=True).output
    assert said and said[-1].startswith("to crash: "), f"it did not crash there: {said[-5:]}"
    if hypervisor != "xen":  # which has its own words for it
        assert re.search(folder.crashes[word], log), f"not crashed for that reason: {log}"


@pytest.mark.parametrize("folder", LOOPS, ids=names(LOOPS))
def test_destroy_in_the_middle(dom0, folder):
    chance = random.Random(f"{SEED} {folder.name}")
    print(f"BONSAI_SEED={SEED}")
    for _ in range(DESTROYED):
        with kernels.Run(dom0, folder, "loop") as run:
            run.wait_said("first round done")
            time.sleep(chance.uniform(0, 0.4))
            for d in chance.sample(list(run.domains.values()), len(run.domains)):
                d.destroy()
                failed = [line for line in d.said() if line.startswith("FAILED")]
                assert not failed, f"{d.name}, before it was destroyed: {failed}"
                time.sleep(chance.uniform(0, 0.2))


def test_a_guest_boots_after_all_that(dom0, guests):
    guests("after").create().wait_up()
