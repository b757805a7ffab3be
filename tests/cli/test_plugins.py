"""Plugins: files of a user's own that every command and every run's folder knows."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from equibid import plugins
from equibid.auctions import AUCTIONS
from equibid.bidders import BIDDERS
from equibid.cli.sweep import trial_of
from equibid.errors import InputError
from equibid.learning.algorithm import ALGORITHMS
from equibid.learning.training.results import saved_algorithm
from equibid.logs import READERS
from equibid.registry import Registry
from equibid.runs.market import MarketChoice
from equibid.runs.training import TrainConfig

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "own_bidder.py"
SMALL = ("--impressions", 300, "--advertisers", 3, "--ticks", 3)
REGISTRIES: tuple[Registry, ...] = (BIDDERS, AUCTIONS, READERS, ALGORITHMS)
KNOWN = [set(registry) for registry in REGISTRIES]
PLUGIN = '''
from dataclasses import dataclass
from equibid.auctions import AUCTIONS, Ranked
from equibid.bidders import BIDDERS
from equibid.bidders.fixed import fit
from equibid.learning.algorithm import ALGORITHMS
from equibid.logs.registry import READERS, Reader

BIDDERS.add("mine", "A bidder of mine.")(fit)
AUCTIONS.add("house", "A rule of mine.")(lambda reserve=0.5: Ranked(reserve=reserve))
READERS.add("own-log", "A log of mine.")(Reader(lambda path: False, lambda path: []))

@ALGORITHMS.add("toy-of-mine", "Learns nothing.")
@dataclass(frozen=True)
class Mine:
    rate: float = 0.1
    """Of nothing."""
'''


def forget() -> None:
    """As in a new process."""
    plugins._loaded.clear()
    for registry, known in zip(REGISTRIES, KNOWN, strict=True):
        for name in set(registry) - known:
            del registry.entries[name], registry.summaries[name]


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """What a test declares is gone after it; places are remembered in the test's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield
    forget()


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    return path


def test_a_file_brings_a_bidder_and_its_digest_stands_in_the_config(
    equibid: Command, tmp_path: Path
) -> None:
    words = ("compare", "demo", *SMALL, "--seeds", 1, "--bidders", "leftover:most=3,leftover,fixed")
    assert equibid(*words, "--plugin", EXAMPLE) == 0
    folder = tmp_path / "runs" / "compare-demo"
    text = (folder / "config.json").read_text()
    assert json.loads(text)["plugins"] == {"own_bidder.py": plugins.digest_of(EXAMPLE)}
    assert str(EXAMPLE.parent) not in text
    ranking = pl.read_parquet(folder / "ranking.parquet")
    assert set(ranking["bidder"]) == {"leftover:most=3", "leftover", "fixed"}
    assert (ranking["value"] > 0).all()
    assert str(EXAMPLE.parent) not in sys.path
    # The report needs nothing of the plugin.
    forget()
    assert equibid("report", folder) == 0
    assert plugins.loaded() == {}


