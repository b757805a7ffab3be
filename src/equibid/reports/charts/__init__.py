"""Charts as data, and their SVG: nothing here knows what is drawn."""

__all__: list[str] = []
