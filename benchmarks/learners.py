"""All learners and the classic bidders on one market: the tables of docs/benchmarks.md.

    python benchmarks/learners.py bpg-100 [days]

Trains every algorithm with its defaults and three seeds (a run that is there already is taken),
then compares: all in one market (mixed), once with what each seed learned; each in a market of its
own (uniform, with exploitability) and two by two (pairs), with the seeds that were judged best. On
auctionnet, where target costs bind, all learn AuctionNet's score; elsewhere one more starts from
``pacing-ratio``. Every step is the command a user would give; its words are printed before it.
Prints the mixed table: means over the training seeds, with the lowest and the highest.
"""

import subprocess
import sys
import time
from pathlib import Path

import polars as pl

ALGORITHMS = (
    *("attention-critic", "dcmab", "maab", "uscb", "drlb", "maddpg", "mappo", "iddpg", "ippo"),
)
CLASSIC = (
    *("lin", "fixed", "pacing", "pacing-multiplicative", "pacing-ratio", "online-lp", "hindsight"),
)
OPPONENTS = ("fixed", "pacing", "pacing-ratio")
SEEDS = range(3)
# Where targets bind: what algorithms are asked to learn, and those that have a preset for it.
SCORED = ("--set", "reward=cpa-score:dense=1", "--eval-metric", "seated-score")
PRESETS = {"attention-critic": "attention-critic-cpa", "uscb": "uscb-cpa"}
COLUMNS = ("score", "cpa_score", "value", "budget_use", "cpa_violation", "cpa")


def command(*words: str) -> float:
    """Run ``equibid …``; gives the seconds it took."""
    print("$ equibid", *words, flush=True)
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "equibid", *words], check=True)
    return time.perf_counter() - started


def trained(market: str) -> list[str]:
    """The folders of what was learnt, trained where they are not there."""
    runs, aim, names = Path("runs"), (), [*ALGORITHMS, "mappo-paced"]
    if market == "auctionnet":
        aim, names = SCORED, [PRESETS.get(name, name) for name in ALGORITHMS]
    folders, took = [], {}
    for name in names:
        folder = runs / f"train-{market}-{name}"
        folders.append(str(folder))
        if not (folder / "policy.eqx").exists():
            own = aim[2:] if name in PRESETS.values() else aim
            seeds = ("--seeds", str(len(SEEDS)), "--out", str(folder))
            took[name] = command("train", market, "--algorithm", name, *own, *seeds)
    for name, seconds in took.items():
        print(f"{name:20} {seconds:6.0f} s")
    return folders


def mixed_table(folders: list[Path]) -> pl.DataFrame:
    """Of comparisons of one training seed each: means, the lowest and the highest."""
    tables = [pl.read_parquet(folder / "ranking.parquet") for folder in folders]
    every = pl.concat(
        table.with_columns(pl.col("bidder").str.replace(r":seed=\d+$", "")) for table in tables
    )
    known = [name for name in COLUMNS if name in every.columns]
    return (
        every.group_by("bidder")
        .agg(
            pl.col(known).mean(),
            pl.col("score").min().alias("lowest"),
            pl.col("score").max().alias("highest"),
        )
        .sort("score", descending=True)
    )


def main(market: str, days: str = "10") -> None:
    """Train, then compare in three seatings."""
    learned = trained(market)
    mixed = []
    for seed in SEEDS:
        out = f"runs/learners-{market}-mixed-{seed}"
        bidders = ",".join([*(f"{folder}:seed={seed}" for folder in learned), *CLASSIC])
        command("compare", market, "--bidders", bidders, "--seeds", days, "--out", out)
        mixed.append(Path(out))
    for seating, bidders, more in (
        ("uniform", [*learned, *CLASSIC], ["--exploitability"]),
        ("pairs", [*learned, *OPPONENTS], []),
    ):
        asked = ["--bidders", ",".join(bidders), "--seeds", days, "--seating", seating]
        command("compare", market, *asked, "--out", f"runs/learners-{market}-{seating}", *more)
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=160):
        print(mixed_table(mixed))


if __name__ == "__main__":
    main(*sys.argv[1:])