def test_a_plugin_declares_whatever_has_a_name(
    equibid: Command, capsys: Captured, plugin: Path
) -> None:
    assert equibid("list", "mine", "house", "own-log", "toy-of-mine", "--plugin", plugin) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert all(f"{word} of mine." in out for word in ("bidder", "rule", "log"))
    assert "reserve 0.5" in out and re.search(r"rate 0\.1 a number.* Of nothing\.", out), out
    # Naming it twice is naming it once.
    assert equibid("list", "mine", "--plugin", plugin, "--plugin", plugin) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise RuntimeError('no\\nluck')", "(RuntimeError: no luck)"),
        ("def", "SyntaxError"),
        ("import nothing_like_it", "No module named 'nothing_like_it'"),
        ("from equibid.bidders import BIDDERS\nBIDDERS.add('lin', '')(3)", "is declared twice"),
        ("raise SystemExit(0)", "SystemExit"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_named(
    equibid: Command, capsys: Captured, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "bad.py").write_text(text)
    assert equibid("list", "--plugin", "bad.py") == 2
    err = capsys.readouterr().err
    assert err.startswith("equibid: --plugin bad.py: it cannot be imported") and said in err
    assert err.count("\n") == 1
    assert plugins.loaded() == {}


def test_there_is_no_such_plugin(equibid: Command, capsys: Captured) -> None:
    assert equibid("list", "--plugin", "none.py") == 2
    assert "--plugin none.py: there is no such file" in capsys.readouterr().err
    assert equibid("list", "--plugin", "no.such_module") == 2
    assert "there is no such module" in capsys.readouterr().err


def test_an_installed_module_is_a_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "shop_bidders"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from shop_bidders import inner")
    (package / "inner.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    plugins.load("shop_bidders")
    assert "mine" in BIDDERS
    (digest,) = plugins.loaded().values()
    # Of all the package's files.
    (package / "inner.py").write_text(PLUGIN + "\n")
    assert plugins.digest_of(package / "__init__.py") != digest
    for name in ("shop_bidders", "shop_bidders.inner"):
        del sys.modules[name]


def test_installed_packages_bring_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    for name, text in (("shop_one", PLUGIN), ("shop_two", "1 / 0")):
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (site / f"{name}.py").write_text(text)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[equibid.plugins]\n{name} = {name}\n")
    monkeypatch.syspath_prepend(str(site))
    trouble = plugins.load_installed()
    assert "mine" in BIDDERS
    assert trouble == [
        "the installed plugin shop_two cannot be imported (ZeroDivisionError: division by zero)"
    ]
    assert plugins.loaded() == {}
    del sys.modules["shop_one"]


def trained(folder: Path, said: object) -> Path:
    folder.mkdir(exist_ok=True)
    config = {"algorithm": "toy-of-mine", "settings": {"rate": 0.2}, "plugins": said}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_a_trained_run_finds_its_plugin_again(tmp_path: Path, plugin: Path) -> None:
    plugins.load(str(plugin))
    run = trained(tmp_path / "run", plugins.loaded())
    forget()
    algorithm, _ = saved_algorithm(run)
    assert algorithm.rate == 0.2  # pyright: ignore[reportAttributeAccessIssue]
    # What was changed since is another plugin.
    forget()
    plugin.write_text(PLUGIN + "# edited\n")
    with pytest.raises(InputError, match=r"plugin mine.py, which has changed.*--plugin"):
        saved_algorithm(run)


def test_a_strangers_run_has_nothing_imported(tmp_path: Path) -> None:
    """Neither a file in its folder nor one that its config points to."""
    run = trained(tmp_path / "stranger", {})
    evil = run / "mine.py"
    evil.write_text(f"from pathlib import Path\nPath({str(tmp_path / 'done')!r}).touch()\n")
    digest = plugins.digest_of(evil)
    for said in ({"mine.py": digest}, {str(evil): digest}, {str(evil): "0" * 32}):
        with pytest.raises(InputError, match="which is not known here"):
            saved_algorithm(trained(run, said))
    with pytest.raises(InputError, match="no algorithm 'toy-of-mine'"):
        saved_algorithm(trained(run, str(evil)))
    assert not (tmp_path / "done").exists()


def test_trials_know_the_plugins(tmp_path: Path, plugin: Path) -> None:
    plugins.load(str(plugin))
    command = trial_of(
        {}, 0, MarketChoice("demo"), TrainConfig("toy-of-mine"), tmp_path, ()
    ).command
    assert list(command)[-6:] == [
        *("--plugin", str(plugin.resolve()), "--seed", "0", "--out", str(tmp_path / "seed=0"))
    ]


@pytest.mark.slow
def test_the_folder_of_a_plugin_is_not_searched(tmp_path: Path, plugin: Path) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit('the wrong one')")
    command = [sys.executable, "-P", "-m", "equibid", "list", "mine", "--plugin", str(plugin)]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0 and "A bidder of mine." in ended.stdout, ended.stderr
