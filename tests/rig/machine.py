# SPDX-License-Identifier: MIT
"""A whole machine in QEMU: hypervisor, dom0, and commands run in dom0 through the agent.

    with Machine(hypervisor="bonsai", stack="bonsai", log="build/rig/example") as m:
        m.start()
        print(m.run("xl info").output)

A machine has three lines to the outside: the console (COM1, shared by hypervisor and kernels; it
goes to LOG.console and can be read as m.console()), the agent's channel (a virtio port, or COM2
polled where PCI interrupts do not work yet) and QEMU's monitor, which says why the machine stopped.
A thread reads each. Environment: BONSAI_QEMU_WRAPPER is put before QEMU's command line, BONSAI_QEMU
names another QEMU.
"""
import ctypes
import json
import os
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import image
import packages
from packages import RigError

HEADER = struct.Struct("<BBHI")
MAGIC = 0xB5
CPU = "max,-smap,-xsave"
LIMIT = 1500  # seconds that any QEMU may live


class MachineStopped(Exception):
    """The machine ended, or never came up, while something was asked of it."""


class CommandTimeout(Exception):
    """A command in dom0 did not end in time; it has been killed."""


@dataclass
class Result:
    command: str
    status: int
    output: str

    def __str__(self):
        return f"{self.command!r} exited {self.status}:\n{self.output}"


@dataclass
class Job:
    command: str
    out: bytearray = field(default_factory=bytearray)
    status: int | None = None
    sink: object = None


@dataclass
class Config:
    """What to boot. 'hypervisor' is bonsai, xen, bare or the path of a multiboot image."""

    hypervisor: str = "bonsai"
    stack: str = "bonsai"
    memory: int = 2048
    dom0_memory: int = 1024
    cpus: int = 1
    cpu: str = CPU
    count: bool = False  # -icount: deterministic, one TSC tick is one instruction
    hypervisor_args: str = ""
    kernel_args: str = ""
    qemu_args: list = field(default_factory=list)
    cdrom: str = ""  # boot this ISO image instead of -kernel
    reboot: bool = False  # a reset starts the machine again; otherwise it ends QEMU
    virtio: bool = True  # the agent may use a virtio port; otherwise COM2 alone
    interactive: bool = False  # a shell on the console, which is this terminal
    extra: object = None  # image.Tree laid over dom0's image
    limit: int = LIMIT


def hypervisor_path(name):
    if name == "xen":
        return packages.xen()
    path = image.BUILD / "bonsai" if name == "bonsai" else Path(name)
    if not path.is_file():
        raise RigError(f"no hypervisor image {path}" + (" (make)" if name == "bonsai" else ""))
    return path


def boot_args(config, work):
    """QEMU's arguments that say what is booted."""
    kernel_args = f"panic=-1 {config.kernel_args}"
    if config.interactive:
        kernel_args += " rig=shell"
    if config.cdrom:
        return ["-boot", "d", "-cdrom", config.cdrom]
    initrd = Path(work) / "initrd"
    image.dom0_initrd(initrd, "none" if config.hypervisor == "bare" else config.stack, config.extra)
    if config.hypervisor == "bare":
        return [
            "-kernel",
            image.vmlinuz(),
            "-initrd",
            initrd,
            "-append",
            f"console=ttyS0 {kernel_args}",
        ]
    memory = (
        f"dom0_mem={config.dom0_memory}M,max:{config.dom0_memory}M" if config.dom0_memory else ""
    )
    module_args = f"console=hvc0 {kernel_args}".replace(",", ",,")
    return [
        "-kernel",
        hypervisor_path(config.hypervisor),
        "-initrd",
        f"{image.vmlinuz()} {module_args},{initrd}",
        "-append",
        f"console=com1 com1=115200 {memory} loglvl=all guest_loglvl=all noreboot=0 "
        f"{config.hypervisor_args}",
    ]


