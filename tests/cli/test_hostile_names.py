"""Whatever advertisers are called: commands stay in their folder, and show it as it is."""

import csv
import random
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from equibid.cli.console import plain_console, shown
from equibid.cli.progress import Said, progress

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]

SCRIPT = "<script>alert(1)</script>"
NAMES = ["a*", "ab", "../../../../ESC", SCRIPT, "[red]x[/red]", "A:smile:", "CON", "x" * 300]
NAMES += ["a\x1b[2Jb", "ä/ö", "Brand", "brand"]


@pytest.fixture
def log(equibid: Command, tmp_path: Path) -> Path:
    """An imported log of them all; each has values of its own."""
    chance = random.Random(0)
    with (tmp_path / "log.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["h", "a", "v", "p", "c"])
        for k in range(60):
            for name in NAMES:
                value = chance.betavariate(1, 20)
                price = f"{chance.uniform(1, 50):.3f}"
                rows.writerow([k // 10, name, f"{value:.6f}", price, int(k % 9 == 0)])
    columns = 'tick = "h"\nadvertiser = "a"\nvalue = "v"\nprice = "p"\nclick = "c"\n'
    (tmp_path / "map.toml").write_text(f'name = "x"\n[columns]\n{columns}', encoding="utf-8")
    assert equibid("import", "log.csv", "--columns", "map.toml", "--out", "deep/L") == 0
    return tmp_path


def everything(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.slow
def test_names_stay_names(equibid: Command, capsys: Captured, log: Path) -> None:
    before, outside = everything(log), everything(log.parent)
    markets = {f"x-{name}" for name in NAMES}
    few = ("--bidders", "constant,mcpc", "--seeds", 1)
    assert equibid("compare", "deep/L", *few, "--out", "deep/c") == 0
    delivery = pl.read_parquet(log / "deep/c/delivery.parquet")
    rows = delivery.group_by("market").len()
    assert set(rows["market"]) == markets
    assert rows["len"].n_unique() == 1
    assert equibid("certify", "deep/L", "fixed", "--out", "deep/y") == 0
    assert set(pl.read_parquet(log / "deep/y/certificate.parquet")["market"]) == markets
    assert equibid("fit", "deep/L", "--others", 0, "--out", "deep/f") == 0
    fitted = [path.parent for path in (log / "deep/f").rglob("market.toml")]
    assert len({path.name.lower() for path in fitted}) == len(NAMES)
    assert {path.parent for path in fitted} == {log / "deep/f"}
    for report in (log / "deep").rglob("report.html"):
        assert SCRIPT not in report.read_text(encoding="utf-8")
    out = capsys.readouterr().out
    assert "\x1b[2J" not in out
    assert "[red]x[/red]" in out
    assert everything(log) == before
    assert everything(log.parent) == outside


def test_the_console_prints_text_as_it_is(capsys: Captured) -> None:
    console = plain_console()
    console.print("[red]x[/red] :smile: a\x1b[2Jb \u202eback", style="dim")
    with progress(console) as bar:
        bar.add_task("[bold]:x:[/bold] \x07", total=1)
        line = Said().render(bar.tasks[0])
    assert line.plain.startswith("[bold]:x:[/bold] \\x07")
    assert capsys.readouterr().out.startswith("[red]x[/red] :smile: a\\x1b[2Jb \\u202eback\n")
    assert shown("ä, –, 日本, a\nb") == "ä, –, 日本, a\nb"
    assert shown("\udcff\x7f") == "\\udcff\\x7f"
