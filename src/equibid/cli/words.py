"""The words of a command line, looked at before anything is imported for them."""

from collections.abc import Mapping, Sequence
from unicodedata import category

from equibid.cli.declared import names_in, only_text, options_of
from equibid.errors import InputError, near
from equibid.runs.market_name import check_market

# Options of every command; `--plugin` is declared where commands are called.
EVERYWHERE = {"--plugin", "--help", "-h"}
# Commands whose first word is a market.
ON_MARKETS = {"compare", "solve", "frontier", "certify", "exploit", "train", "sweep"}


def check_words(places: Mapping[str, str], words: Sequence[str]) -> None:
    """Refuse a command, an option or a market that there is not, with what may have been meant.

    A market is looked at where it stands first and no plugin can have brought it; elsewhere the
    command itself refuses it.

    Args:
        places: of the functions of commands, by the names of these.
        words: of the command line, one at least.

    Raises:
        InputError: there is none.
    """
    command, *rest = words
    if command.startswith("-"):
        raise InputError(f"equibid has no option {command}; see equibid --help")
    if command not in places:
        others = near(command, places) or list(places)
        raise InputError(f"there is no command {command!r}; try {', '.join(others)}")
    options = options_of(places[command]) | EVERYWHERE
    for word in rest:
        name = word.partition("=")[0].replace("_", "-")
        if word.startswith("--") and name not in options:
            others = near(name, options) or [x for x in options if name.strip("-") in x]
            hint = f"try {', '.join(others)}" if others else f"see equibid {command} --help"
            raise InputError(f"equibid {command} has no option {name}; {hint}")
    plain = only_text() and not any(x in EVERYWHERE or x.startswith("--plugin=") for x in rest)
    if command in ON_MARKETS and rest and plain and not rest[0].startswith("-"):
        check_market(rest[0], names_in("MARKETS"))


def check_text(words: Sequence[str]) -> None:
    """Refuse words that no file or setting can be called.

    Raises:
        InputError: one has a NUL character, or was not in the encoding of this machine.
    """
    for word in words:
        if "\0" in word:
            raise InputError(f"{word!r} holds a NUL character; leave it out")
        if any(category(x) == "Cs" for x in word):
            raise InputError(f"{word!r} is not in UTF-8; give the file another name")
