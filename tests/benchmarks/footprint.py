"""What a gateway takes: megabytes resident and seconds until it hears, installed by itself.

    python -m tests.benchmarks.footprint [--here]

Makes a fresh environment from `locks/gateway.txt` (and another from `locks/page.txt`), enrols
nothing, starts `device-gateway run` against nobody, and reads /proc. `--here` measures the
environment that this runs in instead, which has everything.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOMES = (
    '{"broker": {"host": "127.0.0.1", "port": 9}, "homes":'
    ' [{"gateway": "home-01", "key": "%s", "slot": 1}]}' % ("01" * 32)
)
STARTED = "street.opened"


def an_environment(folder: Path, lock: str) -> Path:
    """Install a lock, and Homeward, into an environment of its own; return its commands."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--no-input"]
    subprocess.run([*pip, "--require-hashes", "-r", str(ROOT / "locks" / lock)], check=True)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", str(ROOT)], check=True)
    return folder / "bin"


def measure(bin_: Path, *more: str) -> tuple[float, float]:
    """Start a gateway; return seconds until it hears, and megabytes resident a while later."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        homes = folder / "homes.json"
        homes.write_text(HOMES)
        homes.chmod(0o600)
        command = [str(bin_ / "device-gateway"), "run", "--homes", str(homes)]
        command += ["--spool-dir", str(folder / "spools"), *more]
        log = folder / "log"
        began = time.monotonic()
        with log.open("wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ)
        try:
            while STARTED not in log.read_text():
                if process.poll() is not None or time.monotonic() - began > 60:
                    raise SystemExit(log.read_text())
                time.sleep(0.01)
            seconds = time.monotonic() - began
            time.sleep(10)  # the radio is loaded, and says that nothing is there
            status = Path(f"/proc/{process.pid}/status").read_text()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return seconds, int(found[1]) / 1_000


def main() -> None:
    print(f"load before: {os.getloadavg()[0]:.1f}")
    if "--here" in sys.argv:
        seconds, size = measure(Path(sys.executable).parent)
        print(f"everything installed: {seconds:.2f} s, {size:.0f} MB")
        return
    with tempfile.TemporaryDirectory() as name:
        for lock, more in (("gateway.txt", ()), ("page.txt", ("--page-port", "8099"))):
            bin_ = an_environment(Path(name) / lock, lock)
            runs = [measure(bin_, *more) for _ in range(3)]
            seconds, size = min(s for s, _ in runs), max(m for _, m in runs)
            print(f"{lock}: heard after {seconds:.2f} s (best of 3), {size:.0f} MB (worst of 3)")


if __name__ == "__main__":
    main()
