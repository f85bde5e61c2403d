# SPDX-License-Identifier: MIT
"""Nothing that a guest prints is lost: from its first byte to its death, over a killed daemon, a
stopped reader, a full disk and a neighbour that floods."""
import re
import time

import pytest

LOGS = "/var/log/xen/console"
QUIET = "/tmp/quiet"  # a FIFO that nobody writes: an input without an end


@pytest.fixture(autouse=True)
def our_daemon(stack):
    if stack == "stock":
        pytest.skip("tests bonsai-consoled")


def numbers(text):
    """The lines that are a number; the kernel may put a message of its own into one."""
    text = re.sub(r"\[ *\d+\.\d{6}\] [^\r\n]*\r*\n", "", text)
    return [int(n) for n in re.findall(r"^(\d+)\r*$", text, re.M)]


def missing(text, first, last):
    """The numbers that are on no line of their own, and what is there instead of the first."""
    gone = sorted(set(range(first, last + 1)) - set(numbers(text)))
    around = text.find(f"\n{gone[0] - 1}\r") if gone else 0
    return gone and (gone, text[max(0, around - 40) : around + 160])


def text_of(dom0, path):
    return dom0.run(f"cat {path}", check=True).output


def wait_until(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not {what} within {seconds} s"
        time.sleep(0.3)


def consoled(dom0):
    return dom0.run("cat /run/bonsai/consoled.pid 2>/dev/null").output.strip()


@pytest.mark.parametrize("end", ["poweroff", "crash"])
def test_from_the_first_byte_to_the_last(dom0, guests, end):
    """A guest that prints and dies at once: whoever has attached sees exactly what is logged."""
    run = "seq,1,3000"
    if end == "crash":
        run += ";echo,1>/proc/sys/kernel/sysrq;echo,c>/proc/sysrq-trigger"
    g = guests("brief", extra=f"loglevel=7 run={run}", more='on_crash = "destroy"').prepare()
    dom0.run(f"rm -f {QUIET}; mkfifo {QUIET}", check=True)
    dom0.run(f"timeout 60 xl create -q -c {g.path} 0<>{QUIET} >/tmp/seen", check=True, timeout=90)
    g.wait_gone()
    log = text_of(dom0, g.log)
    assert "Linux version" in log
    assert numbers(log) == list(range(1, 3001))
    assert ("=== guest done 0 ===" if end == "poweroff" else "Kernel panic") in log
    assert dom0.run(f"cmp /tmp/seen {g.log}").output == ""
    dom0.run(f"rm {QUIET} /tmp/seen")


def test_without_a_daemon_and_over_its_death(dom0, guests):
    """The daemon comes late, is killed again and again; a reader sleeps: all is logged, and what
    nobody has read is shown by the next daemon."""
    g = guests("patient", extra="loglevel=7").prepare()
    dom0.run("kill $(cat /run/bonsai/consoled.supervisor) && sleep 1", check=True)
    said = dom0.run(f"xl create -q -p {g.path}", timeout=120)
    assert said.status == 0 and "no console daemon serves it" in said.output
    dom0.run("xl unpause patient; sleep 2; bonsai-services start", check=True)
    g.wait_up()
    assert "Linux version" in text_of(dom0, g.log)

    g.run("(echo; seq 1 20000) >/dev/hvc0 &")
    for _ in range(3):
        before = consoled(dom0)
        dom0.run(f"sleep 1; kill -9 {before}", check=True)
        wait_until(lambda: consoled(dom0) not in ("", before), "started again")
    wait_until(lambda: "\n20000\r" in text_of(dom0, g.log), "printed all", 60)
    assert not missing(text_of(dom0, g.log), 1, 20000)
    shown = dom0.run(f"rm -f {QUIET}; mkfifo {QUIET}; timeout 10 xl console patient 0<>{QUIET}")
    assert not missing(shown.output, 1, 20000)

    # a reader that is stopped stops nobody, and finds all when it goes on
    dom0.run(f"xl console patient 0<>{QUIET} >/tmp/seen 2>&1 & sleep 1; kill -STOP $!; echo $! >/tmp/pid")
    g.run("(echo; seq 30001 50000) >/dev/hvc0", timeout=60)
    assert numbers(text_of(dom0, g.log))[-20000:] == list(range(30001, 50001))
    dom0.run("kill -CONT $(cat /tmp/pid)", check=True)
    wait_until(lambda: "50000" in text_of(dom0, "/tmp/seen"), "read")
    assert numbers(text_of(dom0, "/tmp/seen")) == list(range(30001, 50001))
    dom0.run("xl destroy patient", check=True)
    wait_until(lambda: dom0.run("kill -0 $(cat /tmp/pid) 2>/dev/null").status, "ended")
    dom0.run(f"rm {QUIET} /tmp/seen /tmp/pid")


def test_full_disk_and_a_flood(dom0, guests):
    """The log's disk is full: the guest goes on, the log waits. A guest that floods the daemon
    neither fills the disk nor starves another one's console."""
    one, two = guests("one").prepare(), guests("two").prepare()
    dom0.run(f"mount -t tmpfs -o size=64k none {LOGS}", check=True)
    try:
        for g in (one, two):
            dom0.run(f"xl create -q {g.path}", check=True, timeout=120)
        one.wait_up()
        one.run("(echo; seq 1 20000) >/dev/hvc0", timeout=60)
        assert "No space left on device" in text_of(dom0, "/var/log/bonsai/consoled.log")
        assert numbers(text_of(dom0, one.log))[-1] < 20000
        dom0.run(f"mount -o remount,size=40m {LOGS}", check=True)
        wait_until(lambda: "\n20000\r" in text_of(dom0, one.log), "written", 60)
        assert numbers(text_of(dom0, one.log)) == list(range(1, 20001))

        two.wait_up()
        one.run("yes flooooooood >/dev/hvc0 &")
        typed = "sleep 3; echo; echo 'echo answer $((6 * 7))'; sleep 5"
        said = dom0.run(f"({typed}) | timeout 20 xl console two", timeout=60).output
        assert "answer 42" in said
        dom0.run("xl destroy one && xl destroy two", check=True, timeout=90)
        wait_until(lambda: dom0.run(f"umount {LOGS}").status == 0, "let go of the logs")
    finally:
        dom0.run(f"umount -l {LOGS} 2>/dev/null; xl destroy one; xl destroy two", timeout=90)
