# SPDX-License-Identifier: MIT
"""Initramfs images for the rig, written straight as cpio archives: no root, no mounts, no loop
devices.

dom0's image is several archives one behind the other, as Linux allows: the base (busybox, modules,
the agent, a guest's kernel and ramdisk), the tools under test ('stack': Bonsai's own or Debian's
stock Xen tools) and, for one boot, whatever else the caller gives. Built into build/rig/ and reused
while their inputs are the same.
"""
import fcntl
import gzip
import hashlib
import lzma
import os
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import packages
from packages import RigError

HERE = Path(__file__).resolve().parent
TREE = HERE.parent.parent
BUILD = Path(os.environ.get("BONSAI_BUILD", TREE / "build"))
OUT = BUILD / "rig"

DOM0_MODULES = """virtio_pci virtio_blk virtio_net virtio_console nvme ahci sd_mod e1000 e1000e ext4
    loop bridge tun isofs xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs xen-blkback xen-netback""".split()
GUEST_MODULES = ["xen-blkfront", "xen-netfront", "ext4"]
STOCK_FILES = """usr/lib/xen-4.17/bin/xl usr/lib/xen-4.17/bin/xenstored
    usr/lib/xen-4.17/bin/xenconsoled
    usr/lib/xen-4.17/bin/xenconsole usr/lib/xen-4.17/bin/xen-init-dom0
    usr/lib/xen-4.17/bin/libxl-save-helper usr/lib/xen-4.17/bin/lsevtchn bin/bash bin/ip
    usr/bin/flock
    sbin/bridge""".split()


class Tree:
    """Files of an image: path -> (mode, content | Path | link target | (major, minor))."""

    def __init__(self):
        self.entries = {}

    def _add(self, path, mode, what):
        path = str(path).strip("/")
        for parent in list(Path(path).parents)[::-1][1:]:
            self.entries.setdefault(str(parent), (stat.S_IFDIR | 0o755, b""))
        self.entries[path] = (mode, what)

    def folder(self, *paths):
        for path in paths:
            self._add(path, stat.S_IFDIR | 0o755, b"")

    def text(self, path, content, mode=0o644):
        self._add(
            path, stat.S_IFREG | mode, content.encode() if isinstance(content, str) else content
        )

    def file(self, path, source, mode=None):
        source = Path(source)
        if not source.is_file():
            raise RigError(f"no file {source}")
        mode = stat.S_IMODE(source.stat().st_mode) if mode is None else mode
        self._add(path, stat.S_IFREG | mode, source)

    def link(self, path, target):
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def node(self, path, major, minor):
        self._add(path, stat.S_IFCHR | 0o600, (major, minor))

    def copy(self, source, to=""):
        """A whole folder, symbolic links as they are."""
        for root, folders, files in os.walk(source):
            for name in folders + files:
                full = Path(root) / name
                where = Path(to) / full.relative_to(source)
                if full.is_symlink():
                    self.link(where, os.readlink(full))
                elif full.is_dir():
                    self.folder(where)
                else:
                    self.file(where, full)

    def libraries(self, programs, root="/"):
        """Add what these ELF programs need and their interpreter, all of it looked for in root."""
        todo, seen = list(programs), set()
        while todo:
            program = todo.pop()
            dump = subprocess.run(
                ["readelf", "-ld", Path(root) / str(program).lstrip("/")],
                capture_output=True,
                text=True,
            ).stdout
            wanted = set(re.findall(r"\(NEEDED\).*\[(.+)\]", dump))
            for interpreter in re.findall(r"interpreter: (\S+)\]", dump):
                if interpreter not in seen:
                    seen.add(interpreter)
                    self.file(interpreter, resolve(root, interpreter), 0o755)
            for name in wanted - seen:
                seen.add(name)
                places = [
                    f"{p}/{name}"
                    for p in (
                        "lib/x86_64-linux-gnu",
                        "usr/lib/x86_64-linux-gnu",
                        "usr/local/lib",
                        "lib",
                        "usr/lib",
                    )
                ]
                found = next((p for p in places if (Path(root) / p).exists()), None)
                if not found:
                    raise RigError(f"{program} needs {name}, which is not in {root}")
                self.file(found, resolve(root, found), 0o755)
                todo.append(found)

    def write(self, to):
        """A newc cpio archive."""
        inode = 0

        def record(out, path, mode, data, device=(0, 0)):
            name = path.encode() + b"\0"
            head = "070701" + "".join(
                f"{v:08x}"
                for v in (inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0)
            )
            out.write(head.encode() + name + b"\0" * (-(110 + len(name)) % 4))
            out.write(data + b"\0" * (-len(data) % 4))

        with open(to, "wb") as out:
            for path, (mode, what) in sorted(self.entries.items()):
                inode += 1
                if isinstance(what, tuple):
                    record(out, path, mode, b"", what)
                else:
                    record(out, path, mode, what.read_bytes() if isinstance(what, Path) else what)
            record(out, "TRAILER!!!", 0, b"")
            out.write(b"\0" * (-out.tell() % 512))

    def digest(self):
        h = hashlib.sha256()
        for path, (mode, what) in sorted(self.entries.items()):
            h.update(f"{path} {mode:o} ".encode())
            if isinstance(what, Path):
                s = what.stat()
                h.update(f"{what} {s.st_size} {s.st_mtime_ns}".encode())
            else:
                h.update(
                    hashlib.sha256(
                        what if isinstance(what, bytes) else repr(what).encode()
                    ).digest()
                )
        return h.hexdigest()


