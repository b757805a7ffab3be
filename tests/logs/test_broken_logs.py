"""Whatever is wrong with a log, reading it ends in one sentence that names the place."""

import string
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_logs import HEADER, auctionnet, clicks, csv, info, spaced, write

from equibid.errors import InputError
from equibid.logs import read_log

ROWS = 12
COLUMNS = ("click", "price", "pctr", "hour_index")
BAD = {
    "click": ["2", "0.5", "-1", "nan"],
    "price": ["-3", "1.5", "inf", "nan", "1e20"],
    "pctr": ["-0.1", "1.5", "nan", "inf"],
    "hour_index": ["-1", "2.5", "nan"],
    "budget": ["0", "-5", "inf"],
    "timeStepIndex": ["-1", "0.5"],
    "pValue": ["1.5", "-1e-9", "nan"],
    "bid": ["-0.01", "inf"],
    "cost": ["-1", "nan"],
    "isExposed": ["2", "0.5"],
    "conversionAction": ["-1", "3"],
}
WORDS = ["", "x", "1_0", "0x1", "1 ", "--1", "null", "None", '"1"', "1;2", "é", "١"]

Make = Callable[[Path], tuple[Path, list[list[str]], tuple[str, ...], int, str]]


def make_rlb(folder: Path) -> tuple[Path, list[list[str]], tuple[str, ...], int, str]:
    write(folder / "7.info.json", info())
    return folder / "7.test.theta.txt", clicks(ROWS), COLUMNS[:3], 0, " "


