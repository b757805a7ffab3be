"""Settings of every test run."""

import gc
import os
import sys
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import hypothesis
import jax
import pytest
from jax._src.interpreters import mlir

from equibid.jax_settings import set_jax  # The package turns 64-bit mode on.

sys.path.insert(0, str(Path(__file__).parent))
# Makers of logs are for commands too.
sys.path.append(str(Path(__file__).parent / "logs"))

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "jax"
# Processes that tests start find the programs too.
set_jax("jax_compilation_cache_dir", str(CACHE))
set_jax("jax_persistent_cache_min_compile_time_secs", 0.0)
# Tests compile much and play little, the slow ones too. XLA reads its flags once, at first use.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
    " --xla_cpu_parallel_codegen_split_count=1",
)
# Each program is lowered in a context of its own, which takes half the time of a small one.
mlir.make_ir_context = cache(mlir.make_ir_context)

# Tests that take seconds, of which CI runs all and `make test` none; see CONTRIBUTING.md.
LONG = Path(__file__).with_name("long_tests.txt")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The list of the tests that take long can be made."""
    parser.addoption("--list-long", type=float, help="list the tests that take more CPU seconds")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the list, which is one of whole names."""
    listed = set(LONG.read_text(encoding="utf-8").splitlines())
    for item in items:
        if item.nodeid in listed:
            item.add_marker("long")


def pytest_collection_finish() -> None:
    """Nothing of what is imported by now is ever garbage: it is not looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


TOOK: dict[str, float] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note the CPU seconds of a test, those of its processes among them."""
    before = sum(os.times()[:4])
    ran = yield
    TOOK[item.nodeid] = sum(os.times()[:4]) - before
    return ran


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the list anew where that is asked for: of the tests that ran, those that took long.

    Of each file the test that took least stays, so that no file is without one.
    """
    most = session.config.option.list_long
    if most is None:
        return
    files: dict[str, list[str]] = {}
    for name in sorted(TOOK, key=lambda name: TOOK[name]):
        files.setdefault(name.partition("::")[0], []).append(name)
    long = {name for names in files.values() for name in names[1:] if TOOK[name] > most}
    before = set(LONG.read_text(encoding="utf-8").splitlines())
    names = sorted((before - TOOK.keys()) | long)
    LONG.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


for name, examples in (("fast", 15), ("thorough", 100)):
    hypothesis.settings.register_profile(
        name, deadline=None, derandomize=True, max_examples=examples, print_blob=True
    )
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

# A process may hold some 65,000 mappings on Linux; beyond, the compiler crashes.
MAPPINGS = Path("/proc/self/maps")
MOST_MAPPINGS = 20_000


@pytest.fixture(autouse=True, scope="module")
def few_programs() -> Iterator[None]:
    """Let compiled programs go, each of which holds some mappings, before there are too many."""
    yield
    if MAPPINGS.exists() and MAPPINGS.read_text().count("\n") > MOST_MAPPINGS:
        jax.clear_caches()
