"""``equibid values``: the folder it leaves, and that the folder is a market."""

import json
from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from equibid.errors import InputError
from equibid.logs import READERS, read_log
from equibid.logs.ipinyou_log import read_impressions
from equibid.logs.value_models import read_model
from equibid.markets.market import Campaigns, Market, validate
from equibid.markets.values.joint import draw_unknown
from equibid.markets.values.quality import quality
from made_impressions import log_folder, planted, text
from shared import SHARED, needs

Command = Callable[..., int]
Captured = pytest.CaptureFixture[str]
REAL = SHARED / "data/ipinyou/log_2259"


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "150")


def test_a_campaign_becomes_a_market(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    log = read_impressions(log_folder(tmp_path, 4000) / "train.log.txt")
    assert equibid("values", "11", "--test", 0.25) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "calibrated" in out
    folder = tmp_path / "runs" / "values-11"
    assert {path.name for path in folder.iterdir()} == {
        *("market.json", "predictions.parquet", "tuning.parquet", "models", "quality.json"),
    }
    test, tuning = (pl.read_parquet(folder / f"{x}.parquet") for x in ("predictions", "tuning"))
    assert test.columns == ["time", "campaign", "price", "click", "raw", "calibrated"]
    assert (test.height, tuning.height) == (1000, 750)
    assert test["price"].to_list() == log.price[3000:].tolist()
    assert test["click"].to_list() == log.happened[3000:].tolist()
    assert tuning["time"][-1] < test["time"][0]

    model = read_model(folder / "models" / "11.json")
    assert model.held == 2250
    raw = model.model.predict(log.part(3000, 4000).columns)
    np.testing.assert_allclose(raw, test["raw"].to_numpy(), rtol=1e-12)
    curve = model.calibration.apply(test["raw"].to_numpy())
    np.testing.assert_allclose(curve, test["calibrated"].to_numpy(), rtol=1e-12)
    figures = json.loads((folder / "quality.json").read_text())["11"]
    for kind in ("raw", "calibrated"):
        own = quality(test[kind].to_numpy(), test["click"].to_numpy())._asdict()
        said = figures[f"test_{kind}"]
        assert {name: said[name] for name in own} == pytest.approx(own)
        assert sum(said["reliability"]["impressions"]) == 1000

    (dataset,) = read_log(folder)
    assert dataset.train is not None
    assert dataset.history is not None
    for market, table in ((dataset.test, test), (dataset.train, tuning)):
        validate(market)
        assert market.values[:, 0].tolist() == table["calibrated"].to_list()
        assert market.market_price.tolist() == table["price"].to_list()  # type: ignore
        assert market.outcomes[:, 0].tolist() == table["click"].to_list()  # type: ignore
        hours = table["time"].dt.truncate("1h").n_unique()
        assert market.ticks == hours
    # Totals are of the whole training part.
    assert dataset.history.impressions == 3000
    assert dataset.history.cost == log.price[:3000].sum()
    assert dataset.history.value.tolist() == [log.happened[:3000].sum()]
    budget = int(log.price[:3000].sum() / 3000 / 8 * 1000)
    assert dataset.test.campaigns.budget.tolist() == [budget]

    assert equibid("compare", "runs/values-11", "--bidders", "lin,pacing") == 0
    out = capsys.readouterr().out
    assert "lin" in out
    # The run does not mix with the market.
    assert (tmp_path / "runs/compare-values-11/report.html").exists()
    assert not (folder / "config.json").exists()


def test_campaigns_meet_in_one_market(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    for campaign, seed in (("11", 0), ("12", 5)):
        log_folder(tmp_path, 2000, campaign, seed)
    assert equibid("values", "11", "12", "--out", "both") == 0
    test = pl.read_parquet(tmp_path / "both/predictions.parquet")
    assert test.height == 1000
    assert test["campaign"].value_counts(sort=True)["count"].to_list() == [500, 500]
    assert test["time"].is_sorted()
    logs = [read_impressions(tmp_path / name / "train.log.txt") for name in ("11", "12")]

    (dataset,) = read_log(tmp_path / "both")
    market, known = dataset.test, dataset.known
    assert known is not None
    assert dataset.train is not None
    assert dataset.train.outcomes is None
    validate(market)
    assert market.labels.advertisers == ("11", "12")
    for n, name in enumerate(("11", "12")):
        # Each model has a price for every impression; seen are the outcomes of its own.
        assert market.values[:, n].tolist() == test[f"calibrated_{name}"].to_list()
        assert known[:, n].tolist() == (test["campaign"] == name).to_list()
    clicks = np.asarray(market.outcomes)
    assert clicks[~known].sum() == 0
    assert clicks[known].tolist() == test["click"].to_list()
    # A budget for every impression of the test part, divided as the campaigns paid in training.
    paid = np.array([log.price[:1500].sum() for log in logs])
    budget = int(paid.sum() / 3000 / 8 * 1000)
    assert market.campaigns.budget.tolist() == np.floor(budget * paid / paid.sum()).tolist()
    clicked = np.array([log.happened[:1500].sum() for log in logs])
    np.testing.assert_allclose(market.campaigns.target_cpa, paid / clicked)

    one, same, other = (np.asarray(draw_unknown(market, known, s).outcomes) for s in (0, 0, 1))
    assert (one == same).all()
    assert (one != other).any()
    assert (one[known] == clicks[known]).all()

    assert equibid("compare", "both", "--bidders", "lin,pacing", "--seeds", 2) == 0
    rows = pl.read_parquet(tmp_path / "runs/compare-both/delivery.parquet")
    assert rows["advertiser"].n_unique() == 2
    per_seed = rows.group_by("replicate").agg(pl.col("conversions").sum())["conversions"]
    assert per_seed.n_unique() == 2
    capsys.readouterr()


def test_drawn_outcomes_follow_the_values() -> None:
    market, known = _uniform_market(200_000)
    drawn = np.asarray(draw_unknown(market, known, 3).outcomes)[:, 1]
    values = np.asarray(market.values)[:, 1]
    for low in np.arange(0, 1, 0.25):
        inside = (values >= low) & (values < low + 0.25)
        error = (values[inside] * (1 - values[inside])).sum() ** 0.5
        assert abs(drawn[inside].sum() - values[inside].sum()) < 4 * error


def _uniform_market(count: int) -> tuple[Market, np.ndarray]:
    values = np.random.default_rng(0).uniform(size=(count, 2))
    nothing = jnp.zeros(2)
    market = Market(
        values=jnp.asarray(values),
        tick_start=jnp.asarray([0, count]),
        campaigns=Campaigns(nothing, nothing, jnp.zeros(2, jnp.int32)),
        outcomes=jnp.zeros((count, 2), bool),
    )
    return market, np.tile([True, False], (count, 1))


def test_trees_keep_their_predictions(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    log_folder(tmp_path, 1500)
    assert equibid("values", "11", "--model", "trees", "--calibrate", "isotonic") == 0
    folder = tmp_path / "runs/values-11"
    assert sorted(x.name for x in (folder / "models").iterdir()) == ["11.json"]
    with pytest.raises(InputError, match="trees are not kept; their predictions"):
        read_model(folder / "models/11.json")
    (dataset,) = read_log(folder)
    assert dataset.test.impressions == 375
    capsys.readouterr()


def test_conversions_are_predicted_where_they_are_logged(
    equibid: Command, capsys: Captured, tmp_path: Path
) -> None:
    rows = planted(800).rows
    (tmp_path / "log.txt").write_text(text([[*row, "0", row[0]] for row in rows]))
    assert equibid("values", "log.txt", "--outcome", "conversion", "--out", "cvr") == 0
    assert "conversions" in capsys.readouterr().out
    (dataset,) = read_log(tmp_path / "cvr")
    assert dataset.test.labels.value_unit == "conversion"


def test_a_second_command_with_other_settings_is_refused(
    equibid: Command, capsys: Captured, tmp_path: Path
) -> None:
    log_folder(tmp_path, 400)
    for _ in range(2):
        assert equibid("values", "11") == 0
    capsys.readouterr()
    assert equibid("values", "11", "--calibrate", "scale", "--out", "runs/values-11") == 2
    assert "(calibrate: platt there, scale asked)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none",), "none: there is no such file or folder"),
        (("11", "--test", "1.5"), "--test 1.5: a share lies between 0 and 1"),
        (("11", "--test", "none.txt"), "--test none.txt: there is no such log"),
        (("11", "--test", "12/train.log.txt"), "it is of campaign 12, and"),
        (("11", "12", "--test", "12/train.log.txt"), "--test names one log for several"),
        (("11", "11"), "two of the logs are of campaign 11"),
        (("11", "--outcome", "conversion"), "column 'nconversation' is missing"),
        (("11", "--strength", "0"), "--strength 0: name a number above 0"),
        (("11", "--held-share", "0"), "--held-share 0: name a number above 0"),
    ],
)
def test_bad_commands_end_with_a_sentence(
    equibid: Command,
    capsys: Captured,
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    for campaign in ("11", "12"):
        log_folder(tmp_path, 200, campaign)
    assert equibid("values", *arguments) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_true_values_are_not_calibrated(equibid: Command, capsys: Captured) -> None:
    assert equibid("compare", "demo", "--calibrate", "platt") == 2
    assert "--calibrate is for logs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("11.npz", lambda data: b"", "11.npz: the archive is damaged"),
        ("11.npz", lambda data: b"no archive", "11.json: it is not a model of"),
        ("11.npz", lambda data: data[: len(data) // 2], "11.json: it is not a model of"),
        ("11.npz", None, "11.npz: there is no such file"),
        ("11.json", lambda data: b"{", "11.json: it is not JSON"),
        ("11.json", lambda data: b"\xff", "11.json: it is no text in UTF-8"),
        ("11.json", lambda data: data.replace(b"city", b"town"), "trained on other columns"),
        ("11.json", None, "11.json: there is no such file"),
    ],
)
def test_damaged_models_are_refused(
    equibid: Command,
    capsys: Captured,
    tmp_path: Path,
    file: str,
    change: Callable[[bytes], bytes] | None,
    message: str,
) -> None:
    log_folder(tmp_path, 400)
    assert equibid("values", "11", "--out", "m") == 0
    capsys.readouterr()
    path = tmp_path / "m/models" / file
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match=message):
        read_model(tmp_path / "m/models/11.json")


