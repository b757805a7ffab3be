"""Impressions with their clicks and conversions, against a join in plain Python."""

from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_imports import MADE, pack, raw

from equibid.errors import InputError
from equibid.logs.importing import import_logs

IMPRESSIONS = 40


def text(rows: list[list[str]]) -> bytes:
    return b"".join("\t".join(row).encode() + b"\n" for row in rows)


def event(row: list[str], logtype: int, second: int) -> list[str]:
    changed = list(row)
    changed[1] = f"20130620{second:09d}"
    changed[2] = str(logtype)
    return changed


@given(
    clicks=st.lists(st.integers(0, IMPRESSIONS + 5), max_size=30),
    conversions=st.lists(st.integers(0, IMPRESSIONS + 5), max_size=10),
    again=st.booleans(),
)
def test_events_are_counted_and_orphans_set_aside(
    tmp_path_factory: pytest.TempPathFactory, clicks: list[int], conversions: list[int], again: bool
) -> None:
    folder = tmp_path_factory.mktemp("join")
    rows = raw(IMPRESSIONS + 6)
    shown, lost = rows[:IMPRESSIONS], rows[IMPRESSIONS:]
    events = {
        logtype: [event(rows[k], logtype, second) for second, k in enumerate(which)]
        for logtype, which in ((2, clicks), (3, conversions))
    }
    if again and clicks:
        events[2].append(events[2][0])
    files = {
        "clk.20130612.txt.bz2": events[2],
        "imp.1.txt": shown[:25],
        "imp.2.txt.gz": shown[25:],
        "conv.20130612.txt": events[3],
    }
    paths = [pack(folder / name, text(rows)) for name, rows in files.items() if rows]
    summary = import_logs(paths, folder / "out", join=True, max_bad=1, chunk=4096)

    table = pl.read_parquet(folder / "out/rows/*.parquet")
    counts = [Counter(clicks), Counter(conversions)]
    assert table["bidid"].to_list() == [row[0] for row in shown]
    assert table["clicks"].to_list() == [counts[0][k] for k in range(IMPRESSIONS)]
    assert table["conversions"].to_list() == [counts[1][k] for k in range(IMPRESSIONS)]
    assert summary.totals["cost"] == sum(int(row[20]) for row in shown)
    orphans = sum(k >= IMPRESSIONS for k in clicks + conversions)
    twice = int(again and bool(clicks))
    assert summary.quarantined == orphans + twice
    assert summary.read == IMPRESSIONS + len(clicks) + len(conversions) + twice
    aside = pl.read_csv(folder / "out/quarantine.csv", infer_schema=False)
    ids = Counter(aside.filter(pl.col("reason") == "no impression has this id")["value"].to_list())
    assert ids == Counter(rows[k][0] for k in clicks + conversions if k >= IMPRESSIONS)
    assert set(ids) <= {row[0] for row in lost}


def test_an_impression_in_quarantine_orphans_its_click(tmp_path: Path) -> None:
    rows = raw(10)
    click = event(rows[3], 2, 7)
    rows[3][20] = "-1"
    paths = [pack(tmp_path / "imp.txt", text(rows)), pack(tmp_path / "clk.txt", text([click]))]
    summary = import_logs(paths, tmp_path / "out", join=True, max_bad=1)
    assert summary.kept == 9
    assert summary.reasons["bidid no impression has this id"] == 1


def test_an_impression_twice_is_kept_once(tmp_path: Path) -> None:
    rows = raw(10)
    paths = [
        pack(tmp_path / "imp.1.txt", text(rows)),
        pack(tmp_path / "imp.2.txt", text(rows[4:6])),
        pack(tmp_path / "clk.txt", text([event(rows[4], 2, 1)])),
    ]
    summary = import_logs(paths, tmp_path / "out", join=True, max_bad=1)
    assert (summary.totals["impressions"], summary.totals["clicks"]) == (10, 1)
    aside = pl.read_csv(tmp_path / "out/quarantine.csv")
    assert aside.select("file", "line", "value").rows() == [
        ("imp.2.txt", 1, "first in imp.1.txt, line 5"),
        ("imp.2.txt", 2, "first in imp.1.txt, line 6"),
    ]


def test_rows_in_the_wrong_file_are_bad_rows(tmp_path: Path) -> None:
    rows = raw(10)
    strays = [event(rows[2], 2, 1), event(rows[3], 3, 2)]
    paths = [
        pack(tmp_path / "imp.txt", text([*rows, *strays])),
        # An impression among the clicks is no click, though one of its id was clicked.
        pack(tmp_path / "clk.txt", text([event(rows[4], 2, 1), event(rows[5], 2, 2), rows[4]])),
    ]
    summary = import_logs(paths, tmp_path / "out", join=True, max_bad=1)
    table = pl.read_parquet(tmp_path / "out/rows/*.parquet")
    assert table["bidid"].to_list() == [row[0] for row in rows]
    assert table["clicks"].to_list() == [0, 0, 0, 0, 1, 1, 0, 0, 0, 0]
    assert (summary.read, summary.kept) == (15, 12)
    aside = pl.read_csv(tmp_path / "out/quarantine.csv").select("file", "line", "field", "value")
    assert aside.rows() == [
        ("clk.txt", 3, "logtype", 1),
        ("imp.txt", 11, "logtype", 2),
        ("imp.txt", 12, "logtype", 3),
    ]


def test_only_raw_logs_are_joined(tmp_path: Path) -> None:
    made = MADE["hourly7.test.txt"]
    path = pack(tmp_path / made.name, b"\n".join(made.lines(3)))
    with pytest.raises(InputError, match="24 columns"):
        import_logs([path], tmp_path / "out", join=True)
    clicks = pack(tmp_path / "clk.txt", text(raw(4, logtype=2)))
    with pytest.raises(InputError, match="needs a log of impressions"):
        import_logs([clicks], tmp_path / "out", join=True)
