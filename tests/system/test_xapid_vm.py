# SPDX-License-Identifier: MIT
"""VMs by the management API, on our hypervisor: defined, started, asked to end, killed; beside xl,
which sees them as the API sees xl's. What the daemon is besides is in test_xapid.py."""
import threading
import time

import pytest

from xapi import Api, ApiError

DOM0 = "00000000-0000-0000-0000-000000000000"
MIB = 1 << 20


@pytest.fixture(autouse=True)
def ours(stack):
    if stack != "bonsai":
        pytest.skip("the stock tools have no such daemon")


def definition(g, **fields):
    """What the record of a VM like that Guest of guest.py is."""
    return {
        "name_label": g.name,
        "memory_static_max": str(128 * MIB),
        "PV_kernel": "/srv/vmlinux",
        "PV_ramdisk": "/guests/initrd.gz",
        "PV_args": f"console=hvc0 quiet mitigations=off addr={g.address}/24",
        "other_config": {
            "bonsai.disks": f"phy:{g.loop},xvda,w",
            "bonsai.vifs": "bridge=br0",
        },
        **fields,
    }


class Vm:
    """A VM of the API and the guest in it."""

    def __init__(self, api, guest, **fields):
        self.api, self.guest = api, guest
        guest.prepare()
        self.ref = api.VM.create(definition(guest, **fields))

    def state(self):
        return self.api.VM.get_power_state(self.ref)

    def do(self, operation, *arguments):
        return getattr(self.api.VM, operation)(self.ref, *arguments)

    def start(self):
        self.do("start", False)
        self.guest.wait_up()
        return self

    def remove(self):
        """However the test left it."""
        if self.ref not in self.api.VM.get_all():
            return
        if self.state() != "Halted":
            self.do("hard_shutdown")
        self.do("destroy")


@pytest.fixture
def api(dom0):
    return Api(dom0, timeout=400).log_in()


@pytest.fixture
def vms(api, guests, dom0):
    """vms(name, **fields): a defined VM; gone at the end of the test."""
    made = []

    def new(name, **fields):
        vm = Vm(api, guests(name), **fields)
        made.append(vm)
        return vm

    yield new
    if not dom0.ended:
        api.log_in()
        for vm in made:
            vm.remove()


def expect(code, call, *arguments):
    with pytest.raises(ApiError) as caught:
        call(*arguments)
    assert caught.value.code == code, caught.value
    return caught.value.words


def refusal(api, vm):
    with pytest.raises(ApiError) as caught:
        api.VM.destroy(vm.ref)
    return caught.value.code


def slow_poweroff(guest, seconds):
    """The guest's kernel runs this when it is asked to power off."""
    script = f"#!/bin/sh\\nsleep {seconds}\\nexec busybox poweroff -f\\n"
    guest.run(f"printf '{script}' >/sbin/poweroff")


def in_threads(*calls):
    """What each returned or raised."""
    results = [None] * len(calls)

    def run(i):
        try:
            results[i] = calls[i]()
        except ApiError as error:
            results[i] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(calls))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


