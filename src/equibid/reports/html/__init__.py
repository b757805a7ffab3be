"""What all pages share: the document, the frame of a chart, colours."""

__all__: list[str] = []