def resolve(root, path):
    """Follow links that may be absolute inside root."""
    path = Path(root) / str(path).lstrip("/")
    for _ in range(8):
        if not path.is_symlink():
            return path
        target = os.readlink(path)
        path = Path(root) / target.lstrip("/") if target.startswith("/") else path.parent / target
    raise RigError(f"too many links at {path}")


def built(name, tree):
    """build/rig/NAME holding this tree; written only when the tree is new."""
    OUT.mkdir(parents=True, exist_ok=True)
    target, stamp = OUT / name, OUT / f".{name}.stamp"
    with open(OUT / f".{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        digest = tree.digest()
        if not (target.exists() and stamp.exists() and stamp.read_text() == digest):
            tree.write(OUT / f".{name}.new")
            os.rename(OUT / f".{name}.new", target)
            stamp.write_text(digest)
    return target


def program(source):
    """A static program of the rig, compiled into build/rig/."""
    source = Path(source)
    target = OUT / source.stem
    OUT.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        new = OUT / f".{source.stem}.{os.getpid()}"
        done = subprocess.run(
            [
                "gcc",
                "-std=gnu17",
                "-O2",
                "-static",
                "-s",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-D_GNU_SOURCE",
                "-o",
                new,
                source,
            ],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RigError(f"cannot compile {source}: {done.stderr}")
        os.rename(new, target)
    return target


def modules(tree, folder, release, names):
    """The named modules, what they depend on, and the tables that modprobe needs."""
    base = folder / "root/lib/modules" / release
    depends = {}
    for line in (base / "modules.dep").read_text().splitlines():
        path, _, needs = line.partition(":")
        depends[path] = needs.split()
    by_name = {Path(p).stem.replace("-", "_"): p for p in depends}
    chosen = set()
    for name in names:
        path = by_name.get(name.replace("-", "_"))
        if not path:
            raise RigError(f"Debian's kernel {release} has no module {name}")
        chosen |= {path, *depends[path]}
    if "kernel/fs/ext4/ext4.ko" in chosen:  # asked for by name when the first ext4 is mounted
        chosen |= {by_name[n] for n in ("crc32c_generic",) if n in by_name}
    with tempfile.TemporaryDirectory() as work:
        small = Path(work) / "lib/modules" / release
        for path in chosen:
            (small / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(base / path, small / path)
            tree.file(f"lib/modules/{release}/{path}", base / path)
        for path in ("modules.builtin", "modules.order", "modules.builtin.modinfo"):
            shutil.copy(base / path, small / path)
        subprocess.run(["/sbin/depmod", "-b", work, release], check=True)
        for path in ("modules.dep", "modules.alias", "modules.builtin", "modules.symbols"):
            tree.text(f"lib/modules/{release}/{path}", (small / path).read_bytes())


def busybox(tree):
    path = Path("/bin/busybox")
    if not path.exists():
        raise RigError("no /bin/busybox (Debian's busybox-static): run 'make deps'")
    tree.file("bin/busybox", path)
    for applet in subprocess.run([path, "--list"], capture_output=True, text=True).stdout.split():
        if applet != "busybox":
            tree.link(f"bin/{applet}", "busybox")
    tree.link("sbin/modprobe", "/bin/busybox")  # the kernel calls it by this path
    tree.folder(
        "proc",
        "sys",
        "dev",
        "run",
        "tmp",
        "mnt",
        "root",
        "etc",
        "usr/bin",
        "usr/sbin",
        "srv",
        "var/log",
        "var/lib",
    )
    tree.link("var/run", "/run")
    tree.link("var/lock", "/run/lock")
    tree.node("dev/console", 5, 1)
    tree.text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    tree.text("etc/group", "root:x:0:\n")


def guest_ramdisk():
    folder, release = packages.kernel()
    tree = Tree()
    busybox(tree)
    modules(tree, folder, release, GUEST_MODULES)
    tree.file("init", HERE / "guest-init", 0o755)
    for verb in ("poweroff", "reboot"):  # what the kernel runs when the toolstack asks for it
        tree.text(f"sbin/{verb}", f"#!/bin/sh\nexec busybox {verb} -f\n", 0o755)
    tree.file("bin/agent", program(HERE / "agent.c"))
    tree.file("bin/odd", program(HERE.parent / "guest-programs/odd.c"))
    tree.file("bin/diskload", program(HERE.parent / "guest-programs/diskload.c"))
    tree.file("bin/bench", program(HERE.parent / "bench/bench.c"))
    plain = built("guest.cpio", tree)
    packed = OUT / "guest.cpio.gz"
    if not packed.exists() or packed.stat().st_mtime < plain.stat().st_mtime:
        new = packed.with_suffix(f".{os.getpid()}")
        new.write_bytes(gzip.compress(plain.read_bytes(), 6, mtime=0))
        os.rename(new, packed)
    return packed


def dom0_base():
    folder, release = packages.kernel()
    tree = Tree()
    busybox(tree)
    modules(tree, folder, release, DOM0_MODULES)
    tree.file("init", HERE / "dom0-init", 0o755)
    tree.file("bin/agent", program(HERE / "agent.c"))
    for name in ("up", "guest"):
        tree.file(f"bin/rig-{name}", HERE / f"dom0-{name}", 0o755)
    tree.file("bin/odd", program(HERE.parent / "guest-programs/odd.c"))
    tree.file("bin/badfront", program(HERE.parent / "guest-programs/badfront.c"))
    tree.file("bin/bench", program(HERE.parent / "bench/bench.c"))
    tree.file("guests/vmlinuz", folder / "vmlinuz", 0o644)
    tree.file("guests/initrd.gz", guest_ramdisk(), 0o644)
    return built("dom0-base.cpio", tree)


def own_guests():
    """The guest kernels built here, as /guests/NAME."""
    tree = Tree()
    tree.folder("guests")
    for kernel in sorted((BUILD / "guests").glob("*")):
        tree.file(f"guests/{kernel.name}", kernel, 0o644)
    return built("dom0-guests.cpio", tree)


def stock_stack():
    root = packages.stock_tools()
    tree = Tree()
    stores = [
        f"usr/bin/{p.name}" for p in (root / "usr/bin").glob("xenstore*") if not p.is_symlink()
    ]
    for path in [*STOCK_FILES, *stores]:
        tree.file(path, root / path, 0o755)
    tree.libraries([*STOCK_FILES, *stores], root)
    gcc = "lib/x86_64-linux-gnu/libgcc_s.so.1"  # the C library opens it to end a thread
    tree.file(gcc, resolve(root, gcc), 0o755)
    tree.copy(root / "etc/xen", "etc/xen")
    tree.folder("var/log/xen/console", "var/lib/xen/dump", "var/lib/xenstored", "run/xenstored")
    tree.text("etc/rig-stack", "stock\n")
    return built("dom0-stock.cpio", tree)


def tools_tree(stage, folder):
    """Tools installed below stage/FOLDER, their libraries, and flock, which busybox lacks."""
    tree = Tree()
    tree.copy(Path(stage) / folder, folder)
    for path, (mode, what) in list(tree.entries.items()):
        if isinstance(what, Path):  # by content: the folder is a new one each time
            tree.entries[path] = (mode, what.read_bytes())
            if tree.entries[path][1][:4] == b"\x7fELF":
                tree.libraries([what])
    tree.file("usr/bin/flock", "/usr/bin/flock")  # essential in Debian
    tree.libraries(["/usr/bin/flock"])
    return tree


def bonsai_stack():
    """Our tools, as 'make install' leaves them under /usr/local."""
    with tempfile.TemporaryDirectory() as stage:
        environment = {
            k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
        }
        done = subprocess.run(
            [
                "make",
                "-s",
                "-C",
                TREE,
                "install",
                f"DESTDIR={stage}",
                "PREFIX=/usr/local",
                f"B={os.path.relpath(BUILD, TREE)}",
            ],
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RigError(
                f"'make install' into the rig's image failed: {done.stderr.strip()[-2000:]}"
            )
        tree = tools_tree(stage, "usr")
    tree.text("etc/rig-stack", "bonsai\n")
    return built("dom0-bonsai.cpio", tree)


STACKS = {"stock": lambda: [stock_stack()], "bonsai": lambda: [bonsai_stack()], "none": lambda: []}


def dom0_initrd(to, stack, extra=None):
    """Write dom0's whole initrd for one boot to the file 'to'."""
    parts = [dom0_base(), own_guests(), *STACKS[stack]()]
    with open(to, "wb") as out:
        for part in parts:
            with open(part, "rb") as source:
                shutil.copyfileobj(source, out)
        if extra:
            extra.write(f"{to}.extra")
            out.write(Path(f"{to}.extra").read_bytes())
            os.unlink(f"{to}.extra")


def guest_elf():
    """The ELF file inside Debian's bzImage, so that dom0 need not unpack it for every guest."""
    data = vmlinuz().read_bytes()
    start = data.find(b"\xfd7zXZ\0")
    if start < 0:
        raise RigError(
            "Debian's kernel is not compressed with xz any more: teach the rig the new format"
        )
    target = OUT / "vmlinux"
    if not target.exists() or target.stat().st_mtime < vmlinuz().stat().st_mtime:
        OUT.mkdir(parents=True, exist_ok=True)
        new = OUT / f".vmlinux.{os.getpid()}"
        new.write_bytes(lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(data[start:]))
        os.rename(new, target)
    return target


def vmlinuz():
    return packages.kernel()[0] / "vmlinuz"
