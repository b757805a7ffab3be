"""However a log is packed and written, its rows are the same."""

import bz2
import gzip
import io
import json
import lzma
import zipfile
from pathlib import Path

import polars as pl
import pytest

from equibid.errors import InputError
from equibid.logs import read_log
from equibid.logs.importing import Summary, import_logs, mapped_form, read_column_map
from equibid.logs.importing.suggest import suggested_map

MAP = (
    '[columns]\nid = "id"\nprice = {column = "price", scale = 0.001}\nvalue = "p"\nclick = "clk"\n'
)
ROWS = [("a1", 1.5, 0.003, 0), ("a2", 0.25, 0.001, 1), ("a3", 0.0, 1.0, 0)]
CSV = "id,price,p,clk\n" + "".join(",".join(map(str, row)) + "\n" for row in ROWS)
WANTED = {
    "id": ["a1", "a2", "a3"],
    "value": [0.003, 0.001, 1.0],
    "price": [1.5 * 0.001, 0.25 * 0.001, 0.0],
    "click": [0, 1, 0],
}


def zipped(*members: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, member in enumerate(members):
            archive.writestr(f"{number}.csv", member)
    return data.getvalue()


def imported(
    folder: Path, name: str, data: bytes | str, text: str = MAP, max_bad: float = 0.0
) -> Summary:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    (folder / "map.toml").write_text(text)
    form = mapped_form(read_column_map(folder / "map.toml"))
    return import_logs([path], folder / "out", form, max_bad=max_bad)


def rows(summary: Summary) -> dict[str, list]:
    return pl.read_parquet(summary.folder / "rows/*.parquet").to_dict(as_series=False)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("log.csv", CSV.encode()),
        ("log.csv.gz", gzip.compress(CSV.encode())),
        ("log.csv.bz2", bz2.compress(CSV.encode())),
        ("log.csv.xz", lzma.compress(CSV.encode())),
        ("log.zip", zipped(CSV.encode())),
        # Packed, whatever the name says.
        ("log.csv.download", gzip.compress(CSV.encode())),
    ],
)
def test_packed_logs_are_read(tmp_path: Path, name: str, data: bytes) -> None:
    assert rows(imported(tmp_path, name, data)) == WANTED


