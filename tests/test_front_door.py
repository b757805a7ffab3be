"""What `import equibid` offers: each name is there, explained, and known to type checkers."""

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import equibid

PLACE = Path(equibid.__file__)


@pytest.mark.parametrize("name", equibid.__all__)
def test_a_name_is_there_and_explained(name: str) -> None:
    found = getattr(equibid, name)
    assert inspect.getdoc(found)
    assert name in dir(equibid)
    if hasattr(found, "__name__"):
        assert found.__name__ == name


def test_type_checkers_know_the_same_names_from_the_same_modules() -> None:
    (branch,) = [x for x in ast.parse(PLACE.read_text()).body if isinstance(x, ast.If)]
    typed = {
        name.name: line.module
        for line in branch.body
        if isinstance(line, ast.ImportFrom)
        for name in line.names
    }
    assert typed == {name: f"equibid.{module}" for name, module in equibid._MODULES.items()}
    assert sorted(typed) == sorted(equibid.__all__)


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="'equibid' has no attribute 'simulat'"):
        _ = equibid.simulat  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ImportError):
        from equibid import simulat  # noqa: F401, PLC0415  # pyright: ignore


def test_a_name_imports_no_more_than_it_needs() -> None:
    code = "import sys, equibid; equibid.InputError; print('jax' in sys.modules)"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"


def test_all_packages_say_what_they_offer() -> None:
    for module in walk_packages(equibid.__path__, "equibid."):
        if module.ispkg:
            package = import_module(module.name)
            assert package.__doc__, module.name
            assert all(hasattr(package, name) for name in package.__all__), module.name


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {path.parent for path in PLACE.parent.rglob("*.py")}
    assert all((folder / "__init__.py").exists() for folder in folders)