def qemu_command(config, work):
    wrapper = shlex.split(os.environ.get("BONSAI_QEMU_WRAPPER", ""))
    qemu = os.environ.get("BONSAI_QEMU", "qemu-system-x86_64")
    if not shutil.which(qemu):
        raise RigError(f"no {qemu}: run 'make deps'")
    command = [
        *wrapper,
        "timeout",
        "--foreground",
        "-k",
        "5",
        config.limit,
        qemu,
        "-accel",
        "tcg",
        "-cpu",
        config.cpu,
        "-smp",
        config.cpus,
        "-m",
        config.memory,
        "-display",
        "none",
        "-nic",
        "none",
    ]
    if not config.reboot:
        command += ["-no-reboot"]
    if config.count:
        command += ["-icount", "shift=0,sleep=off"]
    if config.interactive:
        command += [
            "-chardev",
            "stdio,id=con,mux=on,signal=off",
            "-serial",
            "chardev:con",
            "-monitor",
            "none",
        ]
    else:
        command += [
            "-chardev",
            f"socket,id=con,path={work}/console,server=on,wait=off",
            "-serial",
            "chardev:con",
            "-chardev",
            f"socket,id=rigcom,path={work}/com2,server=on,wait=off",
            "-serial",
            "chardev:rigcom",
            "-chardev",
            f"socket,id=rig,path={work}/virtio,server=on,wait=off",
            "-chardev",
            f"socket,id=mon,path={work}/monitor,server=on,wait=off",
            "-mon",
            "chardev=mon,mode=control",
        ]
        if config.virtio:
            command += [
                "-device",
                "virtio-serial-pci,max_ports=2",
                "-device",
                "virtserialport,chardev=rig,name=bonsai.rig",
            ]
    return [str(a) for a in [*command, *boot_args(config, work), *config.qemu_args]]


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class Machine:
    def __init__(self, log=None, config=None, **options):
        self.config = config or Config(**options)
        self.work = Path(tempfile.mkdtemp(prefix="bonsai-rig-"))
        self.log = Path(log) if log else None
        self.lock = threading.Condition()
        self.sockets = {}
        self.channel = None
        self.jobs = {}
        self.next_id = 1
        self.hellos = 0
        self.text = bytearray()
        self.echo = None  # console text is also passed to this function
        self.reason = None  # why QEMU stopped: its SHUTDOWN event
        self.qemu = None
        self.send_lock = threading.Lock()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()

    # --- life

    def power_on(self):
        """Start QEMU and the readers; returns at once."""
        command = qemu_command(self.config, self.work)
        if self.log:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            Path(f"{self.log}.qemu").write_text(shlex.join(command) + "\n")
            self.logfile = open(f"{self.log}.console", "wb", buffering=0)
        with open(self.work / "stderr", "wb") as errors:
            self.qemu = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self.started = time.monotonic()
        for name in ("monitor", "console", "com2", "virtio"):
            self.sockets[name] = self._connect(name)
        self.started = time.monotonic()  # a wrapper may have made us wait
        threading.Thread(target=self._read_console, daemon=True).start()
        threading.Thread(target=self._read_monitor, daemon=True).start()
        for name in ("com2", "virtio"):
            threading.Thread(target=self._read_channel, args=(name,), daemon=True).start()
        threading.Thread(target=self._reap, daemon=True).start()

    def start(self, timeout=180):
        """Power on and wait until dom0 takes commands."""
        self.power_on()
        self.wait_ready(timeout)
        return self

    def wait_ready(self, timeout):
        with self.lock:
            self.lock.wait_for(lambda: self.channel or self.ended, timeout)
            if not self.channel:
                what = "stopped" if self.ended else f"took no command within {timeout} s"
                raise MachineStopped(f"the machine {what} before dom0 was up{self._last_words()}")

    ended = False

    def wait_hello(self, number, timeout):
        """Wait until the agent has greeted for the number-th time: 2 is after the first reboot."""
        with self.lock:
            if (
                not self.lock.wait_for(lambda: self.hellos >= number or self.ended, timeout)
                or self.ended
            ):
                raise MachineStopped(f"dom0 did not come up {number} times{self._last_words()}")

    def wait_exit(self, timeout):
        """Wait until QEMU has ended; why: 'guest-shutdown', 'guest-reset', ... or None."""
        try:
            self.qemu.wait(timeout)
        except subprocess.TimeoutExpired:
            raise CommandTimeout(f"the machine did not stop within {timeout} s{self._last_words()}")
        with self.lock:
            self.lock.wait_for(lambda: self.ended, 5)
        return self.reason

    def stop(self):
        if self.qemu and self.qemu.poll() is None:
            try:
                os.killpg(self.qemu.pid, signal.SIGTERM)
                self.qemu.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.qemu.pid, signal.SIGKILL)
                self.qemu.wait()
        for s in self.sockets.values():
            s.close()
        shutil.rmtree(self.work, ignore_errors=True)

    # --- commands in dom0

    def run(self, command, timeout=60, check=False, sink=None):
        """Run a shell command in dom0: its exit status and output (stderr too).

        check: an exit status other than 0 is an AssertionError. sink gets output as it comes.
        """
        job = self.spawn(command, sink)
        result = self.wait(job, timeout)
        if check and result.status:
            raise AssertionError(str(result))
        return result

    def spawn(self, command, sink=None):
        """Start a command; to be given to wait()."""
        return self._order(b"R", command.encode(), Job(command, sink=sink))

    def wait(self, number, timeout=60):
        job = self.jobs[number]
        with self.lock:
            self.lock.wait_for(lambda: job.status is not None or self.ended, timeout)
        if job.status is None:
            said = job.out.decode(errors="replace")
            if self.ended:
                raise MachineStopped(
                    f"the machine stopped ({self.reason}) during {job.command!r}; it said:\n"
                    f"{said}{self._last_words()}"
                )
            self._send(b"K", number, b"")
            raise CommandTimeout(
                f"{job.command!r} did not end within {timeout} s; it said:\n{said}"
            )
        del self.jobs[number]
        return Result(job.command, job.status, job.out.decode(errors="replace"))

    def put(self, path, data):
        """Write a file in dom0."""
        data = data.encode() if isinstance(data, str) else data
        for at in range(0, max(len(data), 1), 1 << 16):
            first = b"\1" if at else b"\0"
            number = self._order(
                b"P",
                first + path.encode() + b"\0" + data[at : at + (1 << 16)],
                Job(f"write {path}"),
            )
            if self.wait(number).status:
                raise AssertionError(f"cannot write {path} in dom0")

    def console(self):
        """All that the console has said so far."""
        with self.lock:
            return self.text.decode(errors="replace")

    def type(self, text):
        """Type on the console."""
        self.sockets["console"].sendall(text.encode())

    def wait_console(self, text, timeout=60, after=0):
        """Wait until the console, from character 'after' on, says text."""
        with self.lock:
            if (
                not self.lock.wait_for(
                    lambda: text.encode() in self.text[after:] or self.ended, timeout
                )
                or text.encode() not in self.text[after:]
            ):
                raise MachineStopped(f"the console did not say {text!r}{self._last_words()}")

    # --- inside

    def _order(self, kind, payload, job):
        with self.lock:
            if not self.channel:
                raise MachineStopped("dom0 is not up")
            number = self.next_id
            self.next_id = self.next_id % 0xFFFF + 1
            self.jobs[number] = job
        self._send(kind, number, payload)
        return number

    def _send(self, kind, number, payload):
        frame = HEADER.pack(MAGIC, kind[0], number, len(payload)) + payload
        try:
            with self.send_lock:
                self.channel.sendall(frame)
        except OSError:
            with self.lock:
                self.lock.wait_for(lambda: self.ended, 10)
            raise MachineStopped(
                f"the machine has stopped ({self.reason}){self._last_words()}"
            ) from None

    def _connect(self, name):
        """QEMU makes its sockets when it starts, which a wrapper may delay without limit."""
        while True:
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(str(self.work / name))
                return s
            except OSError:
                s.close()
            if self.qemu.poll() is not None:
                raise MachineStopped(
                    f"QEMU ended at once: {(self.work / 'stderr').read_text().strip()}"
                )
            time.sleep(0.05)

    def _last_words(self):
        with self.lock:
            tail = self.text[-3000:].decode(errors="replace").replace("\r", "")
        errors = self.work / "stderr"
        said = errors.read_text().strip() if errors.exists() else ""
        where = f" ({self.log}.console has all)" if self.log else ""
        return f"\nQEMU: {said or 'no message'}\nthe console's end{where}:\n{tail}"

    def _reap(self):
        self.qemu.wait()
        time.sleep(0.2)  # the readers empty their sockets
        with self.lock:
            self.ended = True
            self.lock.notify_all()

    def _read_console(self):
        for data in self._chunks("console"):
            with self.lock:
                self.text += data
                self.lock.notify_all()
            if self.log:
                self.logfile.write(data)
            if self.echo:
                self.echo(data)

    def _read_monitor(self):
        s = self.sockets["monitor"]
        s.sendall(b'{"execute":"qmp_capabilities"}\n')
        buffer = b""
        for data in self._chunks("monitor"):
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                event = json.loads(line)
                if event.get("event") == "SHUTDOWN":
                    self.reason = event["data"].get("reason")

    def _chunks(self, name):
        while True:
            try:
                data = self.sockets[name].recv(65536)
            except OSError:
                return
            if not data:
                return
            yield data

    def _read_channel(self, name):
        buffer = b""
        for data in self._chunks(name):
            buffer += data
            while len(buffer) >= HEADER.size:
                at = buffer.find(bytes([MAGIC]))
                if at != 0:
                    buffer = buffer[at:] if at > 0 else b""
                    continue
                _, kind, number, length = HEADER.unpack_from(buffer)
                if len(buffer) < HEADER.size + length:
                    break
                payload = buffer[HEADER.size : HEADER.size + length]
                buffer = buffer[HEADER.size + length :]
                self._take(name, chr(kind), number, payload)

    def _take(self, name, kind, number, payload):
        if kind == "H":
            self.sockets[name].sendall(HEADER.pack(MAGIC, ord("H"), 0, 0))
            with self.lock:
                self.channel, self.channel_name = self.sockets[name], name
                self.hellos += 1
                self.lock.notify_all()
            return
        with self.lock:
            job = self.jobs.get(number)
            if job and kind == "O":
                job.out += payload
            elif job and kind == "X":
                job.status = struct.unpack("<I", payload)[0]
            self.lock.notify_all()
        if job and kind == "O" and job.sink:
            job.sink(payload)


def interactive(config):
    """Boot with this terminal as the console. Returns QEMU's exit status."""
    config.interactive = True
    with tempfile.TemporaryDirectory(prefix="bonsai-rig-") as work:
        return subprocess.run(qemu_command(config, work)).returncode
