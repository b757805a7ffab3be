"""``equibid values``: train pCTR or pCVR on logs, and make a market of the predictions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class Settings:
    """What to learn, from what."""

    logs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="LOG …")]
    """Logs of make-ipinyou-data, a file or a folder each, one a campaign. Several campaigns meet
    in one market."""

    model: Literal["logistic", "trees"] = "logistic"
    """Logistic regression on hashed words, or gradient-boosted trees."""

    calibrate: Literal["isotonic", "platt", "scale", "none"] = "platt"
    """The curve that makes predictions true, fitted on the held-out part of the training time."""

    outcome: Literal["click", "conversion"] = "click"
    """What to predict; conversions stand only in logs of 29 columns."""

    test: str | None = None
    """A log to test on, or the share of the log, its last rows in time. By default the test log of
    the folder, or 0.25 where there is none."""

    held_share: float = 0.25
    """Share of the training rows, the last in time, held out to calibrate and to tune bidders."""

    strength: float = 1.0
    """How much the data count against the logistic model's penalty (scikit-learn's C)."""

    out: Path | None = None
    """Folder of the market; default runs/values-CAMPAIGN, or one beside it where that holds a
    market made with other settings."""

    force: bool = False
    """Replace the market that is in the folder."""


def values(settings: tyro.conf.OmitArgPrefixes[Settings]) -> Path:
    """Train what impressions are worth on logs, and make a market of the predictions.

    Example: equibid values logs/2259 --out runs/values-2259

    Example: equibid values logs/1458 logs/3358 --calibrate isotonic --out runs/values-both

    Example: equibid compare runs/values-2259 --bidders lin,pacing
    """
    # Scikit-learn takes a second to load, which other commands do without.
    from equibid.cli.valuing import run_values  # noqa: PLC0415

    return run_values(settings)
