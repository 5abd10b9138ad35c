"""What a machine lacks is skipped by name, by one rule, and fails on CI, which skips nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONFTEST = """
from pathlib import Path

import tests.conftest
from tests.conftest import recordings
from tests.device_gateway.conftest import recordings_dir

tests.conftest.RECORDINGS = Path("nowhere")
"""


@pytest.mark.parametrize("fixture", ["recordings", "recordings_dir"])
@pytest.mark.parametrize(("required", "said"), [("", "1 skipped"), ("1", "1 error")])
def test_a_test_on_recordings_skips_by_name_and_fails_on_ci(
    tmp_path: Path, fixture: str, required: str, said: str
) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_tiny.py").write_text(f"def test_one({fixture}): pass\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOMEWARD_REQUIRE_ALL": required},
        capture_output=True,
        text=True,
    )
    assert said in done.stdout, done.stdout + done.stderr
    assert "shared/data, with the recordings, is not here" in done.stdout
    assert "beside the checkout (nowhere)" in done.stdout


def test_nobody_skips_but_by_the_common_rule() -> None:
    skip = "pytest." + "skip("
    found = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for line in path.read_text().splitlines()
        if line.strip().startswith((skip, "@pytest.mark." + "skip")) or f"= {skip[:-1]}" in line
    ]
    assert found == ["tests/conftest.py"]