def test_damaged_markets_are_refused(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    log_folder(tmp_path, 400)
    assert equibid("values", "11", "--out", "m") == 0
    capsys.readouterr()
    folder = tmp_path / "m"
    assert [name for name in READERS if READERS[name].recognises(folder)] == ["values"]
    path, said = folder / "predictions.parquet", folder / "market.json"
    table, market = pl.read_parquet(path), said.read_text()
    for broken, message in (
        (table.drop("calibrated"), "columns calibrated are missing"),
        (table.head(0), "it holds no rows"),
        (table.with_columns(calibrated=pl.lit(1.5)), r"calibrated 1\.5 of row 0 is not a number"),
        (table.with_columns(price=pl.lit(None, pl.Float64)), "price None of row 0 is not"),
        (table.with_columns(campaign=pl.lit("12")), "campaign '12' of row 0 is not one of"),
        (table.reverse(), "of row 1 is not a time in order"),
        (table.with_columns(click=pl.lit("x")), "a column has another type"),
    ):
        broken.write_parquet(path)
        with pytest.raises(InputError, match=message):
            read_log(folder)
    path.write_bytes(b"PAR1 not so")
    with pytest.raises(InputError, match=r"predictions\.parquet: it is not a Parquet table"):
        read_log(folder)
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        read_log(folder)
    for words in (market[:-20], market.replace('"cost"', '"price"'), market.replace("301", "x")):
        if words != market:
            said.write_text(words)
            with pytest.raises(InputError, match=r"does not describe a market|is not JSON|no text"):
                read_log(folder)


@needs("data/ipinyou/log_2259")
def test_the_real_log_end_to_end(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    assert equibid("values", REAL) == 0
    out = capsys.readouterr().out
    # None of the sample's 4,171 test impressions was clicked, and the command says so.
    assert "0 clicks to test on" in out
    assert "the test log starts before the training log ends" in out
    figures = json.loads((tmp_path / "runs/values-2259/quality.json").read_text())["2259"]
    assert figures["test_raw"]["auc"] is None
    assert equibid("compare", "runs/values-2259", "--bidders", "lin,pacing") == 0
    assert "expected value" in capsys.readouterr().out


@needs("data/ipinyou/log_2259")
def test_calibration_on_the_real_log(equibid: Command, capsys: Captured, tmp_path: Path) -> None:
    # Train on its first four fifths (three clicks), test on the last (two): the mean comes nearer.
    path = REAL / "train.log.txt"
    assert equibid("values", path, "--test", 0.2, "--calibrate", "isotonic") == 0
    capsys.readouterr()
    figures = json.loads((tmp_path / "runs/values-2259/quality.json").read_text())["2259"]
    raw, true = figures["test_raw"], figures["test_calibrated"]
    assert true["calibration_error"] < raw["calibration_error"]
