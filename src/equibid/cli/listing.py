"""``equibid list``: what there is by name, and the settings of what is named."""

from typing import Annotated

import tyro

from equibid.cli.console import plain_console
from equibid.cli.names import check_names, show_names, show_settings


def list_(
    names: Annotated[
        tuple[str, ...],
        tyro.conf.Positional,
        tyro.conf.arg(help="Whose settings to show; by default everything is listed by name."),
    ] = (),
    settings: Annotated[
        bool, tyro.conf.arg(help="List the settings of what takes some, with their defaults, too.")
    ] = False,
) -> None:
    """List by name: markets, logs, bidders, auctions, methods, objectives, algorithms, rewards.

    Example: equibid list

    Example: equibid list pid-ecpc
    """
    console = plain_console()
    if names:
        check_names(names)
        for name in names:
            show_settings(console, name)
        return
    show_names(console, settings)
