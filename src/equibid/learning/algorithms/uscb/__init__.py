"""Many constraints, one formula: parameters adjusted at every tick."""

__all__: list[str] = []
