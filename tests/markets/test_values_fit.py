"""Value models beside plain scikit-learn on the same rows, and on clicks whose chance is known."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss as their_log_loss
from sklearn.metrics import roc_auc_score

from equibid.errors import InputError
from equibid.logs.ipinyou_log import Impressions, read_impressions
from equibid.markets.values.features import NAMES, band, coded, without_own, words
from equibid.markets.values.fit import fit_logistic, fit_values, hashed
from equibid.markets.values.quality import auc, expected_calibration_error, log_loss
from made_impressions import planted, text
from shared import SHARED, needs

REAL = SHARED / "data/ipinyou/log_2259/train.log.txt"


def made(tmp_path: Path, count: int, **form: float) -> tuple[Impressions, np.ndarray]:
    rows = planted(count, **form)
    path = tmp_path / "train.log.txt"
    path.write_text(text(rows.rows))
    return read_impressions(path), rows.chance


def test_words_of_an_impression() -> None:
    columns = {name: ["x", ""] for name in NAMES} | {
        "slotprice": ["51", ""],
        "usertag": ["7,8", ""],
    }
    first, second = words(columns)
    assert {"city=x", "slotprice=3", "usertag=7", "usertag=8"} <= set(first)
    assert second == []
    assert hashed(columns).toarray().sum(axis=1).tolist() == [17, 0]
    assert coded(columns).shape == (2, 16)
    assert coded(columns)[:, -1].tolist() == [2, 0]
    assert [band(price) for price in ("0", "1", "10", "11", "100", "101", "null")] == [
        *("0", "1", "1", "2", "3", "4", "null")
    ]
    assert set(without_own(columns)["creative"]) == {""}


def test_prices_paid_and_the_future_are_not_among_the_features() -> None:
    assert not {"payprice", "bidprice", "click", "nclick", "nconversation", "timestamp"} & {*NAMES}


def beside_scikit_learn(log: Impressions, cut: int) -> None:
    """The same estimator gives the same figures; one without hashing gives nearly the same."""
    model = fit_logistic(log.part(0, cut).columns, log.happened[:cut], strength=0.1, hashes=2**14)
    test = log.part(cut, len(log.time))
    ours, y = model.predict(test.columns), test.happened
    plain = LogisticRegression(C=0.1, max_iter=2000, tol=1e-6)
    plain.fit(hashed(log.part(0, cut).columns, 2**14), log.happened[:cut])
    theirs = plain.predict_proba(hashed(test.columns, 2**14))[:, 1]
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert auc(ours, y) == pytest.approx(roc_auc_score(y, theirs), abs=1e-6)
    assert log_loss(ours, y) == pytest.approx(their_log_loss(y, theirs), abs=1e-6)
    vectors = DictVectorizer()
    rows = [dict.fromkeys(row, 1) for row in words(log.columns)]
    baseline = LogisticRegression(C=0.1, max_iter=2000, tol=1e-6)
    baseline.fit(vectors.fit_transform(rows[:cut]), log.happened[:cut])
    listed = baseline.predict_proba(vectors.transform(rows[cut:]))[:, 1]
    # Words that share a place are all that differs.
    assert log_loss(ours, y) == pytest.approx(their_log_loss(y, listed), rel=0.01)
    assert auc(ours, y) == pytest.approx(roc_auc_score(y, listed), abs=0.01)


def test_logistic_beside_scikit_learn(tmp_path: Path) -> None:
    log, _ = made(tmp_path, 600)
    beside_scikit_learn(log, 400)


@needs("data/ipinyou/log_2259")
def test_logistic_beside_scikit_learn_on_a_real_log() -> None:
    # The log has five clicks; its last fifth has two. The figures are equal, and say little.
    log = read_impressions(REAL)
    cut = len(log.time) * 4 // 5
    assert int(log.happened[cut:].sum()) == 2
    beside_scikit_learn(log, cut)


@pytest.mark.parametrize("kind", ["logistic", pytest.param("trees", marks=pytest.mark.slow)])
def test_known_chances_are_found(tmp_path: Path, kind: str) -> None:
    log, chance = made(tmp_path, 12_000)
    cut = 9000
    train, test = log.part(0, cut), log.part(cut, 12_000)
    fitted = fit_values(train.columns, train.happened, kind, "platt")  # type: ignore[arg-type]
    assert fitted.held == 6750
    predicted, y = fitted.predict(test.columns), test.happened
    best, base = log_loss(chance[cut:], y), log_loss(np.full(len(y), y.mean()), y)
    # At least 70 % of what knowing the chances would gain over the base rate.
    assert log_loss(predicted, y) < base - 0.7 * (base - best)
    assert auc(predicted, y) > auc(chance[cut:], y) - 0.03
    assert expected_calibration_error(predicted, y) < 0.025


def test_a_model_that_is_too_sure_is_calibrated(tmp_path: Path) -> None:
    log, _ = made(tmp_path, 4000, seed=3)
    train, test = log.part(0, 3000), log.part(3000, 4000)
    # Hardly a penalty: the model learns the noise of its rows by heart.
    raw = fit_values(train.columns, train.happened, "logistic", "none", 0.5, 1e4)
    for kind in ("platt", "isotonic"):
        true = fit_values(train.columns, train.happened, "logistic", kind, 0.5, 1e4)
        before, after = raw.predict(test.columns), true.predict(test.columns)
        y = test.happened
        np.testing.assert_array_equal(true.model.predict(test.columns), before)
        assert expected_calibration_error(after, y) < expected_calibration_error(before, y)
        assert log_loss(after, y) < log_loss(before, y)


def test_the_held_out_part_is_not_learned_from(tmp_path: Path) -> None:
    log, _ = made(tmp_path, 2000)
    turned = np.concatenate([log.happened[:1500], ~log.happened[1500:]])
    one = fit_values(log.columns, log.happened)
    other = fit_values(log.columns, turned)
    np.testing.assert_array_equal(one.model.predict(log.columns), other.model.predict(log.columns))
    assert one.calibration != other.calibration


@pytest.mark.parametrize(
    ("happened", "share", "message"),
    [
        ([0] * 8 + [1, 0], 0.2, "0 of the first 8 impressions"),
        ([1, 0] * 4 + [0, 0], 0.2, "0 of the 2 impressions held out"),
        ([1, 0] * 5, 0.01, "leaves a part empty"),
        ([1, 0] * 5, 1.0, "leaves a part empty"),
    ],
)
def test_too_few_outcomes_are_refused(
    tmp_path: Path, happened: list[int], share: float, message: str
) -> None:
    log, _ = made(tmp_path, 10)
    with pytest.raises(InputError, match=message):
        fit_values(log.columns, np.array(happened, bool), held_share=share)
