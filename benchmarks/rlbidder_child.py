"""The half of `rlbidder_tick.py` that runs in rlbidder's environment; it knows nothing of Equibid.

Clears each case of a folder (NAME.npz) once, leaves what came out there (NAME.npy, three arrays
[K, N]: won, cost, conversions), and prints a line on what it runs with. Then, for every name on
standard input, it clears that case again and prints the seconds.
"""

import importlib
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.machinery import PathFinder
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np


def load_simulator() -> Any:
    """The class of rlbidder's auction.

    The package's own `__init__` imports all of its training stack, of which an auction needs
    nothing: an empty parent module takes its place.
    """
    spec = PathFinder.find_spec("rlbidder")
    if spec is None:
        sys.exit("this environment has no rlbidder")
    parent = ModuleType("rlbidder")
    parent.__path__ = list(spec.submodule_search_locations or ())
    sys.modules["rlbidder"] = parent
    return importlib.import_module("rlbidder.envs.simulator").AuctionSimulator


def prepare(simulator: Any, file: Path) -> Callable[[], tuple[np.ndarray, ...]]:
    """A case as a call without arguments, its chance drawn beforehand."""
    scenario = dict(np.load(file))
    auction = simulator(scenario["bids"].shape[1], reserve_pv_price=float(scenario["reserve"]))
    return partial(
        auction.simulate_ad_bidding_multi_slots,
        scenario["values"],
        np.zeros_like(scenario["values"]),
        scenario["bids"],
        scenario["budget"],
        sampled_conversions=scenario["converted"],
        sampled_slot_exposures=scenario["shown"],
    )


def main() -> None:
    """Clear, leave the outcomes, then clear on demand."""
    folder = Path(sys.argv[1])
    simulator = load_simulator()
    clear = {file.stem: prepare(simulator, file) for file in sorted(folder.glob("*.npz"))}
    for name, run in clear.items():
        won, cost, conversions, _ = run()
        np.save(folder / f"{name}.npy", np.stack([won, cost, conversions]))
    print(f"rlbidder {version('rlbidder')}, NumPy {np.__version__}", flush=True)
    for line in sys.stdin:
        run = clear[line.strip()]
        start = time.process_time()
        run()
        print(time.process_time() - start, flush=True)


if __name__ == "__main__":
    main()
