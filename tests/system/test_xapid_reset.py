# SPDX-License-Identifier: MIT
"""VMs defined by the management API outlive the host: a machine of its own, reset."""
import pytest

from disks import data_disk
from test_xapid_vm import DOM0, MIB
from xapi import Api


@pytest.fixture(autouse=True)
def ours(stack):
    if stack != "bonsai":
        pytest.skip("the stock tools have no such daemon")


def test_definitions_survive_a_reset(boot, hypervisor, stack):
    """The folder on a disk, the machine reset in the middle of writing."""
    disk = data_disk("state", f"{hypervisor}-{stack}".replace("/", "_"))
    m = boot(
        "state",
        reboot=True,
        qemu_args=["-drive", f"file={disk},if=virtio,format=raw,cache=writethrough"],
    )
    up = (
        "mount -t ext4 /dev/vda /srv && mkdir -p /srv/state /var/lib/bonsai && "
        "mount --bind /srv/state /var/lib/bonsai && rig-up"
    )
    fields = {
        "memory_static_max": str(128 * MIB),
        "PV_kernel": "/srv/vmlinux",
        "PV_ramdisk": "/guests/initrd.gz",
        "PV_args": "console=hvc0 quiet",
    }
    m.run(up, check=True, timeout=60)
    api = Api(m).log_in()
    host = api.host.get_all()
    kept = [api.VM.create({"name_label": f"vm{n}", **fields}) for n in range(3)]
    api.VM.destroy(kept.pop())
    api.VM.set_name_description(kept[0], "the last word")
    api.VM.start(kept[1], False)
    # cut short: whatever of this is on the disk is whole
    m.spawn("while :; do echo x >/srv/noise; sync; done")
    m.sockets["monitor"].sendall(b'{"execute": "system_reset"}\n')
    m.wait_hello(2, 180)

    m.run(up, check=True, timeout=60)
    api.log_in()
    assert api.host.get_all() == host
    assert sorted(api.VM.get_all()) == sorted([DOM0, *kept])
    assert api.VM.get_name_description(kept[0]) == "the last word"
    assert [api.VM.get_power_state(vm) for vm in kept] == ["Halted", "Halted"]
    api.VM.start(kept[1], True)
    assert api.VM.get_power_state(kept[1]) == "Paused"
    assert "left alone" not in m.run("cat /var/log/bonsai/xapid.log").output
