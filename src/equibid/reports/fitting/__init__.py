"""The report of a fit."""

__all__: list[str] = []
