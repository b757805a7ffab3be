"""Hooks of the documentation's build: the version in the footer, and a page that asks nobody."""

import re
from pathlib import Path
from typing import Any

VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)
# By this mark the theme's script finds the link to the repository, and then asks for its stars.
ASKING = ' data-md-component="source"'


def on_config(config: Any) -> Any:
    """Put the version of the package before the licence in the footer."""
    source = Path(config.config_file_path).parent / "src" / "equibid" / "__init__.py"
    found = VERSION.search(source.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{source}: no line says __version__")
    config.copyright = f"Equibid {found[1]} · {config.copyright}"
    return config


def on_post_page(output: str, **_: Any) -> str:
    """Leave the link to the repository a plain link: the site needs no network."""
    return output.replace(ASKING, "")


def on_post_template(output_content: str, **_: Any) -> str:
    """The same for pages that are no documents, as the one of a missing page."""
    return output_content.replace(ASKING, "")
