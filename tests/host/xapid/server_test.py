#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The daemon itself, with sanitizers and without a hypervisor (fake_classes.c), at both of its
doors: Python's own XML-RPC client, and raw sockets for what no client would send. After each test
it must still be there, in bounded memory, and answer others.
"""
import http.client
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import xmlrpc.client
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent.parent / "xapid/bonsai-xapid"
CLIENT = PROGRAM.parent.parent.parent / "bin/list-vms"
MIB = 1 << 20


class UnixConnection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.host)


class UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def make_connection(self, host):
        return UnixConnection(self.path)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Daemon:
    def __init__(self, work):
        self.socket, self.log = f"{work}/sock", f"{work}/log"
        self.passwords, self.pid_file = f"{work}/passwd", f"{work}/pid"
        self.port = free_port()
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [
                    PROGRAM,
                    "-i",
                    f"--socket={self.socket}",
                    f"--port={self.port}",
                    f"--passwords={self.passwords}",
                    f"--pid-file={self.pid_file}",
                ],
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + 20
        while not (os.path.exists(self.pid_file) and Path(self.pid_file).read_text()):
            assert self.process.poll() is None and time.monotonic() < end, self.said()
            time.sleep(0.02)

    def said(self):
        return Path(self.log).read_text()

    def kill(self):
        self.process.kill()
        self.process.wait()
        os.unlink(self.pid_file)

    def stop(self):
        self.process.terminate()
        return self.process.wait(30)

    def resident(self):
        """The most memory that it ever had, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def tcp(self):
        return xmlrpc.client.ServerProxy(f"http://127.0.0.1:{self.port}/RPC2", allow_none=True)

    def unix(self):
        return xmlrpc.client.ServerProxy(
            "http://localhost/RPC2", transport=UnixTransport(self.socket)
        )

    def raw(self):
        return socket.create_connection(("127.0.0.1", self.port), 30)

    def http(self, data):
        """Everything that it sends before it closes the connection."""
        with self.raw() as s:
            s.sendall(data)
            return read_all(s)


def read_all(s):
    got = b""
    while chunk := s.recv(65536):
        got += chunk
    return got


def call_xml(method, params="", before=""):
    return (
        f"{before}<methodCall><methodName>{method}</methodName><params>{params}</params>"
        "</methodCall>"
    ).encode()


def post(body, path="/RPC2", head=""):
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


class Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="xapid-")
        cls.daemon = Daemon(cls.folder.name)
        cls.daemon.start()

    @classmethod
    def tearDownClass(cls):
        status = cls.daemon.stop()  # the sanitizer's status, when something has leaked
        said = cls.daemon.said()
        cls.folder.cleanup()
        assert status == 0, said

    def tearDown(self):
        d = self.daemon
        self.assertIsNone(d.process.poll(), d.said())
        self.assertEqual(self.value(d.unix().test.echo("still there")), "still there")

    def value(self, answer):
        self.assertEqual(answer["Status"], "Success", answer)
        return answer["Value"]

    def error(self, answer):
        self.assertEqual(answer["Status"], "Failure", answer)
        return answer["ErrorDescription"]

    def set_password(self, user, password):
        subprocess.run(
            [PROGRAM, f"--passwords={self.daemon.passwords}", "--set-password", user],
            input=f"{password}\n".encode(),
            check=True,
        )

    def fault_of(self, body):
        with self.assertRaises(xmlrpc.client.Fault) as caught:
            answer = self.daemon.http(post(body))
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
            xmlrpc.client.loads(answer.partition(b"\r\n\r\n")[2])
        return caught.exception.faultCode

    # --- what clients do

    def test_sessions(self):
        api = self.daemon.unix()
        session = self.value(api.session.login_with_password("root", ""))
        self.assertEqual(self.value(api.session.get_uuid(session, session)), session)
        self.assertEqual(self.value(api.session.get_this_user(session, session)), "root")
        self.assertEqual(len(self.value(api.session.get_this_host(session, session))), 36)
        self.assertEqual(self.value(api.VM.get_all(session)), ["one", "two"])
        self.assertIn("VM.get_all", self.value(api.host.list_methods(session)))
        self.assertEqual(self.value(api.session.logout(session)), "")
        self.assertEqual(self.error(api.VM.get_all(session)), ["SESSION_INVALID", session])

    def test_login_by_tcp(self):
        api = self.daemon.tcp()
        if os.path.exists(self.daemon.passwords):
            os.unlink(self.daemon.passwords)
        failed = ["SESSION_AUTHENTICATION_FAILED"]
        self.assertEqual(self.error(api.session.login_with_password("root", "")), failed)
        self.set_password("root", "Geheim \u00e4\u20ac<&>")
        for more in ((), ("1.0",), ("2.1", "a test")):
            session = self.value(
                api.session.login_with_password("root", "Geheim \u00e4\u20ac<&>", *more)
            )
            self.assertEqual(self.value(api.VM.get_all(session)), ["one", "two"])
        self.assertEqual(self.error(api.session.login_with_password("root", "geheim")), failed)
        self.assertEqual(self.error(api.session.login_with_password("ann", "")), failed)
        os.chmod(self.daemon.passwords, 0o644)
        self.assertEqual(
            self.error(api.session.login_with_password("root", "Geheim \u00e4\u20ac<&>")), failed
        )
        self.assertIn("nobody else may read", self.daemon.said())
        os.unlink(self.daemon.passwords)
        # a session of one door is good at the other
        session = self.value(self.daemon.unix().session.login_with_password("root", "x"))
        self.assertEqual(self.value(api.VM.get_all(session)), ["one", "two"])

    def test_textbook_client(self):
        """docs/examples/list-vms.c, at both doors."""

        def list_vms(*arguments, password=None):
            return subprocess.run(
                [CLIENT, *arguments],
                input=password,
                capture_output=True,
                text=True,
                timeout=30,
                start_new_session=True,
            )

        want = [["plain", "Running", "96", "MiB"], ["<b>&\ufffd\ufffd", "Running", "96", "MiB"]]
        done = list_vms(self.daemon.socket)
        self.assertEqual([line.split() for line in done.stdout.splitlines()], want, done)
        self.set_password("ann", "secret")
        done = list_vms("ann", str(self.daemon.port), password="secret\n")
        self.assertEqual([line.split() for line in done.stdout.splitlines()], want, done)
        done = list_vms("ann", str(self.daemon.port), password="wrong\n")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("SESSION_AUTHENTICATION_FAILED", done.stderr)
        self.assertEqual(list_vms("/nowhere").returncode, 1)

    def test_values(self):
        api = self.daemon.tcp()
        for value in (
            "text",
            "",
            "<&>]]> \u00e4\u20ac\U0001f600 \t\n",
            7,
            -(2**31),
            True,
            2.5,
            [],
            {},
            ["a", [1, {"k": [False]}]],
            {"a": {"b": "c"}, "": ""},
            "x" * 900000,
        ):
            self.assertEqual(self.value(api.test.echo(value)), value)
        hostile = self.value(api.test.hostile())
        self.assertTrue(hostile.startswith("a\ufffd\ufffd[2J<&>]]>\r\n\t\ufffd"), hostile)

    def test_refusals(self):
        api = self.daemon.unix()
        session = self.value(api.session.login_with_password("root", ""))
        self.assertEqual(self.error(api.VM.fly(session)), ["MESSAGE_METHOD_UNKNOWN", "VM.fly"])
        self.assertEqual(
            self.error(api.VM.start(session, "x")),
            ["MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.start", "3", "2"],
        )
        self.assertEqual(
            self.error(api.VM.start(session, "x", "yes")), ["FIELD_TYPE_ERROR", "start_paused"]
        )
        self.assertEqual(
            self.error(api.VM.start(session, "x", True)), ["HANDLE_INVALID", "VM", "x"]
        )
        self.assertEqual(self.error(api.VM.get_all("x")), ["SESSION_INVALID", "x"])
        self.assertEqual(self.error(api.VM.get_all(1)), ["FIELD_TYPE_ERROR", "session_id"])

    # --- HTTP

    def test_answer_as_sent(self):
        answer = self.daemon.http(post(call_xml("test.echo", "<param><value>a</value></param>")))
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.assertEqual(lines[0], "HTTP/1.1 200 OK")
        self.assertIn("Content-Type: text/xml", lines)
        self.assertIn(f"Content-Length: {len(body)}", lines)
        self.assertEqual(
            body,
            b'<?xml version="1.0"?><methodResponse><params><param><value><struct><member><name>'
            b"Status</name><value>Success</value></member><member><name>Value</name><value>a"
            b"</value></member></struct></value></param></params></methodResponse>",
        )

    def test_versions_and_keep_alive(self):
        body = call_xml("test.echo", "<param><value>a</value></param>")
        old = f"POST /RPC2 HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        self.assertRegex(self.daemon.http(old), rb"^HTTP/1\.[01] 200 OK\r\n")
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port)
        for path in ("/RPC2", "/", "/xmlrpc"):
            connection.request("POST", path, body)
            s = connection.sock
            response = connection.getresponse()
            self.assertEqual(response.status, 200)
            self.assertIn(b"Success", response.read())
            self.assertIs(connection.sock, s, "the connection stays")
        connection.request(
            "POST",
            "/RPC2",
            iter([body[:30], body[30:]]),
            encode_chunked=True,
            headers={"Transfer-Encoding": "chunked"},
        )
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()

    def test_http_errors(self):
        body = call_xml("test.echo")
        for data, status in (
            (b"GET /RPC2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405),
            (b"DELETE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405),
            (b"GET /other HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
            (post(body, "/RPC2/more"), 404),
            (post(body, "/../etc/passwd"), 404),
            (post(body, head="Content-Encoding: gzip\r\n"), 415),
            (post(body)[:-1].replace(b"Content-Length: ", b"Content-Length: -"), 400),
            (b"nonsense\r\n\r\n", None),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", None),
        ):
            with self.daemon.raw() as s:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                answer = read_all(s)
            if status:
                self.assertRegex(answer, rf"^HTTP/1.1 {status} ".encode())
            if status == 405:
                self.assertIn(b"\r\nAllow: POST\r\n", answer)
            self.assertNotIn(b"Success", answer)

    # --- XML

    def test_bad_xml(self):
        self.assertEqual(self.fault_of(b""), -32700)
        self.assertEqual(self.fault_of(b"{}"), -32700)
        self.assertEqual(self.fault_of(call_xml("a.b")[:-1]), -32700)
        self.assertEqual(self.fault_of(call_xml("a.b").replace(b"a.b", b"\xff")), -32700)
        self.assertEqual(self.fault_of(b"<methodCall/>"), -32600)
        self.assertEqual(self.fault_of(call_xml("a.b", "<value/>")), -32600)
        nil = "<param><value><nil/></value></param>"
        self.assertEqual(self.fault_of(call_xml("test.echo", nil)), -32600)

    def test_documents_with_entities(self):
        param = "<param><value>&a;</value></param>"
        secret = f"{self.folder.name}/secret"
        Path(secret).write_text("the secret")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(0.5)
            port = listener.getsockname()[1]
            for dtd in (
                "<!DOCTYPE x>",
                f"<!DOCTYPE x [<!ENTITY a SYSTEM 'file://{secret}'>]>",
                f"<!DOCTYPE x [<!ENTITY a SYSTEM 'http://127.0.0.1:{port}/'>]>",
                f"<!DOCTYPE x SYSTEM 'http://127.0.0.1:{port}/x.dtd'>",
                "<!DOCTYPE x [<!ENTITY % a SYSTEM 'file:///dev/zero'> %a;]>",
                "<!DOCTYPE x ["
                + "<!ENTITY e0 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'>"
                + "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 32}'>" for n in range(1, 9))
                + "<!ENTITY a '&e8;'>]>",
            ):
                started = time.monotonic()
                answer = self.daemon.http(post(call_xml("test.echo", param, dtd)))
                self.assertIn(b"faultCode", answer)
                self.assertNotIn(b"the secret", answer)
                self.assertLess(time.monotonic() - started, 5)
            with self.assertRaises(TimeoutError):
                listener.accept()

    # --- too much of everything

    def test_long_bodies(self):
        before = self.daemon.resident()
        for sender in (self.send_long, self.send_chunks):
            sender()
        # one that is as long as allowed, eight times at once
        value = f"<param><value>{'x' * (MIB - 200)}</value></param>"
        body = call_xml("test.void", value)
        self.assertLess(len(body), MIB)
        threads = [threading.Thread(target=self.daemon.http, args=(post(body),)) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertLess(self.daemon.resident() - before, 150 * MIB)  # with the sanitizer's share

    def send_long(self):
        """100 MiB with an honest length."""
        head = f"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: {100 * MIB}\r\n\r\n".encode()
        with self.daemon.raw() as s:  # sends everything before it looks
            s.sendall(head)
            for _ in range(100):
                s.sendall(b"x" * MIB)
            self.assertRegex(read_all(s), rb"^HTTP/1.1 413 ")
        with self.daemon.raw() as s:  # waits for the answer first
            s.sendall(head)
            self.assertRegex(s.recv(4096), rb"^HTTP/1.1 413 ")

    def send_chunks(self):
        """The same without a length; and then without an end."""
        head = b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunk = b"100000\r\n" + b"x" * MIB + b"\r\n"
        with self.daemon.raw() as s:
            s.sendall(head)
            for _ in range(100):
                s.sendall(chunk)
            s.sendall(b"0\r\n\r\n")
            self.assertRegex(read_all(s), rb"^HTTP/1.1 413 ")
        with self.daemon.raw() as s:
            s.sendall(head)
            with self.assertRaises(OSError):
                for _ in range(1000):
                    s.sendall(chunk)

    def test_deep_and_many(self):
        deep = "<array><data><value>" * 40000 + "</value></data></array>" * 20000
        self.assertEqual(
            self.fault_of(call_xml("test.echo", f"<param><value>{deep}</value></param>")[:MIB]),
            -32600,
        )
        many = "<value/>" * 100000
        self.assertEqual(
            self.fault_of(
                call_xml(
                    "test.echo", f"<param><value><array><data>{many}</data></array></value></param>"
                )
            ),
            -32600,
        )

    def test_nobody_waits_for_others(self):
        """Calls that take long, half requests and failing logins beside a quick call."""
        d = self.daemon
        idle = [d.raw() for _ in range(10)]
        for s in idle:
            s.sendall(b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Le")
        done = []
        slow = [
            threading.Thread(target=lambda: done.append(d.tcp().test.pause(5.0))) for _ in range(5)
        ]
        failing = [
            threading.Thread(target=lambda: d.tcp().session.login_with_password("root", "x"))
            for _ in range(5)
        ]
        for t in slow + failing:
            t.start()
        time.sleep(0.5)
        self.assertEqual(self.value(d.tcp().test.echo("quick")), "quick")
        self.assertEqual(self.value(d.unix().test.echo("quick")), "quick")
        self.assertEqual(done, [])
        for t in slow + failing:
            t.join()
        # longer than a silent connection lives: a call is not silence
        self.assertEqual(done, [{"Status": "Success", "Value": ""}] * 5)
        for s in idle:
            s.close()

    def test_all_connections_taken(self):
        """Strangers may fill the port; root's socket stays free."""
        d = self.daemon
        held = [d.raw() for _ in range(60)]
        time.sleep(0.2)
        self.assertEqual(self.value(d.unix().test.echo("root")), "root")
        for s in held:
            s.close()
        self.assertEqual(self.value(d.tcp().test.echo("free again")), "free again")

    def test_drip(self):
        """A client that sends a byte now and then does not keep its connection for ever."""
        with self.daemon.raw() as s:
            s.settimeout(120)
            started = time.monotonic()
            s.sendall(b"POST /RPC2 HTTP/1.1\r\nHost: x\r\n")
            with self.assertRaises(OSError):
                while time.monotonic() - started < 60:
                    s.sendall(b"A")
                    time.sleep(0.5)
            self.assertGreater(time.monotonic() - started, 5)

    # --- the daemon's life

    def test_life(self):
        d = self.daemon
        api = d.unix()
        session = self.value(api.session.login_with_password("root", ""))
        mode = os.stat(d.socket).st_mode & 0o777
        self.assertEqual(mode, 0o600)
        second = subprocess.run(
            [PROGRAM, "-i", f"--socket={d.socket}", "--port=none"],
            stderr=subprocess.PIPE,
            text=True,
            timeout=20,
        )
        self.assertEqual(second.returncode, 1)
        self.assertIn("another daemon answers there", second.stderr)
        d.kill()
        d.start()  # the dead one's socket and port are taken over
        self.assertEqual(self.error(d.unix().VM.get_all(session)), ["SESSION_INVALID", session])
        done = []
        slow = threading.Thread(target=lambda: done.append(d.unix().test.pause(1.0)))
        slow.start()
        time.sleep(0.3)
        status = d.stop()
        slow.join()
        left = [f for f in (d.socket, d.pid_file) if os.path.exists(f)]
        d.start()
        self.assertEqual((status, left), (0, []), d.said())
        self.assertEqual(self.value(done[0]), "", "a call that runs is answered before the end")

    def test_arguments(self):
        for arguments in (["--port=0"], ["--port=65536"], ["--port=9x"], ["more"], ["--no"]):
            done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=20)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn("bonsai-xapid", done.stderr)
        help_text = subprocess.run([PROGRAM, "-h"], capture_output=True, text=True, timeout=20)
        self.assertEqual(help_text.returncode, 0)
        for word in ("--socket", "--port", "--passwords", "--set-password"):
            self.assertIn(word, help_text.stdout)
        nowhere = subprocess.run(
            [PROGRAM, "-i", "--socket=/dev/null/sock", "--port=none"],
            capture_output=True,
            text=True,
            timeout=20,
        )
        self.assertEqual(nowhere.returncode, 1)
        self.assertIn("/dev/null/sock", nowhere.stderr)
        with tempfile.NamedTemporaryFile() as precious:
            taken = subprocess.run(
                [PROGRAM, "-i", f"--socket={precious.name}", "--port=none"],
                capture_output=True,
                text=True,
                timeout=20,
            )
            self.assertEqual(taken.returncode, 1)
            self.assertIn("something else of that name", taken.stderr)
            self.assertTrue(os.path.exists(precious.name))


def main():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(250)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(
        unittest.defaultTestLoader.loadTestsFromTestCase(Test)
    )
    bad = [test.id().rpartition(".")[2] for test, _ in result.failures + result.errors]
    print(f"[  PASSED  ] {result.testsRun - len(set(bad))} test(s).")
    for name in bad:
        print(f"[  FAILED  ] {name}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
