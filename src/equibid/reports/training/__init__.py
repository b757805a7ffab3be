"""The report of a training run."""

__all__: list[str] = []