def test_a_life(dom0, api, vms):
    vm = vms("life")
    g = vm.guest
    assert vm.state() == "Halted" and g.domid() is None
    assert api.VM.get_by_name_label("life") == [vm.ref]
    expect("VM_BAD_POWER_STATE", vm.do, "pause")

    vm.start()
    domid = g.domid()
    record = api.VM.get_record(vm.ref)
    assert record["power_state"] == "Running" and record["domid"] == str(domid)
    assert record["resident_on"] == api.host.get_all()[0]
    assert dom0.run("xl vm-list", check=True).output.count(vm.ref) == 1
    metrics = api.VM_metrics.get_record(record["metrics"])
    assert 127 * MIB < int(metrics["memory_actual"]) <= 129 * MIB
    assert metrics["VCPUs_number"] == "1"
    [vbd], [vif] = record["VBDs"], record["VIFs"]
    assert api.VBD.get_currently_attached(vbd) and api.VBD.get_device(vbd) == "xvda"
    mac = g.run("cat /sys/class/net/eth0/address").output.strip()
    assert api.VIF.get_MAC(vif) == mac
    [console] = record["consoles"]
    assert api.console.get_location(console).startswith("/dev/pts/")
    expect("VM_BAD_POWER_STATE", vm.do, "destroy")
    assert expect("VM_BAD_POWER_STATE", vm.do, "start", False) == [vm.ref, "Halted", "Running"]

    vm.do("pause")
    assert vm.state() == "Paused" and "p" in g.state()
    assert dom0.run(f"ping -c 1 -w 2 {g.address} >/dev/null").status == 1
    vm.do("unpause")
    dom0.run(f"ping -c 1 -w 10 {g.address} >/dev/null", check=True)

    g.run("echo by the API | dd of=/dev/xvda bs=4k seek=7 conv=sync 2>/dev/null; sync")
    vm.do("clean_reboot")
    assert g.domid() not in (None, domid) and vm.state() == "Running"
    g.wait_up()
    assert g.run("cat /sys/class/net/eth0/address").output.strip() == mac

    vm.do("clean_shutdown")
    assert vm.state() == "Halted" and g.domid() is None
    said = dom0.run(f"dd if={g.disk} bs=4k skip=7 count=1 2>/dev/null").output
    assert said.startswith("by the API")

    vm.do("start", True)
    assert vm.state() == "Paused" and "p" in g.state()
    vm.do("hard_shutdown")
    assert vm.state() == "Halted" and g.domid() is None
    vm.do("destroy")
    assert vm.ref not in api.VM.get_all()
    expect("HANDLE_INVALID", vm.do, "start", False)


def test_beside_xl(dom0, api, vms, guests):
    """Guests of xl are VMs as long as they run; ours are guests for xl."""
    theirs = guests("theirs").create("-p")
    [ref] = api.VM.get_by_name_label("theirs")
    record = api.VM.get_record(ref)
    assert record["power_state"] == "Paused" and record["memory_static_max"] == str(128 * MIB)
    assert record["PV_kernel"] == "/srv/vmlinux" and len(record["VBDs"]) == 1
    expect("OPERATION_NOT_ALLOWED", api.VM.set_name_label, ref, "mine")
    expect("VM_BAD_POWER_STATE", api.VM.destroy, ref)
    api.VM.unpause(ref)
    theirs.wait_up()
    api.VM.clean_shutdown(ref)
    assert ref not in api.VM.get_all() and theirs.domid() is None

    vm = vms("mine", actions_after_crash="preserve").start()
    assert dom0.run("xl list mine", check=True).output.splitlines()[1].split()[2] == "128"
    console = "(sleep 2; echo; echo 'echo answer $((6 * 7))'; sleep 4) | timeout 12 xl console mine"
    assert "answer 42" in dom0.run(console, timeout=40).output
    dom0.run("xl destroy mine", check=True)
    assert vm.state() == "Halted"

    vm.start()
    vm.guest.run(
        "echo 1 >/proc/sys/kernel/sysrq; (sleep 0.3; echo c >/proc/sysrq-trigger) &", check=False
    )
    vm.guest.wait_for(lambda: vm.state() == "Crashed", "shown as crashed")
    expect("VM_BAD_POWER_STATE", vm.do, "start", False)
    vm.do("hard_reboot")
    assert vm.state() == "Running"
    dom0.run("xl destroy mine", check=True)

    assert api.VM.get_is_control_domain(DOM0)
    assert api.VM.get_name_label(DOM0) == "Domain-0"
    expect("OPERATION_NOT_ALLOWED", api.VM.hard_shutdown, DOM0)


def test_side_by_side(dom0, api, vms):
    """Two VMs at once, two operations on one, and a hard one that ends the waiting of another."""
    one, two = vms("one"), vms("two")
    another = Api(dom0, timeout=400).log_in()
    got = in_threads(
        lambda: api.VM.start(one.ref, True),
        lambda: another.VM.start(one.ref, True),
        lambda: Api(dom0, timeout=400).log_in().VM.start(two.ref, True),
    )
    assert got[2] == "" and [one.state(), two.state()] == ["Paused", "Paused"]
    failed = [e for e in got[:2] if isinstance(e, ApiError)]
    assert len(failed) == 1 and failed[0].code in (
        "OTHER_OPERATION_IN_PROGRESS",
        "VM_BAD_POWER_STATE",
    )

    # one that takes the request and does not end
    one.do("unpause")
    one.guest.wait_up()
    slow_poweroff(one.guest, 1000)

    meddled = threading.Event()

    def ask():
        """meddle()'s look holds the VM for a moment, too."""
        while True:
            try:
                return another.VM.clean_shutdown(one.ref)
            except ApiError:
                if meddled.is_set():
                    raise

    def meddle():
        """When the other one waits: VM.destroy says so, and does nothing otherwise either."""
        one.guest.wait_for(lambda: refusal(api, one) == "OTHER_OPERATION_IN_PROGRESS", "asked")
        meddled.set()
        return api.VM.hard_shutdown(one.ref)

    got = in_threads(ask, meddle)
    assert got[1] == "" and got[0].code == "OTHER_OPERATION_IN_PROGRESS", got
    assert one.state() == "Halted"
    two.do("hard_shutdown")


