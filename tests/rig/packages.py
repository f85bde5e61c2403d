# SPDX-License-Identifier: MIT
"""Debian's packages for the rig: the kernel, stock Xen 4.17 and its tools, unpacked, never
installed.

They lie under ~/.cache/bonsai-rig, one folder a set, named by the versions in it; a set is complete
when the folder has its final name (it is built beside and renamed). No root is needed, and the
network only for a version not seen before.
"""
import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "bonsai-rig"

XEN = ["xen-hypervisor-4.17-amd64"]
STOCK_TOOLS = """xen-utils-4.17 xen-utils-common xenstore-utils libxencall1 libxendevicemodel1
    libxenevtchn1 libxenforeignmemory1 libxengnttab1 libxenhypfs1 libxenmisc4.17 libxenstore4
    libxentoolcore1 libxentoollog1 libyajl2 libc6 libtinfo6 libncurses6 libuuid1 libbz2-1.0
    liblzma5 liblzo2-2 libzstd1 zlib1g libgcc-s1 util-linux bash iproute2 libbpf1 libelf1 libmnl0 libcap2
    libbsd0     libmd0 libdb5.3 libselinux1 libpcre2-8-0 libxtables12 libtirpc3 libgssapi-krb5-2""".split()


class RigError(Exception):
    """One sentence for the user."""


def say(text):
    print(f"rig: {text}", file=sys.stderr, flush=True)


def versions(names):
    """{package: version} that apt would install."""
    out = subprocess.run(["apt-cache", "policy", *names], capture_output=True, text=True).stdout
    found = dict(re.findall(r"^(\S+):\n(?:  .*\n)*?  Candidate: (\S+)", out, re.M))
    missing = [n for n in names if found.get(n, "(none)") == "(none)"]
    if missing:
        raise RigError(f"apt knows no package {', '.join(missing)} (apt-get update?)")
    return found


def kernel_package():
    out = subprocess.run(
        ["apt-cache", "depends", "linux-image-amd64"], capture_output=True, text=True
    ).stdout
    found = re.search(r"Depends: (linux-image-\d\S+)", out)
    if not found:
        raise RigError("apt knows no package linux-image-amd64 (apt-get update?)")
    return found[1]


def fetch(label, names, finish):
    """The folder with these packages unpacked; finish(folder) is called once on a new one."""
    have = versions(names)
    key = re.sub(r"[^\w.+~-]", "_", have[names[0]])
    target = CACHE / f"{label}-{key}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{label}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_dir():
            return target
        say(f"fetching {label} ({len(names)} Debian packages) into {target}")
        work = CACHE / f"{label}.new"
        shutil.rmtree(work, ignore_errors=True)
        (work / "debs").mkdir(parents=True)
        if os.geteuid() == 0:  # apt drops root for downloads; it may not enter /root
            options = ["-o", "APT::Sandbox::User=root"]
        else:
            options = []
        got = subprocess.run(
            ["apt-get", *options, "download", "-qq", *(f"{n}={have[n]}" for n in names)],
            cwd=work / "debs",
            capture_output=True,
            text=True,
        )
        if got.returncode:
            raise RigError(
                f"apt-get download failed ({got.stderr.strip()}); are apt's lists old? "
                "'apt-get update' makes them new"
            )
        for deb in sorted((work / "debs").glob("*.deb")):
            subprocess.run(["dpkg", "-x", deb, work / "root"], check=True)
        shutil.rmtree(work / "debs")
        finish(work)
        os.rename(work, target)
    return target


def kernel():
    """(folder with vmlinuz and root/lib/modules, kernel release)"""
    package = kernel_package()
    release = package.removeprefix("linux-image-")

    def finish(work):
        os.rename(work / f"root/boot/vmlinuz-{release}", work / "vmlinuz")
        subprocess.run(["depmod", "-b", work / "root", release], check=True)

    return fetch("kernel", [package], finish), release


def xen():
    """Path of stock Xen's image."""

    def finish(work):
        with open(work / "xen", "wb") as to:
            subprocess.run(
                ["gunzip", "-c", work / "root/boot/xen-4.17-amd64.gz"], stdout=to, check=True
            )
        shutil.rmtree(work / "root")

    return fetch("xen", XEN, finish) / "xen"


def stock_tools():
    """Folder with the stock tools and all the libraries that they need."""
    return fetch("stock-tools", STOCK_TOOLS, lambda work: None) / "root"
