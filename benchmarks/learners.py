"""All learners and the classic bidders on one market: the tables of docs/benchmarks.md.

    python benchmarks/learners.py bpg-100 [seeds]

Trains every algorithm with its defaults (a run that is there already is taken), then compares: all
in one market (mixed), each in a market of its own (uniform, with exploitability), two by two
(pairs). On auctionnet, where target costs bind, all learn AuctionNet's score; elsewhere one more
starts from ``pacing-ratio``. Every step is the command a user would give; its words are printed
before it.
"""

import subprocess
import sys
import time
from pathlib import Path

ALGORITHMS = (
    "attention-critic",
    "dcmab",
    "maab",
    "uscb",
    "drlb",
    "maddpg",
    "mappo",
    "iddpg",
    "ippo",
)
CLASSIC = ("lin", "fixed", "pacing", "pacing-multiplicative", "pacing-ratio", "hindsight")
OPPONENTS = ("fixed", "pacing")
# Where targets bind: what algorithms are asked to learn, and those that have a preset for it.
SCORED = ("--set", "reward=cpa-score:dense=1", "--eval-metric", "seated-score")
PRESETS = {"attention-critic": "attention-critic-cpa", "uscb": "uscb-cpa"}


def command(*words: str) -> float:
    """Run ``equibid …``; gives the seconds it took."""
    print("$ equibid", *words, flush=True)
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "equibid", *words], check=True)
    return time.perf_counter() - started


def main(market: str, seeds: str = "10") -> None:
    """Train, then compare in three seatings."""
    runs, aim, names = Path("runs"), (), [*ALGORITHMS, "mappo-paced"]
    if market == "auctionnet":
        aim, names = SCORED, [PRESETS.get(name, name) for name in ALGORITHMS]
    took = {}
    for name in names:
        folder = runs / f"train-{market}-{name}"
        if not (folder / "policy.eqx").exists():
            own = aim[2:] if name in PRESETS.values() else aim
            took[name] = command("train", market, "--algorithm", name, *own, "--out", str(folder))
    for name, seconds in took.items():
        print(f"{name:10} {seconds:6.0f} s")
    learned = [str(runs / f"train-{market}-{name}") for name in names]
    everybody = ",".join([*learned, *CLASSIC])
    for seating, bidders, more in (
        ("mixed", everybody, []),
        ("uniform", everybody, ["--exploitability"]),
        ("pairs", ",".join([*learned, *OPPONENTS]), []),
    ):
        out = str(runs / f"learners-{market}-{seating}")
        asked = ["--bidders", bidders, "--seeds", seeds, "--seating", seating, "--out", out]
        print(f"{seating}: {command('compare', market, *asked, *more):.0f} s", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
