# SPDX-License-Identifier: MIT
"""A PV Linux guest with a disk and a vif, as the system tests use it, by xl's command line only."""
import shlex
import time

CONFIG = """name = "{name}"
kernel = "{kernel}"
ramdisk = "{ramdisk}"
memory = {memory}
vcpus = 1
extra = "console=hvc0 quiet mitigations=off addr={address}/24 {extra}"
disk = ['phy:/dev/loop{number},xvda,w']
vif = ['bridge=br0']
{more}
"""


class Guest:
    def __init__(
        self,
        dom0,
        name,
        number,
        kernel="/srv/vmlinux",
        ramdisk="/guests/initrd.gz",
        memory=128,
        extra="",
        more="",
    ):
        self.dom0, self.name, self.number = dom0, name, number
        self.address = f"10.9.0.{10 + number}"
        self.disk = f"/srv/disk{number}.img"  # made on the host, by disks.py
        self.path = f"/tmp/{name}.cfg"
        self.loop = f"/dev/loop{number}"
        self.config = CONFIG.format(
            name=name,
            kernel=kernel,
            ramdisk=ramdisk,
            memory=memory,
            extra=extra,
            address=self.address,
            number=number,
            more=more,
        )

    def prepare(self):
        self.dom0.put(self.path, self.config)
        self.dom0.run(
            f"losetup {self.loop} {self.disk} && rm -f /var/log/xen/console/guest-{self.name}.log",
            check=True,
        )
        return self

    def create(self, options="", timeout=120):
        self.prepare()
        self.dom0.run(f"xl create -q {options} {self.path}", check=True, timeout=timeout)
        return self

    def wait_up(self, seconds=60):
        """Until the guest's agent answers over the network."""
        self.dom0.run(
            f"""end=$(($(cut -d. -f1 /proc/uptime) + {seconds}))
            until timeout 3 rig-guest {self.address} true 2>/dev/null; do
                [ $(cut -d. -f1 /proc/uptime) -lt $end ] || {{
                    echo 'guest {self.name} did not come up; its console:'
                    cat {self.log}; exit 1; }}
                sleep 0.3
            done""",
            check=True,
            timeout=seconds * 3,
        )
        return self

    @property
    def log(self):
        return f"/var/log/xen/console/guest-{self.name}.log"

    def run(self, command, timeout=60, check=True):
        """Run a shell command in the guest."""
        return self.dom0.run(
            f"timeout {timeout} rig-guest {self.address} {shlex.quote(command)}",
            timeout=timeout + 30,
            check=check,
        )

    def domid(self):
        """None when it does not exist."""
        r = self.dom0.run(f"xl domid {self.name} 2>/dev/null")
        return int(r.output) if r.status == 0 else None

    def state(self):
        """The six letters of xl list, '' when it does not exist."""
        r = self.dom0.run(f"xl list {self.name} 2>/dev/null | awk 'NR > 1 {{print $5}}'")
        return r.output.strip()

    def wait_for(self, condition, what, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"{self.name}: not {what} within {seconds} s"
            time.sleep(0.5)

    def wait_gone(self, seconds=60):
        self.wait_for(lambda: self.domid() is None, "gone", seconds)

    def clean_up(self):
        self.dom0.run(
            f"""xl destroy {self.name} >/dev/null 2>&1
            for n in 1 2 3 4 5 6 7 8 9 10; do
                losetup {self.loop} >/dev/null 2>&1 || break
                losetup -d {self.loop} 2>/dev/null; sleep 0.3
            done; rm -f {self.path}""",
            timeout=90,
        )
