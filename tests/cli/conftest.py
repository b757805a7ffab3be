"""The command line, called in this process, in an empty folder."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

Command = Callable[..., int]


@pytest.fixture
def equibid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command line; gives its exit code."""
    # Not imported above, where XLA would read its flags before `pytest_configure` sets them.
    main = import_module("equibid.cli.main")
    # The tests have a cache of compiled programs of their own.
    monkeypatch.setattr(main, "keep_compiled_programs", lambda: None)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> int:
        try:
            main.main([str(argument) for argument in arguments])
        except SystemExit as end:
            assert isinstance(end.code, int)
            return end.code
        return 0

    return run