def test_what_cannot_start(dom0, api, vms):
    vm = vms("never", PV_kernel="/srv/none")
    assert expect("VALUE_NOT_SUPPORTED", vm.do, "start", False)[0] == "PV_kernel"
    vm.do("set_PV_kernel", "/guests/initrd.gz")
    assert "initrd" in expect("INTERNAL_ERROR", vm.do, "start", False)[0]
    vm.do("set_PV_kernel", "/srv/vmlinux")
    vm.do("set_memory_static_max", str(64 << 30))
    vm.do("set_memory_dynamic_max", str(64 << 30))
    needed, available = expect("HOST_NOT_ENOUGH_FREE_MEMORY", vm.do, "start", False)
    assert int(needed) > int(available) > 0
    vm.do("set_memory_dynamic_max", str(128 * MIB))
    vm.do("set_memory_static_max", str(128 * MIB))
    vm.do("set_other_config", {"bonsai.vifs": "bridge=nowhere"})
    assert "nowhere" in expect("INTERNAL_ERROR", vm.do, "start", False)[0]
    assert vm.state() == "Halted"


def wait_back(api):
    """Until the daemon that was killed answers again."""
    end = time.monotonic() + 30
    while True:
        try:
            return api.log_in()
        except ConnectionError:
            assert time.monotonic() < end, "the daemon does not come back"
            time.sleep(0.3)


def test_killed_while_a_vm_runs(dom0, api, vms):
    """kill -9: the guest and its monitor go on, the definition is there, and what was asked of the
    guest happens."""
    vm = vms("lives").start()
    g, domid = vm.guest, vm.guest.domid()
    kill = "kill -9 $(cat /run/bonsai/xapid.pid)"
    dom0.run(kill, check=True)
    g.run("true")
    wait_back(api)
    assert vm.state() == "Running" and g.domid() == domid
    assert api.VM.get_record(vm.ref)["name_label"] == "lives"
    g.run("(sleep 0.3; reboot -f) &", check=False)
    g.wait_for(lambda: g.domid() not in (None, domid), "restarted by its monitor")
    g.wait_up()

    def shut_down():
        try:
            return Api(dom0, timeout=400).log_in().VM.clean_shutdown(vm.ref)
        except OSError as error:
            return error

    slow_poweroff(g, 6)
    worker = threading.Thread(target=shut_down)
    worker.start()
    g.wait_for(lambda: refusal(api, vm) == "OTHER_OPERATION_IN_PROGRESS", "asked")
    time.sleep(1)  # the request follows the claim
    dom0.run(kill, check=True)
    worker.join()
    wait_back(api)
    g.wait_gone()
    assert vm.state() == "Halted"


def test_host(dom0, api):
    [host] = api.host.get_all()
    record = api.host.get_record(host)
    info = dict(
        line.split(":", 1) for line in dom0.run("xl info", check=True).output.splitlines()
    )
    info = {k.strip(): v.strip() for k, v in info.items()}
    assert record["software_version"]["xen"] == info["xen_version"]
    assert record["cpu_configuration"]["nr_cpus"] == info["nr_cpus"]
    assert record["sched_policy"] == info["xen_scheduler"]
    assert record["resident_VMs"] == [DOM0]
    memory = api.host_metrics.get_record(record["metrics"])
    assert int(memory["memory_total"]) // MIB == int(info["total_memory"])
    assert abs(int(memory["memory_free"]) // MIB - int(info["free_memory"])) <= 1
    assert len(record["host_CPUs"]) == int(info["nr_cpus"])
    assert api.host_cpu.get_record(record["host_CPUs"][0])["modelname"]
