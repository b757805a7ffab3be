"""A run folder goes on where it was stopped, and never mixes two runs."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from equibid.errors import InputError
from equibid.evaluation.arena import Job
from equibid.runs.folder import Run, open_run, run_jobs

CONFIG = {"market": "demo", "seeds": 3}


class Work:
    """Three jobs that note when they are played."""

    def __init__(self) -> None:
        self.played: list[str] = []
        self.done: list[str] = []

    def job(self, name: str, number: int) -> Job:
        def play() -> pl.DataFrame:
            self.played.append(name)
            return pl.DataFrame({"replicate": [number], "spend": [number / 3]})

        return Job(name, play)

    def run_jobs(self, run: Run) -> pl.DataFrame:
        work = [self.job(f"demo-{number}", number) for number in range(3)]
        return run_jobs(run, work, lambda job: self.done.append(job.name))


def test_finished_parts_are_not_played_again(tmp_path: Path) -> None:
    work = Work()
    first = work.run_jobs(open_run(tmp_path, CONFIG))
    assert work.played == work.done == ["demo-0", "demo-1", "demo-2"]
    (tmp_path / "parts" / "demo-1.parquet").unlink()
    again = Work()
    second = again.run_jobs(open_run(tmp_path, CONFIG))
    assert again.played == ["demo-1"]
    assert again.done == ["demo-0", "demo-1", "demo-2"]
    assert_frame_equal(first, second, check_exact=True)


def test_a_name_with_a_folder_in_it_is_no_folder(tmp_path: Path) -> None:
    work = Work()
    run = open_run(tmp_path, CONFIG)
    jobs = [work.job("2013.06/7-lin", 3)]
    first, again = (run_jobs(run, jobs, lambda _: None) for _ in range(2))
    assert first["replicate"].to_list() == again["replicate"].to_list() == [3]
    assert work.played == ["2013.06/7-lin"]


def test_half_a_file_counts_for_nothing(tmp_path: Path) -> None:
    run = open_run(tmp_path, CONFIG)
    half = run.parts / "demo-1.parquet.part"
    half.write_bytes(b"PAR1 and then the power went")
    work = Work()
    rows = work.run_jobs(run)
    assert work.played == ["demo-0", "demo-1", "demo-2"]
    assert rows["replicate"].to_list() == [0, 1, 2]
    assert not half.exists()


def test_a_job_that_fails_leaves_no_part(tmp_path: Path) -> None:
    def fail() -> pl.DataFrame:
        raise RuntimeError("no")

    run = open_run(tmp_path, CONFIG)
    with pytest.raises(RuntimeError):
        run_jobs(run, [Work().job("demo-0", 0), Job("demo-1", fail)], lambda job: None)
    assert sorted(path.name for path in run.parts.iterdir()) == [
        "demo-0.parquet",
        "demo-0.parquet.json",
    ]


def test_a_changed_bidder_is_played_again_and_said_to_be(tmp_path: Path) -> None:
    def at(identities: str) -> tuple[list[str], Run]:
        work, run = Work(), open_run(tmp_path, CONFIG)
        made = [replace(work.job(f"demo-{i}", i), identity=x) for i, x in enumerate(identities)]
        run_jobs(run, made, lambda job: None)
        return work.played, run

    played, run = at("aa")
    assert played == ["demo-0", "demo-1"] and run.reuse() == []
    played, run = at("aa")
    assert played == [] and run.reuse() == ["2 of 2 pieces reused."]
    played, run = at("ab")
    assert played == ["demo-1"]
    assert run.reuse() == [
        "1 of 2 pieces reused.",
        "1 piece was of other code, bidders or settings, and was made anew.",
    ]


def test_a_changed_bit_of_a_part_is_noticed(tmp_path: Path) -> None:
    first = Work().run_jobs(open_run(tmp_path, CONFIG))
    path = tmp_path / "parts" / "demo-1.parquet"
    data = bytearray(path.read_bytes())
    for place in range(0, len(data), 37):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x40]) + data[place + 1 :])
        again, run = Work(), open_run(tmp_path, CONFIG)
        assert_frame_equal(first, again.run_jobs(run), check_exact=True)
        assert again.played == ["demo-1"]
        assert run.reuse()[1] == "1 piece was damaged, and was made anew."


def test_another_question_or_another_package_makes_other_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Work().run_jobs(open_run(tmp_path, CONFIG))
    (tmp_path / "config.json").unlink()
    again = Work()
    again.run_jobs(open_run(tmp_path, CONFIG | {"seeds": 4}))
    assert len(again.played) == 3
    monkeypatch.setattr("equibid.runs.folder.package_digest", lambda: "edited")
    again = Work()
    again.run_jobs(open_run(tmp_path, CONFIG | {"seeds": 4}))
    assert len(again.played) == 3


def test_a_folder_belongs_to_one_config(tmp_path: Path) -> None:
    open_run(tmp_path, CONFIG)
    before = (tmp_path / "config.json").read_bytes()
    with pytest.raises(InputError, match=r"other settings.*--out"):
        open_run(tmp_path, CONFIG | {"seeds": 4})
    assert (tmp_path / "config.json").read_bytes() == before
    open_run(tmp_path, dict(reversed(CONFIG.items())))


def test_a_file_is_no_run_folder(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    with pytest.raises(InputError, match="cannot write there"):
        open_run(path, CONFIG)
    assert path.read_text() == "mine"


def test_a_run_says_what_it_ran_on(tmp_path: Path) -> None:
    open_run(tmp_path, CONFIG)
    there = json.loads((tmp_path / "environment.json").read_text())
    assert {"begun", "python", "platform", "cpus", "device", "libraries"} == set(there)
    assert {"equibid", "jax", "numba", "polars"} <= set(there["libraries"])
    assert abs(datetime.now(UTC) - datetime.fromisoformat(there["begun"])) < timedelta(hours=1)
    # A run that goes on was begun when it was begun.
    earlier = there | {"begun": "2001-02-03T04:05:06+00:00"}
    (tmp_path / "environment.json").write_text(json.dumps(earlier))
    open_run(tmp_path, CONFIG)
    assert json.loads((tmp_path / "environment.json").read_text()) == earlier
    assert json.loads((tmp_path / "config.json").read_text()) == CONFIG
