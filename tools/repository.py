"""What must hold of the repository's files: fresh locks without addresses, no package index named.

`python -m tools.repository` says what is wrong and exits 1; `--seal` notes in each lock what
it was made from, after `./homeward lock` has made it.
"""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SEAL = "# made from pyproject.toml, dependencies "
# Any address of a package index, spelt so that this file does not hold one itself.
INDEX = re.compile(r"(?:pypi|pythonhosted|npmjs|yarnpkg)\." + r"(?:org|com|io)", re.IGNORECASE)
PIN = re.compile(r"^[A-Za-z0-9._-]+(\[[a-z,-]+\])?==\S+( ; [^\\]+)? \\$")


def dependencies() -> str:
    """Return the hash of everything in pyproject.toml that a lock depends on."""
    text = (ROOT / "pyproject.toml").read_text()
    whole = tomllib.loads(text)
    project = whole["project"]
    parts = [
        project["dependencies"],
        project["optional-dependencies"],
        whole["dependency-groups"],
        project["requires-python"],
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def seal() -> None:
    """Note in each lock what it was made from."""
    for lock in sorted((ROOT / "locks").glob("*.txt")):
        lines = [line for line in lock.read_text().splitlines() if not line.startswith(SEAL)]
        lock.write_text("\n".join([f"{SEAL}{dependencies()}", *lines]) + "\n")


def wrong_with_locks() -> list[str]:
    """Return what is wrong with the locks, in sentences."""
    locks = sorted((ROOT / "locks").glob("*.txt"))
    wrong = [] if locks else ["there is no lock in locks/: run ./homeward lock"]
    for lock in locks:
        first, *lines = lock.read_text().splitlines()
        if first != f"{SEAL}{dependencies()}":
            wrong.append(f"{lock.name} is older than pyproject.toml: run ./homeward lock")
        for line in lines:
            if not (PIN.match(line) or line.startswith("    --hash=sha256:")):
                wrong.append(f"{lock.name} has a line that is no pin with a hash: {line}")
    return wrong


def wrong_with_files() -> list[str]:
    """Return which tracked files name a package index, or are too large to be source."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    wrong = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        found = path.read_bytes()
        if INDEX.search(found.decode("utf-8", "ignore")):
            wrong.append(f"{name} names a package index")
        if len(found) > 1_000_000:
            wrong.append(f"{name} has {len(found)} bytes")
    return wrong


if __name__ == "__main__":
    if sys.argv[1:] == ["--seal"]:
        seal()
    problems = wrong_with_locks() + wrong_with_files()
    print("\n".join(problems) or "locks and files are well")
    sys.exit(bool(problems))
