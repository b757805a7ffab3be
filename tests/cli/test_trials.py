"""Trials end with who started them, and look for modules nowhere near the caller."""

import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from equibid.cli import caller, sweep, trials
from equibid.cli.trials import Trial, call, on_ray, on_this_machine

WATCHED = """
import sys, time
from equibid.cli.caller import end_with_caller
end_with_caller()
print("watching", flush=True)
time.sleep(600)
"""


def trial(folder: Path, name: str, *command: str) -> Trial:
    return Trial({}, 0, folder / name, command)


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody waits for is a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def soon(what: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_words_and_exit_codes_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", "import sys; print('said'); sys.exit(3)"]
    assert call(command, str(log), str(tmp_path)) == 3
    assert log.read_text().strip() == "said"


def test_a_trial_is_watched_and_its_own_processes_are_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = f"import os; print(os.environ.get({caller.WATCH!r}))"
    call([sys.executable, "-c", text], str(tmp_path / "log"))
    assert (tmp_path / "log").read_text().strip() == "1"
    waited: list[int] = []
    monkeypatch.setattr(caller, "_wait_for_end", waited.append)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(fileno=lambda: 7))
    monkeypatch.setenv(caller.WATCH, "1")
    caller.end_with_caller()
    assert caller.WATCH not in os.environ
    caller.end_with_caller()
    soon(lambda: waited == [7])


def test_trials_that_run_are_stopped_with_the_sweep(tmp_path: Path) -> None:
    long = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))"
    ends = on_this_machine(
        [
            trial(tmp_path, "long", sys.executable, "-c", f"{long}\ntime.sleep(600)"),
            trial(tmp_path, "short", sys.executable, "-c", "import time; time.sleep(1)"),
        ],
        jobs=2,
    )
    ended, code = next(ends)
    assert (ended.folder.name, code) == ("short", 0)
    soon(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    ends.close()
    soon(lambda: gone(int((tmp_path / "pid").read_text())))


@pytest.mark.slow
def test_a_killed_sweep_leaves_no_trial_running(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-P", "-c", f"import os; print(os.getpid(), flush=True)\n{WATCHED}"]
    caller = f"from equibid.cli.trials import call; call({command!r}, {str(log)!r})"
    process = subprocess.Popen([sys.executable, "-P", "-c", caller])
    soon(lambda: log.exists() and "watching" in log.read_text())
    pid = int(log.read_text().split()[0])
    assert not gone(pid)
    process.kill()
    process.wait()
    soon(lambda: gone(pid))


@pytest.mark.slow
def test_a_trial_imports_nothing_from_the_callers_folder(tmp_path: Path) -> None:
    for name in ("random.py", "jax.py"):
        (tmp_path / name).write_text("raise SystemExit('the wrong module')")
    log = tmp_path / "log"
    code = call([*sweep.PROGRAM, "list", "lin"], str(log), str(tmp_path))
    assert code == 0, log.read_text()
    assert "base_bid" in log.read_text()


def test_ray_starts_for_this_machine_and_away_from_the_callers_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Any, ...]] = []
    name = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
    monkeypatch.delenv(name, raising=False)

    def init(**words: Any) -> None:
        seen.append((os.environ.get(name), Path.cwd(), list(Path.cwd().iterdir()), words))

    ray = SimpleNamespace(init=init, shutdown=lambda: None, remote=lambda **_: lambda _: None)
    monkeypatch.setattr(trials, "import_module", lambda _: ray)
    monkeypatch.chdir(tmp_path)
    list(on_ray([], 1, "ray://far:1", 0.0))
    list(on_ray([], 1, None, 0.0))
    (far, *_), (near, folder, inside, words) = seen
    assert (far, near) == (None, "0")
    assert folder != tmp_path and inside == [] and words["address"] == "local"
    assert Path.cwd() == tmp_path


LISTENING = """
import os, sys, threading, time
from pathlib import Path
from equibid.cli.trials import Trial, on_ray

def children(pid):
    found = {pid}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(words[1]) == pid:
            found |= children(int(stat.parent.name))
    return found

def sockets():
    held = set()
    for pid in children(os.getpid()):
        for file in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                held.add(os.readlink(file))
            except OSError:
                pass
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in held:
                yield words[1].split(":")[0]

command = [sys.executable, "-P", "-c", "import random; print(random.__file__, flush=True); input()"]
folder = Path(sys.argv[1])
threads = on_ray([Trial({}, 0, folder / "trial", command)], 1, None, 0.0)
worker = threading.Thread(target=lambda: list(threads), daemon=True)
worker.start()
log = folder / "trial" / "log.txt"
while not (log.exists() and log.read_text()):
    time.sleep(0.1)
print("random", log.read_text().strip(), flush=True)
print("listening", *sorted(set(sockets())), flush=True)
os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux lists sockets so")
def test_ray_listens_on_loopback_only(tmp_path: Path) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit('the wrong module')")
    ended = subprocess.run(
        [sys.executable, "-P", "-c", LISTENING, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    random, listening = (line.split()[1:] for line in ended.stdout.splitlines()[:2])
    assert str(tmp_path) not in random[0]
    loopback = {"0100007F", "0000000000000000FFFF00000100007F", "0" * 24 + "01000000"}
    assert listening and set(listening) <= loopback, ended.stderr
