"""Use cases: what is asked becomes the tables of a folder, without a console."""

__all__: list[str] = []
