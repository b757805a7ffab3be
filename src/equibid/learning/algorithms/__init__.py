"""One page or one folder an algorithm."""

__all__: list[str] = []
