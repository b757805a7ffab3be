"""Commands, configuration, progress: what the user touches."""

__all__: list[str] = []
