# SPDX-License-Identifier: MIT
"""What the checks share: the list of the project's files, and how a check reports."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def tracked():
    """Paths of all files of the project from the root, sorted: those git knows, else all."""
    git = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if git.returncode == 0:
        names = git.stdout.splitlines()
    else:
        names = []
        for base, dirs, files in os.walk(ROOT):
            dirs[:] = [d for d in dirs if d not in ("build", ".git", "__pycache__")]
            names += [os.path.relpath(os.path.join(base, f), ROOT) for f in files]
    return sorted(n for n in set(names) if os.path.isfile(os.path.join(ROOT, n)))


def c_files(*suffixes):
    return [n for n in tracked() if n.endswith(suffixes or (".c", ".h"))]


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8", errors="replace") as file:
        return file.read()


def need(tool, package):
    """Ends the check with a failure if a tool is not installed."""
    paths = os.environ.get("PATH", "").split(os.pathsep)
    if not any(os.access(os.path.join(p, tool), os.X_OK) for p in paths):
        finish([f"{tool} is not installed (package {package})"], "")


def finish(problems, summary):
    """Prints the problems and one last line, and ends the program: 0 if there are none."""
    check = os.path.basename(sys.argv[0])
    for problem in problems:
        print(f"  {problem}")
    if problems:
        print(f"lint: {check}: FAIL: {len(problems)} problem" + ("s" if len(problems) > 1 else ""))
    else:
        print(f"lint: {check}: OK: {summary}")
    sys.exit(1 if problems else 0)
