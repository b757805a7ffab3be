"""Every command of the documentation and of the help texts is one that there is, and runs."""

import gzip
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import polars as pl
import pytest
import tyro
from made_imports import pack, raw
from made_logs import auctionnet, clicks, csv, info, spaced

from equibid.auctions.registry import auction_named
from equibid.bidders import BIDDERS
from equibid.bidders.registry import bidder_label
from equibid.cli import main, sweep
from equibid.cli.calling import with_shared
from equibid.cli.sweep import PROGRAM, grid_points
from equibid.cli.trials import Ends, Trial
from equibid.cli.words import check_words
from equibid.equilibrium.objectives import objective_named
from equibid.equilibrium.solvers.registry import SOLVERS
from equibid.learning import ALGORITHMS
from equibid.learning.algorithm import algorithm_named
from equibid.markets import MARKETS
from equibid.registry import named, parted
from made_impressions import log_folder, text

Command = Callable[..., int]

COMMANDS = {name: resolve_name(place) for name, place in main.PLACES.items()}
ROOT = Path(__file__).resolve().parents[2]
# The page of the command line is made from the help texts, whose commands are here anyway.
MADE_PAGE = ROOT / "docs" / "reference" / "command-line.md"
PAGES = [ROOT / "README.md", *sorted({*(ROOT / "docs").rglob("*.md")} - {MADE_PAGE})]

# What stands for something in a command of the documentation.
MEANT = {
    "MARKET": "demo",
    "NAME": "mappo",
    "LOG": "logs/day.csv",
    "RUN": "runs/demo",
    "FOLDER": "logs/imported",
    "FACTORS": "factors.csv",
    "BIDDER": "pacing",
    "path/to/log": "logs/day.csv",
    "path/to/ipinyou": "logs/ipinyou",
    "logs/": "logs/rlb",
    "LOG…": "logs/day.csv",
    "runs/A,runs/B,pacing": "runs/A,runs/B,pacing",
}
# What makes a market, a search and a training small enough for a test.
SIZES = {"--impressions": "300", "--advertisers": "4", "--ticks": "4"}
SMALL = {
    "demo": {"--seeds": "1", "--no-open": None},
    "compare": {"--seeds": "2"},
    "solve": {"--starts": "2", "--deflated": "0"},
    "frontier": {"--starts": "2", "--epsilon": "0,0.01"},
    "certify": {"--days": "2"},
    "exploit": {"--days": "1", "--set": "restarts=1"},
    "train": {"--steps": "1", "--days": "1", "--seeds": "1"},
    "sweep": {"--steps": "1", "--days": "1", "--seeds": "0", "--no-ray": None},
    "fit": {"--others": "1"},
}
# How a folder of a run that a command names comes about, where no command before has made it.
MADE = {
    "runs/demo": "compare demo --bidders lin,fixed",
    "runs/gsp": "compare demo --bidders lin,fixed",
    "runs/first-price": "compare demo --bidders lin,fixed --auction first-price",
    "runs/solve-demo": "solve demo",
    "runs/mappo": "train demo --algorithm mappo",
    "runs/A": "train demo --algorithm mappo",
    "runs/B": "train demo --algorithm ippo",
}


def documented() -> Iterator[tuple[str, str]]:
    """Each command with the page, or the help, that it stands on."""
    for page in PAGES:
        name, inside = str(page.relative_to(ROOT)), False
        for line in page.read_text(encoding="utf-8").splitlines():
            if line.startswith("```"):
                inside = not inside
            elif inside and line.startswith("equibid "):
                yield name, line.split(" # ")[0].strip()
            elif not inside:
                found = re.findall(r"`(equibid [a-z]+ [^`…]+)`", line)
                yield from ((name, command) for command in found)
    for name, command in COMMANDS.items():
        for example in re.findall(r"Example: (.+)", command.__doc__ or ""):
            yield f"equibid {name} --help", example


ALL = list(dict.fromkeys(documented()))
PAGES_AND_HELPS = list(dict.fromkeys(place for place, _ in ALL))


