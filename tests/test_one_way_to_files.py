"""Files are named, read and written in one module alone; nothing is of one system alone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from equibid import compiled

SOURCE = Path(__file__).resolve().parents[1] / "src" / "equibid"
FILES = {path.relative_to(SOURCE).as_posix(): path for path in SOURCE.rglob("*.py")}

# A call by the end of its name, and the only pages where it may stand.
CALLS = {
    # Polars takes paths for patterns.
    r"(read|scan)_(parquet|ipc|ndjson|delta|excel)": {"files.py"},
    # Of bytes in memory.
    r"(read|scan)_csv": {"logs/table.py", "logs/importing/parse.py"},
    # Else a file may be there by half.
    r"write_(bytes|ipc|ndjson)|sink_\w+|json\.dump": {"files.py"},
    # Into memory, and into the quarantine of a folder that is whole or not at all.
    r"write_csv": {"runs/certifying.py", "logs/importing/quarantine.py"},
    r"os\.(replace|rename)|shutil\.(move|copy\w*)": {"cli/report.py"},
    # Brackets and colons in names are markup to rich.
    r"Console": {"cli/console.py"},
    r"Progress|TextColumn|from_markup": {"cli/progress.py"},
    # The system may not have it.
    r"os\.(fork|getuid|sched_\w+|setsid|killpg|mkfifo)|import_module": {
        *("compiled.py", "plugins.py", "cli/trials.py", "learning/training/loggers.py"),
        *("__init__.py", "envs/__init__.py"),
    },
}
# A method of these names that is not the one of `files`.
WRITERS = re.compile(r"\.write_(text|parquet|json)$")
LINUX = {"resource", "fcntl", "pwd", "grp", "termios", "signal"}


def calls(name: str) -> Iterator[tuple[str, str, ast.Call]]:
    """Place, dotted name and node of every call of a module."""
    for node in ast.walk(ast.parse(FILES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield f"{name}:{node.lineno}", ast.unparse(node.func), node


def test_files_and_the_console_are_used_in_one_way() -> None:
    faults = []
    # The readers of this package are called by their bare names, or by `files.` and the name.
    own = {"read_parquet", "files.read_parquet", "read_csv"}
    for name in FILES:
        for place, called, node in calls(name):
            said = f"{place}: {called}"
            for pattern, pages in CALLS.items():
                if re.search(rf"(^|\.)({pattern})$", called) and not {called, name} & {
                    *own,
                    *pages,
                }:
                    faults.append(said)
            if WRITERS.search(called) and name != "files.py":
                faults += [said] if not called.startswith(("run.", "files.", "self.")) else []
            if called.endswith(".replace") and len(node.args) > 1:
                replaced = node.args[0]
                if isinstance(replaced, ast.Constant) and replaced.value in ("/", ".."):
                    faults.append(f"{said}: names of files come from file_name")
    assert not faults


def test_nothing_is_of_one_system_alone() -> None:
    faults = []
    for name, path in FILES.items():
        text = path.read_text(encoding="utf-8")
        faults += [name] if '"/proc' in text or '"/tmp' in text else []
        for node in ast.walk(ast.parse(text)):
            names = [x.name for x in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            faults += [f"{name}: {x}" for x in LINUX & set(names)]
    assert not faults


def test_the_encoding_of_a_text_is_named() -> None:
    faults = []
    for name in FILES:
        for place, called, node in calls(name):
            given = {word.arg: ast.unparse(word.value) for word in node.keywords}
            modes = [ast.unparse(x) for x in node.args if isinstance(x, ast.Constant)]
            text = re.search(r"(^|\.)(open|NamedTemporaryFile|fdopen)$", called) and not any(
                "b" in mode for mode in (*modes, given.get("mode", ""))
            )
            text = text or called.endswith((".read_text", ".write_text"))
            text = text or given.get("text") == "True"
            ours = called.startswith(("files.", "run.", "self.", "os.", "webbrowser.", "archive."))
            # A reader in memory, see there.
            if text and not ours and "encoding" not in given and "read_text(encoding" not in called:
                faults.append(f"{place}: {called}")
    assert not faults


def test_cores_are_counted_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    assert compiled.cores() >= 1
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert compiled.cores() == 1
