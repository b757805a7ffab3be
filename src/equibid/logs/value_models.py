"""Value models in files: numbers in JSON, weights in NPZ, nothing that is run when it is read.

A logistic model is kept whole. Trees have no such form in scikit-learn: of them the calibration is
kept here, and their predictions in the market's tables.
"""

from dataclasses import fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from equibid.errors import InputError, input_error
from equibid.files import atomic, opening, read_json, write_json
from equibid.markets.values.calibration import Calibration, Identity, Isotonic, Platt, Scale
from equibid.markets.values.features import NAMES
from equibid.markets.values.fit import Logistic
from equibid.markets.values.model import Fitted

CURVES = {"isotonic": Isotonic, "platt": Platt, "scale": Scale, "none": Identity}


def write_model(path: Path, fitted: Fitted) -> None:
    """Write a model to ``NAME.json``, and its weights beside it.

    Args:
        path: of the JSON file.
        fitted: the model.
    """
    model = fitted.model
    state: dict[str, Any] = {
        "columns": list(NAMES),
        "learned_from": fitted.held,
        "calibration": _curve_state(fitted.calibration),
    }
    with opening(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(model, Logistic):
            place = np.flatnonzero(model.weights)
            with atomic(path.with_suffix(".npz")) as file:
                np.savez(file, place=place, weight=model.weights[place])
            hashes = len(model.weights)
            state |= {"kind": "logistic", "intercept": model.intercept, "hashes": hashes}
        else:
            state |= {"kind": "trees"}
    write_json(path, state)


def read_model(path: Path) -> Fitted:
    """A logistic model from its ``NAME.json``.

    Raises:
        InputError: there is no such file, it is damaged, or it is of trees, which are not kept.
    """
    state = read_json(path)
    try:
        if state["kind"] == "trees":
            raise input_error(path, "trees are not kept; their predictions are in the market")
        if state["columns"] != list(NAMES):
            raise input_error(path, "it was trained on other columns; train it again")
        weights = np.zeros(state["hashes"])
        there = path.with_suffix(".npz")
        with opening(there), there.open("rb") as file:
            arrays = np.load(file)
            weights[arrays["place"]] = arrays["weight"]
        curve = dict(state["calibration"])
        made = CURVES[curve.pop("kind")](
            **{name: np.asarray(x) if isinstance(x, list) else x for name, x in curve.items()}
        )
        return Fitted(Logistic(weights, state["intercept"]), made, state["learned_from"])
    except InputError:
        raise
    except (KeyError, TypeError, IndexError, ValueError, BadZipFile) as error:
        raise input_error(path, "it is not a model of `equibid values`; train it again") from error


def _curve_state(curve: Calibration) -> dict[str, Any]:
    kind = next(name for name, made in CURVES.items() if isinstance(curve, made))
    numbers = {field.name: getattr(curve, field.name) for field in fields(CURVES[kind])}
    lists = {name: x.tolist() if isinstance(x, np.ndarray) else x for name, x in numbers.items()}
    return {"kind": kind} | lists
