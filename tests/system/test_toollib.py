# SPDX-License-Identifier: MIT
"""The toolstack's library alone in dom0, without xl: every call of it, and guests from other kernels than Linux's."""
import image


def put(dom0, program):
    path = f"/tmp/{program}"
    dom0.put(path, (image.BUILD / "tests" / program).read_bytes())
    dom0.run(f"chmod 755 {path}", check=True)
    return path


def test_every_call_once(dom0):
    probe = put(dom0, "toollib_probe")
    result = dom0.run(f"{probe}; s=$?; rm {probe}; exit $s", timeout=60)
    assert result.status == 0, result


def test_guest_without_xl(dom0):
    boot = put(dom0, "toollib_boot")
    result = dom0.run(f"{boot} -k /guests/vmlinuz -r /guests/initrd.gz -m 128 -v 2 -t 90 -q -w 'Run /init' "
                      f"-a 'console=hvc0'; s=$?; rm {boot}; exit $s", timeout=120)
    assert result.status == 0, result
