"""The report of `equibid frontier`."""

__all__: list[str] = []
