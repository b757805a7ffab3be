"""Settings of every test run."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import jax
import pytest

import equibid  # noqa: F401  (turns 64-bit mode on before any array is made)

sys.path.insert(0, str(Path(__file__).parent))
# Makers of logs are for commands too.
sys.path.append(str(Path(__file__).parent / "logs"))

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "jax"
jax.config.update("jax_compilation_cache_dir", str(CACHE))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)

# Programs that are made in half the time, and then are slower themselves.
QUICKLY_MADE = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Slow tests that compile much and play little too may ask for it."""
    parser.addoption("--quickly-made", action="store_true", help="compile fast, run slowly")


def pytest_configure(config: pytest.Config) -> None:
    """The fast tests compile much and play little; most slow ones train."""
    assert "equibid.cli.main" not in sys.modules, "XLA reads its flags once, and has by now"
    if config.option.quickly_made or config.option.markexpr == "not slow":
        os.environ.setdefault("XLA_FLAGS", QUICKLY_MADE)


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