def make_hourly(folder: Path) -> tuple[Path, list[list[str]], tuple[str, ...], int, str]:
    rows = [[*row, str(k // 3)] for k, row in enumerate(clicks(ROWS))]
    return folder / "7.test.txt", rows, COLUMNS, 0, "\t"


def make_auctionnet(folder: Path) -> tuple[Path, list[list[str]], tuple[str, ...], int, str]:
    return folder / "log.csv", auctionnet(), tuple(HEADER.split(",")), 1, ","


MAKERS: dict[str, Make] = {
    "rlb": make_rlb,
    "hourly": make_hourly,
    "auctionnet": make_auctionnet,
}


def text(rows: list[list[str]], header: int, separator: str) -> str:
    return csv(rows) if header else spaced(rows, separator)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("broken")


def refusal(name: str, path: Path) -> str:
    """The one sentence that reading ends in."""
    with pytest.raises(InputError) as caught:
        read_log(path, name)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", MAKERS)
@given(data=st.data())
def test_a_bad_line_is_named(name: str, folder: Path, data: st.DataObject) -> None:
    path, rows, columns, header, separator = MAKERS[name](folder)
    at = data.draw(st.integers(0, len(rows) - 1), label="row")
    column = data.draw(st.integers(0, len(columns) - 1), label="column")
    kind = data.draw(st.sampled_from(["drop", "repeat", "word", "bad", "trail"]))
    row = rows[at]
    if kind == "drop":
        del row[column]
    elif kind == "repeat":
        row.insert(column, row[column])
    elif kind == "word":
        row[column] = data.draw(st.sampled_from(WORDS))
    elif kind == "bad":
        named = data.draw(st.sampled_from([c for c in columns if c in BAD]), label="named")
        row[columns.index(named)] = data.draw(st.sampled_from(BAD[named]))
    else:
        row.append("")
    packed = data.draw(st.booleans(), label="packed")
    path = path.with_name(f"{path.name}.gz") if packed else path
    write(path, text(rows, header, separator))
    assert refusal(name, path).startswith(f"{path}, line {at + 1 + header}: ")
    path.unlink()


@pytest.mark.parametrize("name", MAKERS)
@given(data=st.data())
def test_a_changed_byte_never_costs_a_row(name: str, folder: Path, data: st.DataObject) -> None:
    path, rows, _, header, separator = MAKERS[name](folder)
    whole = write(path, text(rows, header, separator)).read_bytes()
    before = read_log(path, name)
    count = sum(r.test.impressions + (r.train.impressions if r.train else 0) for r in before)
    at = data.draw(st.integers(0, len(whole) - 2), label="position")
    byte = data.draw(st.sampled_from(f"{string.digits} \t\r\n,.-exn\x00\"'").map(str.encode))
    path.write_bytes(whole[:at] + byte + whole[at + 1 :])
    try:
        after = read_log(path, name)
    except InputError as error:
        assert str(error).startswith(str(path))
    else:
        # A number that names an impression may part it into two of fewer advertisers.
        found = sum(r.test.impressions + (r.train.impressions if r.train else 0) for r in after)
        assert found == count or (name == "auctionnet" and found > count)
    path.unlink()


@pytest.mark.parametrize("name", MAKERS)
@given(data=st.data())
def test_a_cut_archive_is_refused(name: str, folder: Path, data: st.DataObject) -> None:
    path, rows, _, header, separator = MAKERS[name](folder)
    path = write(path.with_name(f"{path.name}.gz"), text(rows, header, separator))
    whole = path.read_bytes()
    kept = data.draw(st.integers(0, len(whole) - 1))
    path.write_bytes(whole[:kept])
    assert refusal(name, path).startswith((f"{path}: ", f"{path}, line 1: "))
    path.unlink()


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("content", ["", "\n", "\r\n\r\n"])
def test_an_empty_file_is_refused(name: str, tmp_path: Path, content: str) -> None:
    path, *_ = MAKERS[name](tmp_path)
    assert str(path) in refusal(name, write(path, content))


@pytest.mark.parametrize("name", MAKERS)
def test_a_missing_file_and_a_false_archive_are_refused(name: str, tmp_path: Path) -> None:
    path, rows, _, header, separator = MAKERS[name](tmp_path)
    assert refusal(name, path) == f"{path}: there is no such file or folder"
    packed = path.with_name(f"{path.name}.gz")
    packed.write_text(text(rows, header, separator))
    assert "damaged" in refusal(name, packed)


@given(at=st.integers(0, 14))
def test_two_rows_of_an_advertiser_for_one_impression_are_named(folder: Path, at: int) -> None:
    rows = auctionnet()
    rows.insert(at, rows[at])
    path = write(folder / "rows.csv", csv(rows))
    message = refusal("auctionnet", path)
    assert message.startswith(f"{path}, line {at + 3}: ")
    assert "has two of" in message


@pytest.mark.parametrize(
    ("column", "row", "what"),
    [
        ("budget", 7, "the advertiser's first row"),
        ("CPAConstraint", 7, "the advertiser's first row"),
        ("advertiserCategoryIndex", 8, "the advertiser's first row"),
        ("leastWinningCost", 7, "the impression's first row"),
    ],
)
def test_what_must_not_change_is_watched(tmp_path: Path, column: str, row: int, what: str) -> None:
    rows = auctionnet()
    rows[row][HEADER.split(",").index(column)] = "7.0"
    path = write(tmp_path / "log.csv", csv(rows))
    message = refusal("auctionnet", path)
    assert message.startswith(f"{path}, line {row + 2}: {column} 7 ")
    assert what in message


@pytest.mark.parametrize(
    ("header", "what"),
    [
        (HEADER.replace("isEnd", "isOver"), "'isEnd' is missing"),
        (HEADER.replace(",isEnd", ""), "'isEnd' is missing"),
        (HEADER.replace("isEnd", "xi"), "'xi' is there twice"),
    ],
)
def test_a_header_with_other_names_is_refused(tmp_path: Path, header: str, what: str) -> None:
    path = write(tmp_path / "log.csv", csv(auctionnet(), header))
    message = refusal("auctionnet", path)
    assert message.startswith(f"{path}, line 1: ")
    assert what in message


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("\x00", "not JSON"),
        ("[1]", "not a JSON object"),
        (info(imp_train=None), "imp_train is missing"),
        (info(cost_train=None), "cost_train is missing"),
        (info(clk_train=None), "clk_train is missing"),
        (info(price_counter_train=None), "price_counter_train is missing"),
        (info(clk_train="many"), "clk_train must be a whole number"),
        (info(clk_train=-1), "clk_train must be a whole number"),
        (info(clk_train=True), "clk_train must be a whole number"),
        (info(price_counter_train=[1] * 300), "must list 301 counts"),
        (info(price_counter_train="301"), "must list 301 counts"),
        (info(price_counter_train=[1.5] * 301), "whole numbers from 0 on"),
        (info(price_counter_train=[2] * 301), "sums to 602, but imp_train is 301"),
        (info(price_counter_train=[2, 0] + [1] * 299), "cost of 45149, but cost_train is 45150"),
        (info(imp_train=0, cost_train=0, price_counter_train=[0] * 301), "imp_train must be above"),
    ],
)
def test_a_bad_info_file_is_refused(tmp_path: Path, content: str, what: str) -> None:
    path = write(tmp_path / "7.info.json", content)
    write(tmp_path / "7.test.theta.txt", spaced(clicks(3)))
    message = refusal("rlb", path)
    assert message.startswith(f"{path}: ")
    assert what in message


def test_every_good_file_is_read(folder: Path) -> None:
    # Without this the refusals above would prove nothing.
    for name, make in MAKERS.items():
        path, rows, _, header, separator = make(folder)
        datasets = read_log(write(path, text(rows, header, separator)), name)
        assert len(datasets) == 1
        path.unlink()
