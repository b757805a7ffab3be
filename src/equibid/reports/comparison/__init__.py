"""The report of a comparison."""

__all__: list[str] = []
