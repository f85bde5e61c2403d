# SPDX-License-Identifier: MIT
"""Disk images for the machines, made on the host without root."""
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import image


GUEST_DISKS = 2
GUEST_DISK_MIB = 64


def data_disk(name, tag, mib=512):
    """A fresh ext4 image for /srv: the guests' kernel as an ELF file, disks of random bytes."""
    target = image.OUT / f"{name}-{tag}.img"
    image.OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        shutil.copy(image.guest_elf(), Path(work) / "vmlinux")
        for n in range(1, GUEST_DISKS + 1):
            (Path(work) / f"disk{n}.img").write_bytes(os.urandom(GUEST_DISK_MIB << 20))
        target.unlink(missing_ok=True)
        subprocess.run(
            ["/sbin/mke2fs", "-q", "-t", "ext4", "-d", work, target, f"{mib}M"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return target


def blank_disk(name, mib=96):
    """A raw disk of random bytes."""
    target = image.OUT / f"{name}.raw"
    image.OUT.mkdir(parents=True, exist_ok=True)
    target.write_bytes(os.urandom(mib << 20))
    return target
