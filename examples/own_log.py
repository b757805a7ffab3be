"""A log of one's own: made here, imported by a map of its columns, and played.

Run: python examples/own_log.py
"""

from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import numpy as np
from rich import print

import equibid

DAYS, A_DAY = 8, 600
# Our columns on the left, those of the log on the right.
MAP = """
name = "my-exchange"
currency = "EUR"
value_unit = "click"

[columns]
time = {column = "seconds", unit = "s"}
value = "predicted"
price = {column = "cpm", scale = 0.001}
click = "clicked"
"""


def write_log(path: Path) -> None:
    """Write a CSV of impressions: when, the predicted click rate, the price to beat, the click."""
    rng = np.random.default_rng(0)
    rows = DAYS * A_DAY
    seconds = np.linspace(0, DAYS * 86_400, rows, endpoint=False).astype(int)
    predicted = rng.beta(2, 20, rows)
    # Dearer where clicks are likely, as others see that too.
    cpm = 800 * (predicted / 0.1) ** 0.5 * rng.lognormal(0, 0.5, rows)
    clicked = rng.random(rows) < predicted
    table = zip(seconds, predicted, cpm, clicked, strict=True)
    lines = [f"{second},{rate:.5f},{price:.1f},{click:d}" for second, rate, price, click in table]
    path.write_text("\n".join(["seconds,predicted,cpm,clicked", *lines, ""]), encoding="utf-8")


folder = Path(mkdtemp())
write_log(folder / "mine.csv")
(folder / "mine.toml").write_text(MAP, encoding="utf-8")

log = equibid.import_log(folder / "mine.csv", folder / "log", columns=folder / "mine.toml")
print(log.files)

# Bidders are tuned on the first two days; each other day is a replicate. Clicks are counted.
made = equibid.compare(log.folder, ["mcpc", "lin", "pacing"], out=folder / "run")
print(made.ranking.select("bidder", "score", "conversions", "spend", "budget_use"))
rmtree(folder)
