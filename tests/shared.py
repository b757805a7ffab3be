"""Where the real logs are, if this checkout has them beside it."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def needs(path: str) -> pytest.MarkDecorator:
    """Skip where `path` (relative to the folder of real logs) is absent."""
    return pytest.mark.skipif(
        not (SHARED / path).exists(), reason=f"real log {path} is not beside this checkout"
    )
