"""Every option of every command refuses what it cannot take, in one sentence and at once."""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from inspect import signature
from pathlib import Path
from pkgutil import resolve_name
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from equibid.cli.main import PLACES

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]

LONG = "x" * 5000
DIGITS = "9" * 5000
TINY = {"impressions": 60, "advertisers": 2, "ticks": 3}
WORDS: dict[str, tuple[str, ...]] = {
    "demo": (),
    "compare": ("demo", "--bidders", "constant"),
    "solve": ("demo",),
    "frontier": ("demo",),
    "certify": ("demo", "constant"),
    "exploit": ("demo", "constant"),
    "train": ("demo", "--algorithm", "ppo"),
    "sweep": ("demo", "--algorithm", "ppo", "--no-ray"),
    "fit": ("log",),
    "values": ("log",),
    "import": ("log",),
    "report": ("run",),
}
NUMBERS = ("99999999999999999999", DIGITS, "nan", "inf", "-1", "", LONG, "[red]", "1\0")
TEXTS = (LONG, "no/such", "a\0b", "\udcff", "")
# Texts that these options take, or that are free to choose.
FREE = {"out": {"no/such", ""}, "set": {""}, "columns": set(), "opponents": {""}, "test": set()}
RULES = ("gsp:reserve=nan", "gsp:reserve=inf", "gsp:reserve=-1", "gsp:reserve=9e999", "soft:x=1")
RULES += ("soft:temperature=0", "soft:temperature=nan", "soft:temperature=-1", *TEXTS[:4])


def options(command: Callable[..., object]) -> Iterator[tuple[str, Any]]:
    """Name and type of every option of a command."""
    kinds = get_type_hints(command)
    for name in signature(command).parameters:
        kind = kinds[name]
        if is_dataclass(kind):
            inner = get_type_hints(kind)
            yield from ((field.name, inner[field.name]) for field in fields(kind))
        else:
            yield name, kind


def bad(name: str, kind: Any) -> tuple[str, ...]:
    """Words that an option of a type must refuse."""
    kinds = {x for x in (get_args(kind) or (kind,)) if x is not NoneType}
    if kinds & {int, float}:
        zero = () if name in ZERO else ("0",)
        return (*NUMBERS[int not in kinds :], *zero, *(("0.5",) if int in kinds else ()))
    if name == "auction":
        return RULES
    if kinds & {str, Path} and get_origin(kind) is not tuple:
        return tuple(x for x in TEXTS if x not in FREE.get(name, ()))
    return () if kind is bool else ("nonsense", "")


ZERO = {"market_seed", "seed", "day", "deflated", "others", "patience", "tolerance", "gpus"}
ZERO |= {"opponent_prob", "max_bad", "price_augmentation"}
CASES = [
    pytest.param(
        *(command, name, word),
        id=f"{command}-{name}-{number}",
        marks=() if command == "compare" else pytest.mark.slow,
    )
    for command in WORDS
    for name, kind in options(resolve_name(PLACES[command]))
    if name not in ("logs", "runs", "log", "market", "factors", "bidder", "open_report")
    for number, word in enumerate(bad(name, kind))
]


@pytest.mark.parametrize(("command", "name", "word"), CASES)
def test_a_bad_value_is_one_sentence(
    equibid: Command, capsys: Captured, tmp_path: Path, command: str, name: str, word: str
) -> None:
    (tmp_path / "log").write_text("nothing\n", encoding="utf-8")
    words = list(WORDS[command])
    if command in ("compare", "solve", "certify", "exploit", "train", "sweep"):
        words += [x for key, size in TINY.items() if key != name for x in (f"--{key}", str(size))]
    if command == "import" and name != "out":
        words += ["--out", "o"]
    assert equibid(command, *words, f"--{name.replace('_', '-')}={word}") == 2
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert err.strip()
    assert len(err) < 4000 or not err.startswith("equibid: ")
