"""What answers at once: no library that takes long to load is imported for it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name

import pytest

import equibid as package
from equibid.cli.declared import names_in
from equibid.cli.main import COMMANDS

SLOW = {"jax", "jaxlib", "numba", "scipy", "polars", "plotly", "equinox", "optax", "sklearn"}
# Prints which modules were imported, after what the program printed itself.
PROGRAM = """
import sys
try:
    {}
finally:
    print("MODULES", *sorted(name for name in sys.modules if "." not in name))
"""
PRECISION = "print(jax.numpy.ones(1).dtype)"


def modules_after(code: str, folder: Path) -> tuple[str, set[str]]:
    """What a program prints, and the libraries that it imported."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(code)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"XDG_CACHE_HOME": str(folder)},
        check=False,
        timeout=120,
    )
    printed, _, modules = ended.stdout.partition("MODULES")
    assert modules, ended.stderr
    return printed + ended.stderr, set(modules.split())


@pytest.mark.parametrize(
    ("words", "said", "tyro"),
    [
        (["--help"], "frontier  Find the most welfare", False),
        (["-h"], "--version", False),
        (["--version"], f"equibid {package.__version__}", False),
        (["comprae"], "there is no command 'comprae'; try compare", False),
        (["--verison"], "equibid has no option --verison", False),
        (["compare", "demo", "--sedes", "3"], "no option --sedes; try --seeds", False),
        (["train", "demo", "--algoritm", "mappo"], "try --algorithm", False),
        (["solve", "demoo"], "demoo is neither a file nor a generated market; try demo", False),
        (["list"], "rlb-mapd", False),
        (["list", "pdi-ecpc"], "nothing called 'pdi-ecpc'; try pid-ecpc", True),
    ],
)
def test_names_are_known_before_anything_slow_is_imported(
    tmp_path: Path, words: list[str], said: str, tyro: bool
) -> None:
    code = f"from equibid.cli.main import main; main({words!r})"
    printed, modules = modules_after(code, tmp_path)
    assert said in printed
    assert modules & SLOW == set()
    assert ("tyro" in modules) == tyro


def test_the_package_is_imported_without_jax(tmp_path: Path) -> None:
    _, modules = modules_after("import equibid", tmp_path)
    assert modules & (SLOW | {"numpy", "tyro", "rich"}) == set()


@pytest.mark.parametrize(
    ("imports", "said"),
    [
        ("import equibid, jax", None),
        ("import equibid, jax", "0"),
        ("import jax; jax.numpy.ones(1); import equibid", "0"),
        ("import jax; import equibid.auctions", None),
        ("import equibid.noise; import jax", "0"),
    ],
)
def test_numbers_have_64_bits_whatever_is_imported_first(
    tmp_path: Path, imports: str, said: str | None
) -> None:
    environment = {name: x for name, x in os.environ.items() if name != "JAX_ENABLE_X64"}
    ended = subprocess.run(
        [sys.executable, "-c", f"{imports}\n{PRECISION}"],
        capture_output=True,
        text=True,
        env=environment | ({} if said is None else {"JAX_ENABLE_X64": said}),
        cwd=tmp_path,
        check=True,
    )
    assert ended.stdout == "float64\n"


def test_what_the_sources_say_is_what_the_registries_hold(tmp_path: Path) -> None:
    code = """
    import json
    from pkgutil import resolve_name
    from equibid.cli.names import TITLES
    print(json.dumps({place: resolve_name(place).summaries for place in TITLES}))"""
    printed, modules = modules_after(code.lstrip(), tmp_path)
    assert "jax" in modules
    for place, summaries in json.loads(printed).items():
        assert summaries == names_in(place.partition(":")[2]), place


def test_the_help_page_says_of_commands_what_they_say_themselves() -> None:
    for name, command in COMMANDS.items():
        first = (resolve_name(command.place).__doc__ or "").splitlines()[0]
        assert command.summary == first, name


def test_a_plugin_is_listed_too(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        'from equibid.auctions import AUCTIONS, gsp\nAUCTIONS.add("house-rule", "Mine.")(gsp)\n'
    )
    code = "from equibid.cli.main import main; main(['list', '--plugin', 'mine.py'])"
    printed, _ = modules_after(code, tmp_path)
    assert re.search(r"house-rule +Mine\.", printed)
    assert "ncb-select" in printed and "attention-critic" in printed
