"""Impressions spread over devices and processes give the unsharded sums, to the same bits."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
import sharded_worker as worker

from equibid.equilibrium.response import xla as response_xla
from equibid.equilibrium.response.sharded import on_mesh, own_rows
from equibid.errors import InputError

SECONDS = 120


def start(process: int, count: int, devices: int, port: int, file: Path) -> subprocess.Popen[str]:
    """A process with some CPU devices of its own."""
    here = Path(__file__).resolve()
    environment = os.environ | {
        "JAX_PLATFORMS": "cpu",
        # Compiling without optimisation takes half the time.
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices} "
        "--xla_backend_optimization_level=0",
        "PYTHONPATH": str(here.parents[2] / "src"),
    }
    arguments = [str(x) for x in (process, count, port, file)]
    return subprocess.Popen(
        [sys.executable, str(here.with_name("sharded_worker.py")), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(processes: list[subprocess.Popen[str]]) -> None:
    """Wait for all; none is left running, and what a failed one said is shown."""
    try:
        said = [process.communicate(timeout=SECONDS)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    for process, text in zip(processes, said, strict=True):
        assert process.returncode == 0, text


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, np.ndarray]]:
    """Results of two processes of one device, and of one process of two."""
    folder = tmp_path_factory.mktemp("sharded")
    port = free_port()
    files = {name: folder / f"{name}.npz" for name in ("first", "second", "alone")}
    finish(
        [
            start(0, 2, 1, port, files["first"]),
            start(1, 2, 1, port, files["second"]),
            start(0, 1, 2, 0, files["alone"]),
        ]
    )
    return {name: dict(np.load(file)) for name, file in files.items()}


def test_two_processes_equal_one_bit_for_bit(saved: dict[str, dict[str, np.ndarray]]) -> None:
    assert int(saved["alone"]["devices"]) == int(saved["first"]["devices"]) == 2
    for name, expected in saved["alone"].items():
        for process in ("first", "second"):
            np.testing.assert_array_equal(saved[process][name], expected, err_msg=name)


@pytest.mark.parametrize("name", ["dense", "sparse"])
def test_sharded_equals_whole(saved: dict[str, dict[str, np.ndarray]], name: str) -> None:
    game = worker.games()[name]
    for call, given in worker.calls()[name].items():
        whole = np.stack(getattr(response_xla, call)(game, *given))
        scale = abs(whole).max(axis=1, keepdims=True)
        got = saved["alone"][f"{name}.{call}"]
        np.testing.assert_allclose(got / scale, whole / scale, rtol=0, atol=1e-12, err_msg=call)
        np.testing.assert_array_equal(got == 0, whole == 0, err_msg=call)


def test_one_device_is_a_mesh_too() -> None:
    mesh = jax.make_mesh((1,), ("impressions",), devices=jax.devices()[:1])
    game = worker.games()["dense"]
    (by_tick,) = worker.calls()["dense"]["respond"]
    sharded = on_mesh(own_rows(game, mesh), mesh)
    for got, expected in zip(
        sharded.respond(by_tick), response_xla.respond(game, by_tick), strict=True
    ):
        np.testing.assert_array_equal(got, expected)
    assert sharded.at(0.5).game.auction.temperature == 0.5
    np.testing.assert_allclose(sharded.worth, game.worth, rtol=1e-12)
    np.testing.assert_array_equal(sharded.players, game.players)


def test_mesh_of_another_name_is_refused() -> None:
    mesh = jax.make_mesh((1,), ("data",), devices=jax.devices()[:1])
    with pytest.raises(InputError, match="name it 'impressions'"):
        on_mesh(worker.games()["dense"], mesh)
