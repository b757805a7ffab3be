"""Commands as functions: the same folder as the command's, and nothing printed."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import equibid
from equibid.cli import main
from equibid.errors import InputError

TINY = {"impressions": 300, "advertisers": 4, "ticks": 4}
SMALL = TINY | {"seeds": 2}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(main, "keep_compiled_programs", lambda: None)


def typed(*words: Any, **options: Any) -> None:
    """The command, its folder `typed`."""
    flags = [str(x) for name, n in options.items() for x in (f"--{name.replace('_', '-')}", n)]
    main.main([*map(str, words), *flags, "--out", "typed"])


def same_tables(names: set[str]) -> None:
    """Those of the folder of the function and of the command, byte for byte."""
    tables = {path.name for path in Path("mine").glob("*.*") if path.suffix in (".parquet", ".csv")}
    assert tables == names
    for table in names:
        one, other = ((Path(folder) / table).read_bytes() for folder in ("mine", "typed"))
        assert one == other, table


def test_a_comparison_is_the_one_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    made = equibid.compare("demo", ["pacing", "fixed"], out="mine", **SMALL)
    assert capsys.readouterr() == ("", "")
    assert made.folder == Path("mine") and made.report.read_bytes().startswith(b"<!doctype html>")
    assert set(made.ranking["bidder"]) == {"pacing", "fixed"}
    assert made.paired is not None and made.delivery["replicate"].n_unique() == 2
    # Notebooks and papers.
    assert "pacing" in made._repr_html_()
    assert made.table("latex").startswith("\\begin{tabular}")
    assert made.table().count("\n") == 4
    typed("compare", "demo", bidders="pacing,fixed", **SMALL)
    same_tables({path.name for path in Path("mine").glob("*.parquet")})
    # Read again, piece by piece.
    again = equibid.compare("demo", "pacing,fixed", out=Path("mine"), **SMALL)
    assert again.ranking.equals(made.ranking)


def test_a_search_and_its_certificates_are_those_of_the_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    solved = equibid.solve("demo", out="mine", starts=1, deflated=0, **TINY)
    typed("solve", "demo", starts=1, deflated=0, **TINY)
    same_tables({"factors.csv", "starts.parquet", "certificate.parquet"})
    assert solved.holds and solved.rows["holds"].to_list() == [True]
    written = pl.read_csv("mine/factors.csv")
    assert solved.factors["factor"].to_list() == written["factor"].to_list()
    assert solved.report.exists() and "welfare" in solved.table("csv")
    capsys.readouterr()
    proven = equibid.certify("demo", solved.folder, days=2)
    assert capsys.readouterr() == ("", "")
    assert proven.rows["day"].to_list() == [0, 1] and not proven.holds
    assert proven.certificate.height == 8


def test_a_training_is_the_one_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    settings = {"num_envs": 2, "num_epochs": 1, "num_minibatches": 1, "hidden_sizes": "8"}
    options = TINY | {"days": 2, "steps": 2, "eval_every": 2}
    made = equibid.train("demo", "ippo", settings, out="mine", **options)
    assert capsys.readouterr() == ("", "")
    said = [word for name, x in settings.items() for word in ("--set", f"{name}={x}")]
    typed("train", "demo", "--algorithm", "ippo", *said, **options)
    same_tables({path.name for path in Path("mine").glob("*.parquet")})
    assert made.metrics["step"].to_list() == [1, 2]
    assert made.judgements["seated"].to_list() == made.rows["score"].to_list()
    ranking = equibid.compare("demo", [str(made.folder), "fixed"], **SMALL).ranking
    assert set(ranking["bidder"]) == {"mine", "fixed"}


def test_a_log_is_imported_and_fitted(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["tick,who,value,price"]
    lines += [f"{k // 25},{'ab'[k % 2]},0.0{k % 9 + 1},{k % 7 + 1}" for k in range(400)]
    Path("log.csv").write_text("\n".join([*lines, "bad"]) + "\n")
    columns = 'tick = "tick"\nadvertiser = "who"\nvalue = "value"\nprice = "price"\n'
    Path("map.toml").write_text(f'name = "own"\n[columns]\n{columns}')
    log = equibid.import_log("log.csv", "own", columns="map.toml", max_bad=0.1)
    assert log.files.rows() == [("log.csv", 401, 400, 1)]
    made = equibid.fit(log.folder, others=1, out="mine")
    assert capsys.readouterr() == ("", "")
    typed("fit", "own", others=1)
    for path in made.markets:
        other = Path("typed") / path.relative_to("mine")
        assert path.read_bytes() == other.read_bytes()
    assert {"measure", "distance"} <= set(made.rows.columns)
    assert equibid.compare(made.markets[0], "lin", **SMALL).ranking.height == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seed": 3}, "compare has no option 'seed'; try seeds"),
        ({"bidders": ["pacin"]}, "pacing"),
        ({"seeds": 0}, "--seeds 0: ask for at least 1"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(options: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        equibid.compare("demo", **options)


def test_options_are_known_by_every_function() -> None:
    with pytest.raises(InputError, match="solve has no option 'start'; try starts"):
        equibid.solve("demo", start=3)
    with pytest.raises(InputError, match="train has no option 'step'; try steps"):
        equibid.train("demo", "mappo", step=3)
    with pytest.raises(InputError, match="mappo has no setting"):
        equibid.train("demo", "mappo", {"learning": 3})