def test_a_table_is_one_whatever_its_name(tmp_path: Path) -> None:
    data = io.BytesIO()
    pl.read_csv(CSV.encode()).write_parquet(data)
    assert rows(imported(tmp_path, "log.dat", data.getvalue())) == WANTED


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("log.zst", b"\x28\xb5\x2f\xfd" + bytes(20), "a .zst file is not read; unpack it first"),
        ("log.zip", zipped(b"a", b"b"), "it holds 2 files; unpack it first"),
        ("log.zip", zipped(), "it holds 0 files|damaged"),
    ],
)
def test_what_cannot_be_unpacked_is_said_in_a_sentence(
    tmp_path: Path, name: str, data: bytes, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        imported(tmp_path, name, data)


@pytest.mark.parametrize("pack", [lzma.compress, zipped])
def test_a_cut_archive_keeps_its_lines_or_is_refused(tmp_path: Path, pack) -> None:
    lines = "".join(f"{k},1,{k % 97 / 97},0\n" for k in range(5000))
    whole = pack(f"id,price,p,clk\n{lines}".encode())
    with pytest.raises(InputError, match=r"damaged|cut short"):
        imported(tmp_path, "log.xz" if pack is lzma.compress else "log.zip", whole[:-9000])


def test_json_lines_are_rows(tmp_path: Path) -> None:
    lines = [json.dumps(dict(zip(("id", "price", "p", "clk"), row, strict=True))) for row in ROWS]
    assert rows(imported(tmp_path, "log.ndjson", "\n".join(lines))) == WANTED


def test_keys_may_lie_within_others_and_be_flags(tmp_path: Path) -> None:
    text = MAP.replace('"price"', '"win.price"').replace('"p"', '"model.p"')
    lines = [
        json.dumps({"id": id_, "win": {"price": price}, "model": {"p": p}, "clk": click == 1})
        for id_, price, p, click in ROWS
    ]
    assert rows(imported(tmp_path, "log.jsonl", "\n\n".join(lines), text)) == WANTED


def test_bad_json_lines_are_named(tmp_path: Path) -> None:
    good = json.dumps({"id": "a", "price": 1, "p": 0.5, "clk": 0})
    bad = ["{", "[1]", "[" * 5000, '{"id": "b", "price": -1, "p": 0.5, "clk": 0}', '{"id": "c"}']
    data = "\n".join([good, "", *bad]) + "\n"
    summary = imported(tmp_path, "log.jsonl", data, max_bad=1)
    assert (summary.read, summary.kept, summary.files[0].blank) == (6, 1, 1)
    aside = pl.read_csv(summary.folder / "quarantine.csv", infer_schema=False)
    assert aside.select("line", "field", "value").rows() == [
        *((str(line), "", "") for line in (3, 4, 5)),
        ("6", "price", "-1"),
        ("7", "value", ""),
    ]


def test_a_file_without_a_header_has_numbered_columns(tmp_path: Path) -> None:
    bare = CSV.partition("\n")[2]
    numbered = MAP
    for number, name in enumerate(("id", "price", "p", "clk"), start=1):
        numbered = numbered.replace(f'"{name}"', str(number))
    text = f"header = false\n{numbered}"
    assert rows(imported(tmp_path, "log.csv", bare, text)) == WANTED
    for index, wrong in enumerate(
        (MAP, numbered.replace(" 1\n", ' "a1"\n'), MAP.replace('"id"', '"a1"'))
    ):
        (tmp_path / str(index)).mkdir()
        with pytest.raises(InputError, match=r"line 1: .*header = false|numbers are for header"):
            imported(tmp_path / str(index), "log.csv", bare, wrong)
    with pytest.raises(InputError, match=r"column '9', which .* is missing"):
        imported(tmp_path / "0", "log.csv", bare, text.replace("= 3", "= 9"))


def test_numbers_are_read_as_people_write_them(tmp_path: Path) -> None:
    data = 'id;price;p;clk\na1;"1,5";0,3 %;no\na2;0,25;0,1%;TRUE\na3;0;1;f\n'
    text = f'separator = ";"\ndecimal = ","\n{MAP}'
    read = rows(imported(tmp_path, "log.csv", data, text))
    assert read["price"] == WANTED["price"]
    assert read["value"] == pytest.approx(WANTED["value"], rel=1e-12)
    assert read["click"] == WANTED["click"]


def test_lost_auctions_have_no_price_and_stay(tmp_path: Path) -> None:
    data = CSV + "a4,,0.5,\na5,NULL,0.25,0\n"
    summary = imported(tmp_path, "log.csv", data)
    assert rows(summary)["price"] == [*WANTED["price"], None, None]
    assert "2 rows have no price" in summary.notes[0]
    assert "1 rows have no click" in summary.notes[1]
    (dataset,) = read_log(summary.folder)
    assert dataset.test.values[:, 0].tolist() == WANTED["value"]


def test_a_column_may_serve_two_meanings(tmp_path: Path) -> None:
    text = MAP + 'cost = "price"\nbid = {column = "price", scale = 2.0}\n'
    read = rows(imported(tmp_path, "log.csv", CSV, text))
    assert read["price"] == WANTED["price"]
    assert read["cost"] == [1.5, 0.25, 0.0]
    assert read["bid"] == [3.0, 0.5, 0.0]


def test_a_bad_copy_is_named_with_its_word(tmp_path: Path) -> None:
    text = MAP.replace('click = "clk"', 'click = "p"')
    summary = imported(tmp_path, "log.csv", CSV, text, max_bad=1)
    aside = pl.read_csv(summary.folder / "quarantine.csv", infer_schema=False)
    assert aside.select("line", "field", "value").rows() == [
        ("2", "click", "0.003"),
        ("3", "click", "0.001"),
    ]


def test_a_suggested_map_knows_a_decimal_comma(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("id;price;pctr;click\nx;1,5;0,25;0\ny;2;0,5;1\n")
    read = rows(imported(tmp_path, "log.csv", path.read_bytes(), suggested_map(path)))
    assert read["price"] == [1.5, 2.0] and read["value"] == [0.25, 0.5]


@pytest.mark.parametrize("name", ["log.csv", "log.jsonl"])
def test_a_suggested_map_imports_the_log(tmp_path: Path, name: str) -> None:
    frame = pl.DataFrame(
        {"Auction ID": ["x", "y"], "market_price": [1.0, 2.0], "pCTR": [0.1, 0.2], "clk": [0, 1]}
    )
    path = tmp_path / name
    frame.write_csv(path, separator=";") if name == "log.csv" else frame.write_ndjson(path)
    text = suggested_map(path)
    read = rows(imported(tmp_path, name, path.read_bytes(), text))
    assert read == {
        "id": ["x", "y"],
        "value": [0.1, 0.2],
        "price": [1.0, 2.0],
        "click": [0, 1],
    }
