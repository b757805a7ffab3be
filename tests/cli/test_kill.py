"""A run that is killed goes on from its finished parts, to the very same tables."""

import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

SEEDS = 12


def command(folder: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "equibid", "compare", "demo", "--impressions", "10000"),
        *("--bidders", "lin,pacing,hindsight", "--seeds", str(SEEDS), "--out", str(folder)),
    ]


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_tables(tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    log = tmp_path / "log"
    with log.open("w") as out:
        process = subprocess.Popen(command(killed), stdout=out, stderr=out)
        deadline = time.monotonic() + 300
        while not (killed / "parts" / "demo-0.parquet").exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
        process.wait(60)
    parts = {path.name: path.stat().st_mtime_ns for path in (killed / "parts").glob("*.parquet")}
    assert 0 < len(parts) < SEEDS
    assert not (killed / "delivery.parquet").exists()
    for folder in (killed, whole):
        subprocess.run(command(folder), check=True, capture_output=True, timeout=300)
    for name, written in parts.items():
        assert (killed / "parts" / name).stat().st_mtime_ns == written
    for table in ("delivery", "ranking"):
        resumed, undisturbed = (
            pl.read_parquet(folder / f"{table}.parquet") for folder in (killed, whole)
        )
        assert_frame_equal(resumed, undisturbed, check_exact=True)
