# SPDX-License-Identifier: MIT
"""The management API as a client outside of dom0 sees it: Python's own XML-RPC client, whose
requests the rig's channel carries into dom0, where a small program (xapid/door.c) sends them to the
daemon's socket or port.

    api = Api(dom0)                     # through the unix socket
    api.log_in()
    vms = api.VM.get_all()              # session added, Value taken out; ApiError on Failure
"""
import http.client
import io
import itertools
import xmlrpc.client

import image

SOCKET = "/run/bonsai/xapid.sock"
PORT = "9363"
DOOR = "/tmp/xapid_door"


class ApiError(Exception):
    """A Failure: its code and parameters."""

    def __init__(self, description):
        super().__init__(description)
        self.code, self.words = description[0], description[1:]


class Pipe:
    """As much of a socket as http.client needs: a request is sent when its answer is asked for."""

    numbers = itertools.count()

    def __init__(self, dom0, door, timeout):
        self.dom0, self.door, self.timeout, self.request = dom0, door, timeout, b""

    def sendall(self, data):
        self.request += data

    def makefile(self, *_):
        answer = send(self.dom0, self.request, self.door, self.timeout)
        self.request = b""
        return io.BytesIO(answer)

    def close(self):
        pass


class Connection(http.client.HTTPConnection):
    def __init__(self, dom0, door, seconds):
        super().__init__("localhost")
        self.pipe = dom0, door, seconds

    def connect(self):
        self.sock = Pipe(*self.pipe)


class Transport(xmlrpc.client.Transport):
    def __init__(self, dom0, door, seconds):
        super().__init__()
        self.pipe = dom0, door, seconds

    def make_connection(self, host):
        return Connection(*self.pipe)

    def send_headers(self, connection, headers):
        super().send_headers(connection, [*headers, ("Connection", "close")])


def bring_door(dom0):
    if dom0.run(f"[ -x {DOOR} ]").status:
        dom0.put(DOOR, (image.BUILD / "tests/xapid_door").read_bytes())
        dom0.run(f"chmod 755 {DOOR}", check=True)


def send(dom0, data, door=SOCKET, timeout=60):
    """Bytes to the daemon; what it answers until it closes the connection."""
    bring_door(dom0)
    path = f"/tmp/xapi.{next(Pipe.numbers)}"
    dom0.put(path, data)
    result = dom0.run(f"{DOOR} {door} <{path}; s=$?; rm {path}; exit $s", timeout=timeout)
    if result.status and not result.output.startswith("HTTP"):
        raise ConnectionError(result.output)
    return result.output.encode()


def post(body, head=""):
    """A whole request around a body."""
    body = body.encode() if isinstance(body, str) else body
    return (
        f"POST /RPC2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


class Method:
    def __init__(self, api, name):
        self.api, self.name = api, name

    def __getattr__(self, name):
        return Method(self.api, f"{self.name}.{name}")

    def __call__(self, *arguments):
        return self.api.call(self.name, *arguments)


class Api:
    def __init__(self, dom0, door=SOCKET, timeout=120):
        self.dom0, self.session_ref = dom0, None
        self.server = xmlrpc.client.ServerProxy(
            "http://localhost/RPC2", transport=Transport(dom0, door, timeout)
        )

    def plain(self, name, *arguments):
        """A call as it is; its Value."""
        method = self.server
        for part in name.split("."):
            method = getattr(method, part)
        answer = method(*arguments)
        if answer["Status"] != "Success":
            raise ApiError(answer["ErrorDescription"])
        return answer["Value"]

    def log_in(self, user="root", password=""):
        self.session_ref = self.plain("session.login_with_password", user, password)
        return self

    def call(self, name, *arguments):
        return self.plain(name, self.session_ref, *arguments)

    def __getattr__(self, name):
        return Method(self, name)
