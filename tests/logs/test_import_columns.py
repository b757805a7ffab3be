"""Any log through a map of its columns."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from equibid.errors import InputError
from equibid.logs import read_log
from equibid.logs.importing import import_logs, mapped_form, read_column_map

MAP = """
name = "mine"
currency = "EUR"
value_unit = "click"

[columns]
id = "auction"
tick = "hour"
value = "p click"
price = {column = "cpm", scale = 0.001}
click = "clicked"
advertiser = {constant = "me"}
"""
ROWS = [
    # auction, note, hour, cpm, p click, clicked
    ["a1", 'with, comma and "quote"', "0", "2.5", "0.01", "1"],
    ["a2", "plain", "0", "0.5", "0.02", "0"],
    ["a3", "", "1", "1e1", "0.5", "0.0"],
]
HEADER = ["auction", "note", "hour", "cpm", "p click", "clicked"]


def table() -> pl.DataFrame:
    return pl.DataFrame(ROWS, schema=HEADER, orient="row")


def imported(folder: Path, log: Path, text: str = MAP, max_bad: float = 0.0) -> pl.DataFrame:
    (folder / "map.toml").write_text(text)
    form = mapped_form(read_column_map(folder / "map.toml"))
    import_logs([log], folder / "out", form, max_bad=max_bad)
    return pl.read_parquet(folder / "out/rows/*.parquet")


def test_columns_are_found_scaled_and_filled(tmp_path: Path) -> None:
    table().write_csv(tmp_path / "log.csv")
    kept = imported(tmp_path, tmp_path / "log.csv")
    assert kept.to_dict(as_series=False) == {
        "id": ["a1", "a2", "a3"],
        "tick": [0, 0, 1],
        "advertiser": ["me"] * 3,
        "value": [0.01, 0.02, 0.5],
        "price": [2.5 * 0.001, 0.5 * 0.001, 10 * 0.001],
        "click": [1, 0, 0],
    }


def test_parquet_is_the_same(tmp_path: Path) -> None:
    numbers = {"hour": pl.Int16, "cpm": pl.Float64, "p click": pl.Float64}
    typed = table().cast(numbers).with_columns(pl.col("clicked").cast(pl.Float64).cast(pl.Boolean))
    typed.write_parquet(tmp_path / "log.parquet")
    table().write_csv(tmp_path / "log.csv", separator=";")
    (tmp_path / "other").mkdir()
    text = MAP.replace("[columns]", 'separator = ";"\n[columns]')
    assert imported(tmp_path, tmp_path / "log.parquet").equals(
        imported(tmp_path / "other", tmp_path / "log.csv", text)
    )


def test_an_id_that_is_missing_in_parquet_is_a_bad_row(tmp_path: Path) -> None:
    bare = table().with_columns(auction=pl.Series([None, "a2", None]))
    bare.write_parquet(tmp_path / "log.parquet")
    text = MAP.replace('"hour"', "{constant = 3}").replace('"clicked"', "{constant = 0}")
    kept = imported(tmp_path, tmp_path / "log.parquet", text, max_bad=1)
    assert kept["id"].to_list() == ["a2"]
    aside = pl.read_csv(tmp_path / "out/quarantine.csv")
    assert aside.select("line", "field", "reason").rows() == [
        (1, "id", "not an id"),
        (3, "id", "not an id"),
    ]


@pytest.mark.parametrize(
    ("unit", "outcomes"),
    [("click", [1, 0, 0]), ("conversion", [0, 1, 0]), ("lead", [1, 0, 0])],
)
def test_outcomes_are_what_values_foretell(tmp_path: Path, unit: str, outcomes: list[int]) -> None:
    bought = pl.Series(["0", "1", "0"])
    table().with_columns(bought=bought).write_csv(tmp_path / "log.csv")
    text = MAP.replace('"click"', f'"{unit}"') + 'conversion = "bought"\n'
    imported(tmp_path, tmp_path / "log.csv", text)
    (dataset,) = read_log(tmp_path / "out")
    assert dataset.test.outcomes is not None
    assert dataset.test.outcomes[:, 0].tolist() == [bool(x) for x in outcomes]
    assert dataset.test.labels.value_unit == unit


def test_a_mapped_log_is_a_campaign_in_its_currency(tmp_path: Path) -> None:
    table().write_csv(tmp_path / "log.csv")
    imported(tmp_path, tmp_path / "log.csv")
    (dataset,) = read_log(tmp_path / "out")
    market = dataset.test
    assert (dataset.name, market.labels.currency) == ("mine", "EUR")
    assert market.market_price is not None
    assert market.outcomes is not None
    price = np.asarray(market.market_price) / market.labels.per_currency
    np.testing.assert_allclose(price, [0.0025, 0.0005, 0.01], rtol=1e-12)
    np.testing.assert_array_equal(market.values[:, 0], [0.01, 0.02, 0.5])
    np.testing.assert_array_equal(market.outcomes[:, 0], [True, False, False])
    np.testing.assert_array_equal(market.tick_start, [0, 2, 3])


def test_every_advertiser_is_a_recording(tmp_path: Path) -> None:
    table().write_csv(tmp_path / "log.csv")
    text = MAP.replace('advertiser = {constant = "me"}', 'advertiser = "note"')
    text = text.replace('name = "mine"', "")
    log = tmp_path / "log.csv"
    log.write_text(log.read_text().replace(',"",', ",third,"))
    imported(tmp_path, log, text)
    names = [dataset.name for dataset in read_log(tmp_path / "out")]
    assert names == ['log-with, comma and "quote"', "log-plain", "log-third"]


def test_without_prices_nobody_can_bid(tmp_path: Path) -> None:
    table().write_csv(tmp_path / "log.csv")
    imported(tmp_path, tmp_path / "log.csv", '[columns]\nvalue = "p click"\n')
    with pytest.raises(InputError, match="without price"):
        read_log(tmp_path / "out")


def test_bad_rows_and_ids_twice_are_named(tmp_path: Path) -> None:
    rows = [*ROWS, ["a1", "x", "1", "2", "0.1", "0"], ["a4", "x", "1", "-2", "0.1", "0"]]
    frame = pl.DataFrame(rows, schema=HEADER, orient="row")
    frame.write_csv(tmp_path / "log.csv")
    with (tmp_path / "log.csv").open("a") as file:
        file.write('a5,"open,1,2,0.1,0\na6,"a""b",1,2,0.1,0\n')
    kept = imported(tmp_path, tmp_path / "log.csv", max_bad=1)
    assert kept["id"].to_list() == ["a1", "a2", "a3", "a6"]
    aside = pl.read_csv(tmp_path / "out/quarantine.csv", infer_schema=False)
    assert dict(aside.select("line", "field").rows()) == {"5": "id", "6": "price", "7": ""}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no table"),
        ("[columns", "not TOML"),
        ('color = "red"\n[columns]\nvalue = "p click"', "color is not known"),
        ('currency = 3\n[columns]\nvalue = "p click"', "must be text"),
        ('separator = "ab"\n[columns]\nvalue = "p click"', "one character"),
        ('[columns]\nworth = "p click"', "worth is not one of ours"),
        ("[columns]\nvalue = 3", "value must be"),
        ('[columns]\nvalue = {column = "p click", factor = 2}', "value must be"),
        ('[columns]\nvalue = {column = "p click", scale = -1}', "scale of value"),
        ('[columns]\ntick = {column = "hour", scale = 2}', "no unit"),
        ("[columns]\nvalue = {constant = 0.1}", "all columns are constants"),
        ('[columns]\nprice = "cpm"\nvalue = {constant = -1}', "constant value must be"),
        ('[columns]\nprice = "cpm"\nid = {constant = "x"}', "id differs from row to row"),
        (
            '[columns]\nvalue = "ctr"',
            "'ctr', which .* names, is missing; the log has auction, note",
        ),
        ('decimal = ";"\n[columns]\nvalue = "p click"', "decimal must be"),
        ('header = 1\n[columns]\nvalue = "p click"', "header must be true or false"),
        ('header = false\n[columns]\nvalue = "p click"', "by their numbers"),
        ('day_ticks = 0\n[columns]\nvalue = "p click"', "day_ticks must be"),
        ('time_zone = "Mars"\n[columns]\nvalue = "p click"', "no time zone 'Mars'"),
        ('[columns]\nvalue = "p click"\nhour = "a"\ntick = "b"', "both say when"),
        ('[columns]\nvalue = "p click"\ntime = "a"\nday = "b"', "both say when"),
        ('[columns]\nvalue = {column = "p click", unit = "s"}', "only time has a unit"),
        ("[columns]\nvalue = true", "value must be"),
        ("[columns]\nvalue = 0", "value must be"),
    ],
)
def test_a_wrong_map_is_refused(tmp_path: Path, text: str, said: str) -> None:
    table().write_csv(tmp_path / "log.csv")
    with pytest.raises(InputError, match=said):
        imported(tmp_path, tmp_path / "log.csv", text)


def test_a_map_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read_column_map(tmp_path / "map.toml")
    assert str(refused.value) == f"{tmp_path / 'map.toml'}: there is no such file"
