"""`equibid solve` by several processes finds what one finds, and says it where that fails."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]

DEMO = ("solve", "demo", "--impressions", "9000", "--deflated", "0", "--starts")
SOLVE = (*DEMO, "2")
FILES = ("factors.csv", "starts.parquet", "certificate.parquet", "config.json")
SECONDS = 200


def process(*words: object, folder: Path) -> subprocess.Popen[str]:
    """A process of the command, in a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "equibid", *map(str, words)],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.slow
def test_processes_find_what_one_finds(tmp_path: Path) -> None:
    alone = process(*SOLVE, "--out", "alone", folder=tmp_path)
    here = process(*SOLVE, "--out", "here", "--processes", 3, "--json", folder=tmp_path)
    told = [each.communicate(timeout=SECONDS) for each in (alone, here)]
    assert (alone.returncode, here.returncode) == (0, 0), told
    assert told[1][0].startswith('{"folder": "here"')
    assert told[1][1] == ""
    words = ("--processes", 2, "--coordinator", f"127.0.0.1:{free_port()}", "--process")
    met = [process(*SOLVE, "--out", "met", *words, i, folder=tmp_path) for i in range(2)]
    said = [each.communicate(timeout=SECONDS) for each in met]
    assert [each.returncode for each in met] == [0, 0], said
    assert said[1] == ("", "")
    for folder in ("here", "met"):
        for name in FILES:
            assert (tmp_path / folder / name).read_bytes() == (
                tmp_path / "alone" / name
            ).read_bytes(), (folder, name)


@pytest.mark.slow
def test_a_process_of_another_market_is_found_out(tmp_path: Path) -> None:
    words = ("--processes", 2, "--coordinator", f"127.0.0.1:{free_port()}", "--process")
    met = [process(*SOLVE, "--day", i, *words, i, folder=tmp_path) for i in range(2)]
    for each in met:
        _, said = each.communicate(timeout=SECONDS)
        assert each.returncode == 2
        assert "process 1 has another market or rule than process 0" in said


@pytest.mark.slow
@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_process_is_said_and_the_run_goes_on(tmp_path: Path, lost: int) -> None:
    many = (*DEMO, "40", "--out", "run")
    words = ("--processes", 2, "--coordinator", f"127.0.0.1:{free_port()}", "--process")
    met = [process(*many, *words, i, folder=tmp_path) for i in range(2)]
    deadline = time.monotonic() + SECONDS
    while not list((tmp_path / "run").glob("parts/*.parquet")):
        assert time.monotonic() < deadline
        assert all(each.poll() is None for each in met), met[0].communicate()
        time.sleep(0.05)
    os.kill(met[lost].pid, signal.SIGKILL)
    _, said = met[1 - lost].communicate(timeout=SECONDS)
    met[lost].communicate(timeout=SECONDS)
    # With the first, the coordinator is lost, and the runtime ends the others at once.
    assert met[1 - lost].returncode == (2 if lost else -signal.SIGABRT)
    assert lost == 0 or "has lost another" in said
    assert "Traceback" not in said
    assert len(list((tmp_path / "run").glob("parts/*.parquet"))) < 40


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--processes", 0), "--processes 0: "),
        (("--coordinator", "node:1"), "name how many with --processes"),
        (("--processes", 2, "--coordinator", "node:1"), "name the number of this process"),
        (
            ("--processes", 2, "--coordinator", "node:1", "--process", 2),
            "name the number of this process, --process 0 to 1",
        ),
        (("--processes", 2, "--process", 1), "leave it out"),
        (("--processes", 2, "--coordinator", "cluster", "--process", 1), "leave it out"),
    ],
)
def test_what_does_not_go_together_is_refused(
    equibid: Command, capsys: Captured, words: tuple[object, ...], said: str
) -> None:
    assert equibid(*SOLVE, *words) == 2
    assert said in capsys.readouterr().err