def words_of(command: str) -> list[str]:
    """The words after ``equibid``, with what placeholders stand for."""
    program, *words = shlex.split(command)
    assert program == "equibid", command
    meant = dict(MEANT)
    if words[0] == "values":
        meant["LOG"] = "logs/2259"
    if "--calibrate" in words:
        meant["LOG"] = "logs/rlb"
    return [meant.get(word, word) for word in words]


def test_there_are_as_many_commands_as_we_believe() -> None:
    assert len(ALL) > 60
    assert {words_of(command)[0] for _, command in ALL} == set(COMMANDS)
    for name in COMMANDS:
        assert any(place == f"equibid {name} --help" for place, _ in ALL), name


def parsed(words: list[str]) -> tuple[Any, ...]:
    """What a command is called with, without carrying it out."""
    said: list[Any] = []

    def recorder(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def record(*args: Any, **settings: Any) -> None:
            said.extend([*args, *settings.values()])

        return record

    check_words(main.PLACES, words)
    app = tyro.extras.SubcommandApp()
    for name, command in COMMANDS.items():
        app.command(name=name)(with_shared(recorder(command)))
    app.cli(prog="equibid", args=[x for x in words if x not in ("--plugin", "--quiet", "--json")])
    return tuple(said)


@pytest.mark.parametrize(("place", "command"), ALL)
def test_a_command_names_what_there_is(
    place: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = words_of(command)
    own = "own_bidder" in command or "own_algorithm" in command
    if own:
        at = words.index("--plugin")
        assert (ROOT / words[at + 1]).is_file()
        del words[at : at + 2]
        monkeypatch.setitem(BIDDERS.entries, "leftover", lambda log, most=2.0: log)
        monkeypatch.setitem(ALGORITHMS.entries, "cross-entropy", ALGORITHMS["drlb"])
    if "--help" in words:
        with pytest.raises(SystemExit, match="0"):
            parsed(words)
        return
    settings: dict[str, Any] = {}
    for group in parsed(words):
        settings |= vars(group) if hasattr(group, "__dataclass_fields__") else {}
    market = settings.get("market")
    assert market is None or market in MARKETS or "/" in market or "." in market, command
    if "algorithm" in settings and not own:
        algorithm_named(settings["algorithm"], settings["set"])
    if "grid" in settings:
        lesson = type("Lesson", (), {"algorithm": settings["algorithm"], "set": settings["set"]})()
        assert grid_points(lesson, settings["grid"])  # pyright: ignore[reportArgumentType]
    for listed in (settings.get("bidders", ""), settings.get("opponents", "")):
        for bidder in parted(listed):
            assert "/" in bidder or bidder_label(bidder)
    if settings.get("auction"):
        auction_named(settings["auction"])
    if words[0] == "solve":
        named(SOLVERS, settings["method"])
        objective_named(settings["objective"])


def sized(words: list[str]) -> list[str]:
    """The words for a run that is small enough."""
    command, *rest = words
    if "--processes" in rest:
        # This process computes by JAX already; `test_processes` has such commands in others.
        at = rest.index("--processes")
        del rest[at : at + 2]
    options = dict(SMALL.get(command, {}))
    if any(word in MARKETS or word.endswith(".toml") for word in rest[:1]):
        options |= SIZES if rest[0] != "example-3.2" else {}
    elif command in ("compare", "solve", "certify", "exploit", "train", "sweep"):
        options.pop("--days", None)
    if "--method" in rest and rest[rest.index("--method") + 1] != "ncb-select":
        options.pop("--starts", None)
        options.pop("--deflated", None)
    if "--show-settings" in rest or (command == "certify" and "--days" not in rest):
        options.pop("--days", None)
    for option, value in options.items():
        if option in rest and value is not None:
            rest[rest.index(option) + 1] = value
        else:
            rest += [option] if value is None else [option, value]
    return [command, *rest]


def world(folder: Path) -> None:
    """The files that commands of the documentation name."""
    logs = folder / "logs"
    for name in ("rlb", "ipinyou"):
        (logs / name).mkdir(parents=True)
    day = csv(auctionnet((20,) * 6, 4))
    for name in ("logs/day.csv", "logs/auctionnet.csv", "period-7.csv"):
        (folder / name).write_text(day)
    hours = [[*row, str(k % 24)] for k, row in enumerate(clicks(4000))]
    for name in ("ipinyou/7.test.txt", "ipinyou/7.train.txt", "1458.test.txt"):
        (logs / name).write_text(spaced(hours))
    for at in (logs / "rlb", folder):
        (at / "1458.info.json").write_text(info())
        (at / "1458.test.theta.txt.gz").write_bytes(gzip.compress(spaced(clicks(3000)).encode()))
    for number, campaign in enumerate(("2259", "1458", "3358")):
        log_folder(logs, 3000, campaign, number)
    shown = raw(60)
    for at in (folder, folder / "raw"):
        at.mkdir(exist_ok=True)
        pack(at / "imp.1.txt.bz2", text(shown).encode())
        for number, name in ((2, "clk"), (3, "conv")):
            events = [[*row[:2], str(number), *row[3:]] for row in shown[:4]]
            pack(at / f"{name}.1.txt.bz2", text(events).encode())
    rng = np.random.default_rng(0)
    mine = "auction_id;ts;predicted_ctr;clearing_cpm;clicked\n" + "".join(
        f"{k};{1_700_000_000 + 900 * k};0,{rng.integers(100, 1000):04d};"
        f"{rng.integers(100, 900)};{k % 9 == 0:d}\n"
        for k in range(400)
    )
    (folder / "mine.csv").write_text(mine)
    (folder / "mine.csv.gz").write_bytes(gzip.compress(mine.encode()))
    page = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")
    (folder / "mine.toml").write_text(page.split("```toml\n")[1].split("```")[0])
    pl.DataFrame({"advertiser": range(4), "factor": [40.0, 0, 60, 20]}).write_csv(
        folder / "factors.csv"
    )
    if not (folder / "examples").exists():
        (folder / "examples").symlink_to(ROOT / "examples")


def expanded(words: list[str], folder: Path) -> list[str]:
    """As a shell does it."""
    return [
        name
        for word in words
        for name in (
            sorted(str(path.relative_to(folder)) for path in folder.glob(word))
            if "*" in word
            else [word]
        )
    ]


def in_this_process(equibid: Command, trials: Sequence[Trial]) -> Ends:
    """Carry out the words of trials without processes, which would compile everything anew."""
    for trial in trials:
        yield trial, equibid(*trial.command[len(PROGRAM) :])


@pytest.mark.slow
@pytest.mark.parametrize("place", PAGES_AND_HELPS)
def test_the_commands_of_a_page_run(
    equibid: Command,
    place: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, done = tmp_path, set[str]()
    world(folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    monkeypatch.setattr(sweep, "ends_of", lambda trials, _: in_this_process(equibid, trials))
    monkeypatch.setattr("equibid.plugins._loaded", {})
    for registry in (BIDDERS, ALGORITHMS):
        for name in ("leftover", "cross-entropy"):
            registry.entries.pop(name, None)

    def run(words: list[str]) -> None:
        if shlex.join(words) not in done:
            assert equibid(*expanded(words, folder)) == 0, (
                f"{shlex.join(words)}: {capsys.readouterr().err}"
            )
            done.add(shlex.join(words))

    for command in dict.fromkeys(command for at, command in ALL if at == place):
        words = words_of(command)
        named = {part.partition(":seed=")[0] for word in words for part in word.split(",")}
        for name, how in MADE.items():
            if name in named and not (folder / name).exists():
                run([*sized(how.split()), "--out", name])
        if words[0] == "import":
            for option in {"--out", "--suggest-columns"} & set(words):
                made_before = folder / words[words.index(option) + 1]
                shutil.rmtree(made_before, ignore_errors=True)
                made_before.unlink(missing_ok=True)
        run(sized(words))
