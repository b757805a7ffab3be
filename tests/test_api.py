"""Commands as functions: the same folder as the command's, and nothing printed."""

from pathlib import Path

import pytest

import equibid
from equibid.cli import main
from equibid.errors import InputError

SMALL = {"impressions": 600, "advertisers": 4, "ticks": 6, "seeds": 2}


def test_a_comparison_is_the_one_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(main, "keep_compiled_programs", lambda: None)
    made = equibid.compare("demo", ["pacing", "fixed"], out="mine", **SMALL)
    assert capsys.readouterr() == ("", "")
    assert made.folder == Path("mine") and made.report.read_bytes().startswith(b"<!doctype html>")
    assert set(made.ranking["bidder"]) == {"pacing", "fixed"}
    assert made.paired is not None and made.delivery["replicate"].n_unique() == 2
    # Notebooks and papers.
    assert "pacing" in made._repr_html_()
    assert made.table("latex").startswith("\\begin{tabular}")
    assert made.table().count("\n") == 4
    words = ["compare", "demo", "--bidders", "pacing,fixed", "--out", "typed"]
    main.main([*words, *(str(x) for name, n in SMALL.items() for x in (f"--{name}", n))])
    for table in sorted(Path("mine").glob("*.parquet")):
        assert table.read_bytes() == (Path("typed") / table.name).read_bytes(), table
    # Read again, piece by piece.
    again = equibid.compare("demo", "pacing,fixed", out=Path("mine"), **SMALL)
    assert again.ranking.equals(made.ranking)


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
