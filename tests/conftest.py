"""Settings of every test run."""

import os
import sys
from pathlib import Path

import hypothesis
import jax

import equibid  # noqa: F401  (turns 64-bit mode on before any array is made)

sys.path.insert(0, str(Path(__file__).parent))

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "jax"
jax.config.update("jax_compilation_cache_dir", str(CACHE))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)

for name, examples in (("fast", 15), ("thorough", 100)):
    hypothesis.settings.register_profile(
        name, deadline=None, derandomize=True, max_examples=examples, print_blob=True
    )
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
