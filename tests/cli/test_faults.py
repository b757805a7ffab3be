"""What no input should lead to is told apart from bad input; terminals print what they can."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from polars.exceptions import PanicException

from equibid.cli import compare

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (RuntimeError("no way"), 70, "fault of Equibid (RuntimeError: no way)"),
        (PanicException("no way"), 70, "fault of Equibid (PanicException: no way)"),
        (MemoryError("8 TB"), 2, "does not fit into memory"),
        (
            OSError(28, "No space left on device", "there"),
            2,
            "there: it cannot be read or written (No",
        ),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_an_error_ends_with_one_sentence(
    equibid: Command,
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    said: str,
) -> None:
    def fail(settings: object) -> None:
        raise error

    monkeypatch.setattr(compare, "run_comparison", fail)
    assert equibid("compare", "demo") == code
    err = capsys.readouterr().err
    assert err.startswith("equibid: ") and err.count("\n") == 1
    assert said in err
    if code == 70:
        file = Path(err.split()[-1])
        assert "in fail" in file.read_text(encoding="utf-8")
        file.unlink()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_prints_what_it_can(tmp_path: Path, encoding: str) -> None:
    env = os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": encoding}
    for words, code, said in ((["list"], 0, b""), (["compare", "–日本"], 2, b"??")):
        command = [sys.executable, "-m", "equibid", *words]
        ended = subprocess.run(command, capture_output=True, cwd=tmp_path, env=env, check=False)
        assert ended.returncode == code
        assert b"Traceback" not in ended.stderr
        assert said in ended.stderr
        assert bool(ended.stdout.decode(encoding)) == (code == 0)
