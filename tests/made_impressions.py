"""Logs in the form of make-ipinyou-data, made up, with clicks drawn from a known model."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import expit

DAYS = 6


class Planted(NamedTuple):
    """A made-up log in order of time.

    Attributes:
        rows: the words of each line.
        chance: [K] the true chance of a click.
        clicked: [K] what was drawn.
    """

    rows: list[list[str]]
    chance: np.ndarray
    clicked: np.ndarray


def planted(
    count: int, campaign: str = "11", seed: int = 0, level: float = -3.0, shift_ms: int = 0
) -> Planted:
    """A log whose click rate hangs on the city, the domain and the hour."""
    rng = np.random.default_rng(seed)
    city, domain, hour = (rng.integers(n, size=count) for n in (20, 10, 24))
    effect = np.random.default_rng(seed + 1000)
    chance = expit(
        level + effect.normal(0, 1, 20)[city] + effect.normal(0, 1, 10)[domain] + 0.02 * hour
    )
    clicked = rng.uniform(size=count) < chance
    day = rng.integers(DAYS, size=count)
    milli = rng.integers(3_600_000, size=count)
    order = np.lexsort([milli, hour, day])
    rows = []
    for k in order:
        minute, second = divmod(int(milli[k]) // 1000, 60)
        clock = f"{hour[k]:02d}{minute:02d}{second:02d}{(int(milli[k]) + shift_ms) % 1000:03d}"
        tags = ",".join(str(10000 + tag) for tag in rng.integers(20, size=rng.integers(1, 4)))
        row = [int(clicked[k]), (day[k] + 6) % 7, f"{hour[k]:02d}", f"b{k}", f"201310{19 + day[k]}"]
        row[-1] += clock
        row += [1, f"u{k}", "windows_chrome", "1.2.3.*", 216, city[k], 1 + k % 3, f"d{domain[k]}"]
        row += ["url", "null", f"s{k % 30}", 300, 250, "Na", "Na", k % 120, f"c{campaign}", 300]
        row += [min(300, int(rng.gamma(2, 40))), "null", campaign, tags]
        rows.append([str(word) for word in row])
    return Planted(rows, chance[order], clicked[order])


def text(rows: list[list[str]], header: tuple[str, ...] = ()) -> str:
    """Lines divided by tabs."""
    lines = [header, *rows] if header else rows
    return "".join("\t".join(line) + "\n" for line in lines)


def log_folder(parent: Path, count: int, campaign: str = "11", seed: int = 0) -> Path:
    """A folder with a train.log.txt, its lines in no order of time."""
    folder = parent / campaign
    folder.mkdir(parents=True, exist_ok=True)
    rows = planted(count, campaign, seed).rows
    shuffled = np.random.default_rng(seed).permutation(len(rows))
    (folder / "train.log.txt").write_text(text([rows[k] for k in shuffled]))
    return folder
