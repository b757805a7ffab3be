"""Every form comes out of Parquet as it went in, and plays as the file it was made of."""

import dataclasses
import json
from pathlib import Path

import jax
import made_logs
import numpy as np
import polars as pl
import pytest
from made_imports import MADE, Made, pack

from equibid.errors import InputError
from equibid.logs import LogDataset, read_log
from equibid.logs.importing import SCHEMAS, import_logs
from shared import SHARED, needs

each = pytest.mark.parametrize("made", MADE.values(), ids=MADE)
AUCTIONNET = SHARED / "data/auctionnet/log_excerpt.csv.gz"
IPINYOU = SHARED / "data/ipinyou"


def rows_of(folder: Path) -> list[dict]:
    return pl.read_parquet(folder / "rows/*.parquet").rows(named=True)


def same(ours: list[LogDataset], theirs: list[LogDataset]) -> None:
    assert [x.name for x in ours] == [x.name for x in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one.period == other.period
        for first, second in ((one.test, other.test), (one.train, other.train)):
            assert jax.tree.structure(first) == jax.tree.structure(second)
            for x, y in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
                np.testing.assert_array_equal(x, y, strict=True)
        assert (one.history is None) == (other.history is None)
        if one.history is not None and other.history is not None:
            for field in dataclasses.fields(one.history):
                np.testing.assert_array_equal(
                    getattr(one.history, field.name), getattr(other.history, field.name)
                )


@each
@pytest.mark.parametrize("packing", ["", ".gz", ".bz2"])
def test_every_form_is_recognised_and_comes_out_as_it_went_in(
    tmp_path: Path, made: Made, packing: str
) -> None:
    path = pack(tmp_path / (made.name + packing), b"\n".join(made.lines(30)) + b"\n")
    summary = import_logs([path], tmp_path / "out", chunk=4096)
    assert summary.form == made.form
    assert (summary.read, summary.kept, summary.reasons) == (30, 30, {})
    assert rows_of(tmp_path / "out") == [made.meaning(row) for row in made.rows(30)]


@each
@pytest.mark.parametrize("end", [b"\r\n", b"\n\n"], ids=["windows", "blank lines"])
def test_line_ends_marks_and_a_missing_last_one_change_nothing(
    tmp_path: Path, made: Made, end: bytes
) -> None:
    data = b"\xef\xbb\xbf" + end.join(made.lines(20))
    summary = import_logs([pack(tmp_path / made.name, data)], tmp_path / "out", chunk=4096)
    assert (summary.kept, summary.quarantined) == (20, 0)
    assert rows_of(tmp_path / "out") == [made.meaning(row) for row in made.rows(20)]


def test_all_forms_are_tried() -> None:
    assert {made.form for made in MADE.values()} == set(SCHEMAS)


def test_columns_of_a_header_may_come_in_any_order(tmp_path: Path) -> None:
    made = MADE["auctionnetperiod-7.csv"]
    turned = [b",".join(reversed(line.split(b","))) for line in made.lines(9)]
    import_logs([pack(tmp_path / "log.csv", b"\n".join(turned))], tmp_path / "out")
    assert rows_of(tmp_path / "out") == [made.meaning(row) for row in made.rows(9)]


def test_a_row_may_hold_the_name_of_a_column(tmp_path: Path) -> None:
    made = MADE["ipinyou-preparedheadless.train.txt.log"]
    rows = made.rows(9)
    rows[0][made.columns.index("url")] = "url"
    data = b"\n".join(map(made.line, rows))
    import_logs([pack(tmp_path / "headless.log", data)], tmp_path / "out")
    assert rows_of(tmp_path / "out") == [made.meaning(row) for row in rows]


def test_a_parquet_log_is_read_like_its_csv(tmp_path: Path) -> None:
    made = MADE["auctionnetperiod-7.csv"]
    path = pack(tmp_path / "log.csv", b"\n".join(made.lines(40)))
    pl.read_csv(path).write_parquet(tmp_path / "log.parquet")
    import_logs([tmp_path / "log.parquet"], tmp_path / "out")
    assert rows_of(tmp_path / "out") == [made.meaning(row) for row in made.rows(40)]


def test_bad_rows_of_a_parquet_log_are_named(tmp_path: Path) -> None:
    made = MADE["auctionnetperiod-7.csv"]
    frame = pl.read_csv(pack(tmp_path / "log.csv", b"\n".join(made.lines(40))))
    row = pl.int_range(pl.len())
    frame.with_columns(
        bid=pl.when(row == 7).then(-1.0).otherwise("bid"),
        cost=pl.when(row == 9).then(None).otherwise("cost"),
    ).write_parquet(tmp_path / "log.parquet")
    summary = import_logs([tmp_path / "log.parquet"], tmp_path / "out", max_bad=0.1)
    assert summary.kept == 38
    quarantine = pl.read_csv(tmp_path / "out/quarantine.csv")
    assert quarantine.select("line", "field").rows() == [(8, "bid"), (10, "cost")]


def test_advertisers_can_be_named(tmp_path: Path) -> None:
    made = MADE["ipinyouimp.20130612.txt"]
    path = pack(tmp_path / made.name, b"\n".join(made.lines(20)))
    summary = import_logs([path], tmp_path / "out", advertisers=[1458], max_bad=0.5)
    assert summary.reasons == {"advertiser not a known advertiser (1458)": 10}
    assert summary.totals["impressions"] == 10


def test_an_advertiser_of_hardly_any_impression_is_unknown(tmp_path: Path) -> None:
    rows = made_logs.auctionnet(ticks=(150, 150))
    rows[10][1] = "99.0"
    path = made_logs.write(tmp_path / "log.csv", made_logs.csv(rows))
    summary = import_logs([path], tmp_path / "out", max_bad=0.01)
    assert (summary.kept, summary.quarantined) == (899, 1)
    quarantine = pl.read_csv(tmp_path / "out/quarantine.csv")
    assert quarantine.select("line", "field", "value").rows() == [(12, "advertiserNumber", 99)]
    # The impression that lost a row is left out whole when the log is played.
    dataset = read_log(tmp_path / "out")[0]
    assert dataset.train is not None
    assert dataset.train.impressions + dataset.test.impressions == 299


def test_each_period_is_judged_by_its_own_advertisers(tmp_path: Path) -> None:
    # A period that is a hundred times shorter has no strangers, and one of fewer advertisers no
    # impressions that lack a row; but where rows are lost, the impression is, be it most of them.
    long, short = made_logs.auctionnet((400, 400)), made_logs.auctionnet((3, 4), 2, period=1)
    broken = made_logs.auctionnet((3, 4), period=2)
    for row in broken[3:15:3]:
        row[10] = "-1"
    path = made_logs.write(tmp_path / "log.csv", made_logs.csv([*long, *short, *broken]))
    summary = import_logs([path], tmp_path / "out", max_bad=0.01)
    assert summary.reasons == {"bid not a number from 0 to 1e+15": 4}
    found = [
        dataset.test.impressions + (0 if dataset.train is None else dataset.train.impressions)
        for dataset in read_log(tmp_path / "out")
    ]
    assert found == [800, 7, 3]


@pytest.mark.parametrize("name", ["auctionnet", "hourly", "rlb"])
def test_an_imported_log_plays_as_its_file(tmp_path: Path, name: str) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    hours = [[*row, str(k // 9)] for k, row in enumerate(made_logs.clicks(60))]
    files = {
        "auctionnet": {"log.csv": made_logs.csv(made_logs.auctionnet((9, 11)))},
        "hourly": {
            "7.train.txt": made_logs.spaced(hours, "\t"),
            "7.test.txt": made_logs.spaced(hours[20:], "\t"),
            "8.test.txt.gz": made_logs.spaced(hours[10:]),
        },
        "rlb": {
            "7.test.theta.txt.gz": made_logs.spaced(made_logs.clicks(50)),
            "8.valid.theta.txt": made_logs.spaced(made_logs.clicks(40, seed=1)),
        },
    }[name]
    paths = [made_logs.write(logs / file, text) for file, text in files.items()]
    if name == "rlb":
        for campaign in "78":
            made_logs.write(logs / f"{campaign}.info.json", made_logs.info())
    import_logs(paths, tmp_path / "out")
    same(read_log(tmp_path / "out"), read_log(paths[0] if name == "auctionnet" else logs))


@pytest.mark.parametrize("name", ["rlb", "yzpc", "hourly"])
def test_two_logs_of_one_name_are_not_taken_for_one(tmp_path: Path, name: str) -> None:
    files = {
        "rlb": ("7.valid.theta.txt", "7.test.theta.txt"),
        "yzpc": ("7.one.yzpc.txt", "7.two.yzpc.txt"),
        "hourly": ("7.one.txt", "7.two.txt"),
    }[name]
    end = [] if name == "rlb" else ["3"]
    for file, count in zip(files, (40, 30), strict=True):
        rows = [[*row, *end] for row in made_logs.clicks(count)]
        made_logs.write(tmp_path / file, made_logs.spaced(rows))
    made_logs.write(tmp_path / "7.info.json", made_logs.info())
    import_logs([tmp_path / file for file in files], tmp_path / "out", form=name)
    with pytest.raises(InputError, match="both of 7; name one of them"):
        read_log(tmp_path / "out")


def test_campaigns_of_folders_with_dots_are_told_apart(tmp_path: Path) -> None:
    paths = []
    for day in ("2013.06", "2013.07"):
        (tmp_path / day).mkdir()
        for part in ("train", "test"):
            rows = [[*row, str(k // 9)] for k, row in enumerate(made_logs.clicks(40))]
            path = tmp_path / day / f"7.{part}.txt"
            paths.append(made_logs.write(path, made_logs.spaced(rows)))
    import_logs(paths, tmp_path / "out")
    datasets = read_log(tmp_path / "out")
    assert [dataset.name for dataset in datasets] == ["2013.06/7", "2013.07/7"]
    assert all(dataset.train is not None for dataset in datasets)


def test_totals_that_a_file_beside_states_are_compared(tmp_path: Path) -> None:
    rows = made_logs.clicks(50)
    clicks, cost = (sum(int(row[place]) for row in rows) for place in (0, 1))
    path = made_logs.write(tmp_path / "7.test.theta.txt", made_logs.spaced(rows))
    info = made_logs.info(imp_test=50, clk_test=clicks, cost_test=cost + 1)
    made_logs.write(tmp_path / "7.info.json", info)
    summary = import_logs([path], tmp_path / "out")
    assert summary.files[0].unlike == {"cost": (cost + 1, cost)}


def test_logs_without_values_cannot_be_played(tmp_path: Path) -> None:
    made = MADE["ipinyouimp.20130612.txt"]
    import_logs([pack(tmp_path / made.name, b"\n".join(made.lines(5)))], tmp_path / "out")
    with pytest.raises(InputError, match="ipinyou cannot be played: it has no predictions"):
        read_log(tmp_path / "out")


@needs("data/auctionnet/log_excerpt.csv.gz")
def test_the_real_excerpt_plays_as_its_file(tmp_path: Path) -> None:
    summary = import_logs([AUCTIONNET], tmp_path / "out")
    frame = pl.read_csv(AUCTIONNET)
    assert summary.kept == len(frame) == 125_952
    assert summary.totals["impressions"] == frame["isExposed"].sum()
    kept = pl.read_parquet(tmp_path / "out/rows/*.parquet")
    assert kept.cast(frame.schema).equals(frame)
    same(read_log(tmp_path / "out"), read_log(AUCTIONNET))


@needs("data/ipinyou/rlb")
@pytest.mark.parametrize(("folder", "files"), [("rlb", "*.theta.txt.gz"), ("hourly", "*.txt.gz")])
def test_real_campaigns_play_as_their_files(tmp_path: Path, folder: str, files: str) -> None:
    paths = sorted((IPINYOU / folder).glob(files))
    summary = import_logs(paths, tmp_path / "out")
    assert summary.quarantined == 0
    same(read_log(tmp_path / "out"), read_log(IPINYOU / folder))


@needs("data/ipinyou/log_2259")
def test_real_ipinyou_logs_are_whole(tmp_path: Path) -> None:
    logs = IPINYOU / "log_2259"
    lines = {path: len(path.read_bytes().splitlines()) for path in logs.glob("*.txt")}
    prepared = [logs / "train.log.txt", logs / "test.log.txt"]
    summary = import_logs(prepared, tmp_path / "prepared")
    assert summary.read == sum(lines[path] for path in prepared)
    # One bid stands in both files.
    assert summary.reasons == {"id the same id as an earlier row": 1}
    for name in ("train.yzbx.txt", "featindex.txt"):
        summary = import_logs([logs / name], tmp_path / name)
        assert summary.kept == summary.read == lines[logs / name]
    for path in IPINYOU.glob("*.tsv"):
        assert import_logs([path], tmp_path / path.stem).quarantined == 0


def test_the_description_counts_everything(tmp_path: Path) -> None:
    made = MADE["hourly7.test.txt"]
    lines = [*made.lines(30), b"1 2"]
    path = pack(tmp_path / made.name, b"\n".join(lines))
    summary = import_logs([path], tmp_path / "out", max_bad=0.1)
    told = json.loads((tmp_path / "out/import.json").read_text())
    assert (told["read"], told["kept"], told["quarantined"]) == (31, 30, 1)
    assert told["files"][0]["size"] == path.stat().st_size
    assert told["totals"] == summary.totals
    assert told["totals"]["cost"] == sum(int(row[1]) for row in made.rows(30))


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    made = MADE["ipinyou-preparedtrain.log.txt"]
    lines = made.lines(30)
    paths = []
    for number, name in enumerate(("[1458]", "2259")):
        folder = tmp_path / name
        folder.mkdir()
        part = [lines[0], *lines[1 + 15 * number : 16 + 15 * number]]
        paths.append(pack(folder / made.name, b"\n".join(part)))
    summary = import_logs(paths, tmp_path / "[out]")
    assert [file.name for file in summary.files] == ["[1458]/train.log.txt", "2259/train.log.txt"]
    assert [file.kept for file in summary.files] == [15, 15]
    with pytest.raises(InputError, match="named twice"):
        import_logs([paths[0], paths[0]], tmp_path / "twice")
