# SPDX-License-Identifier: MIT
"""The management API's daemon in dom0: as a service, at both doors, beside xl, killed, and fed with
what is no call. What VMs do by it is in test_xapid_vm.py.
"""
import re
import time

import pytest

import image
from xapi import PORT, SOCKET, Api, ApiError, post, send

LIST = "/tmp/list-vms"


@pytest.fixture(autouse=True)
def ours(stack):
    if stack != "bonsai":
        pytest.skip("the stock tools have no such daemon")


@pytest.fixture
def api(dom0):
    a = Api(dom0).log_in()
    yield a
    if not dom0.ended:
        dom0.run("rm -f /etc/bonsai/xapid.passwd")


def pid(dom0):
    return dom0.run("cat /run/bonsai/xapid.pid", check=True).output.strip()


def resident(dom0):
    """The most memory that the daemon ever had, in KiB."""
    out = dom0.run(f"grep VmHWM /proc/{pid(dom0)}/status", check=True).output
    return int(out.split()[1])


def set_password(dom0, user, password):
    dom0.run(f"echo '{password}' | bonsai-xapid --set-password {user}", check=True)


def test_service(dom0, api):
    assert re.search(r"^xapid: ready", dom0.run("bonsai-services status", check=True).output, re.M)
    assert dom0.run(f"stat -c %a {SOCKET}", check=True).output.strip() == "600"
    assert "nobody can log in by TCP" in dom0.run("cat /var/log/bonsai/xapid.log").output
    assert "VM.get_all" in api.host.list_methods()
    assert "VM.get_all" in Api(dom0).plain("system.listMethods")
    assert api.host.get_all() == [api.session.get_this_host(api.session_ref)]
    # as dom0's root sees them: on 127.0.0.1 only
    sockets = dom0.run("netstat -ltn", check=True).output
    assert "127.0.0.1:9363" in sockets and "0.0.0.0:9363" not in sockets


def test_login_by_tcp(dom0, api):
    tcp = Api(dom0, PORT)
    with pytest.raises(ApiError, match="SESSION_AUTHENTICATION_FAILED"):
        tcp.log_in("root", "")
    set_password(dom0, "root", "geheim")
    with pytest.raises(ApiError, match="SESSION_AUTHENTICATION_FAILED"):
        tcp.log_in("root", "other")
    tcp.log_in("root", "geheim")
    assert tcp.VM.get_all() == api.VM.get_all()
    tcp.session.logout()
    with pytest.raises(ApiError, match="SESSION_INVALID"):
        tcp.VM.get_all()


def test_textbook_client(dom0, api, guests):
    """docs/examples/list-vms.c, with a guest of xl's."""
    g = guests("listed").create("-p")
    dom0.put(LIST, (image.BUILD / "bin/list-vms").read_bytes())
    dom0.run(f"chmod 755 {LIST}", check=True)
    set_password(dom0, "root", "geheim")
    try:
        for command in (f"{LIST} {SOCKET}", f"echo geheim | setsid {LIST} root"):
            out = dom0.run(command, check=True).output
            assert re.search(r"^listed +Paused +128 MiB$", out, re.M), out
    finally:
        dom0.run(f"rm {LIST}")
    assert g.name in [api.VM.get_name_label(vm) for vm in api.VM.get_all()]


def test_killed(dom0, api, guests):
    """The supervisor starts it again; only the sessions are gone."""
    guests("survivor").create("-p")
    vm = api.VM.get_by_name_label("survivor")
    before = api.VM.get_record(vm[0])
    old = pid(dom0)
    dom0.run(f"kill -9 {old}", check=True)
    end = time.monotonic() + 30
    while True:
        try:
            with pytest.raises(ApiError, match="SESSION_INVALID"):
                api.VM.get_all()
            break
        except ConnectionError:
            assert time.monotonic() < end, "the daemon does not come back"
            time.sleep(0.3)
    assert pid(dom0) != old
    api.log_in()
    assert api.VM.get_by_name_label("survivor") == vm
    assert api.VM.get_record(vm[0])["power_state"] == before["power_state"] == "Paused"


CALL = "<methodCall><methodName>{}</methodName><params>{}</params></methodCall>"
ENTITIES = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 32}'>" for n in range(1, 9))
# name: (body, what the answer must say, what it must not say)
BAD = {
    "nothing": ("", "-32700", "Success"),
    "no XML": ("VM.get_all()", "-32700", "Success"),
    "cut short": (CALL.format("VM.get_all", "")[:-3], "-32700", "Success"),
    "not a call": ("<html/>", "-32600", "Success"),
    "bad UTF-8": (CALL.format("VM.get_all", "").encode() + b"\xff", "-32700", "Success"),
    "external entity": (
        "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/rig-stack'>]>"
        + CALL.format("&a;", "<param><value>&a;</value></param>"),
        "-32600",
        "bonsai\n",
    ),
    "entity bomb": (
        f"<!DOCTYPE x [<!ENTITY e0 '{'a' * 32}'>{ENTITIES}]>"
        + CALL.format("x", "<param><value>&e8;</value></param>"),
        "-32600",
        "aaaa",
    ),
    "deep": (CALL.format("x", "<param><value>" + "<array><data><value>" * 20000), "-32600", "Succ"),
    "unknown method": (CALL.format("VM.fly", ""), "MESSAGE_METHOD_UNKNOWN", "Success"),
    "no parameters": (CALL.format("VM.get_all", ""), "MESSAGE_PARAMETER_COUNT_MISMATCH", "Succ"),
    "wrong session": (
        CALL.format("VM.get_all", "<param><value>x</value></param>"),
        "SESSION_INVALID",
        "Success",
    ),
    "wrong type": (
        CALL.format("VM.get_all", "<param><value><int>1</int></value></param>"),
        "FIELD_TYPE_ERROR",
        "Success",
    ),
}


def test_bad_input(dom0, api):
    for name, (body, must, must_not) in BAD.items():
        answer = send(dom0, post(body)).decode()
        assert answer.startswith("HTTP/1.1 200 "), f"{name}: {answer}"
        assert must in answer and must_not not in answer, f"{name}: {answer}"
    with pytest.raises(ApiError, match="HANDLE_INVALID"):
        api.VM.get_record("no such VM")
    assert send(dom0, b"GET /RPC2 HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.")
    assert api.VM.get_all()


def test_hundred_mebibytes(dom0, api):
    """At both doors, honest and chunked: refused, in bounded memory, others are served meanwhile."""
    size = 100 << 20
    send(dom0, b"")  # brings the program
    dom0.put("/tmp/head", f"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n")
    flood = f"(cat /tmp/head; head -c {size} /dev/zero) | /tmp/xapid_door"
    jobs = [dom0.spawn(f"{flood} {door}") for door in (SOCKET, PORT)]
    assert api.VM.get_all()
    for job in jobs:
        result = dom0.wait(job, 120)
        assert result.output.startswith("HTTP/1.1 413 "), str(result)
    dom0.run("rm /tmp/head", check=True)
    assert resident(dom0) < 48 << 10
    assert api.VM.get_all()
