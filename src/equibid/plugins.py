"""Files of a user's own that declare bidders, auctions, readers, algorithms.

A plugin is a Python file or an installed module; importing it declares what it has. A run's config
names its plugins with the digests of their sources, never their places: where the plugin with a
digest lies is remembered on this machine when it is named. So a run folder that somebody sent
cannot have a file imported that was not named here before.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import NamedTuple

from equibid.errors import InputError
from equibid.files import write_json

# Of installed packages whose plugins are always there.
GROUP = "equibid.plugins"


class Loaded(NamedTuple):
    """A plugin that this process imported.

    Attributes:
        digest: of its source.
        place: where it lies, as `load` takes it from any folder.
    """

    digest: str
    place: str


# By the name that configs call it by.
_loaded: dict[str, Loaded] = {}


def loaded() -> dict[str, str]:
    """The plugins that were named: their names, and the digests of their sources."""
    return {name: plugin.digest for name, plugin in _loaded.items()}


def words() -> list[str]:
    """The words of a command line that name the same plugins again."""
    return [word for plugin in _loaded.values() for word in ("--plugin", plugin.place)]


def load(plugin: str) -> None:
    """Import a plugin, a file by its path or a module by its name, once.

    Raises:
        InputError: there is no such file or module, or it cannot be imported.
    """
    path = source_of(plugin)
    name, digest = path.name if is_file(plugin) else plugin, digest_of(path)
    if name in _loaded and _loaded[name].digest == digest:
        return
    if name in _loaded:
        raise InputError(f"--plugin {plugin}: a plugin {name} with another content is loaded")
    try:
        if is_file(plugin):
            _import_file(path, digest)
        else:
            import_module(plugin)
    except (Exception, SystemExit) as error:
        raise InputError(f"--plugin {plugin}: it cannot be imported ({_why(error)})") from error
    place = str(path.resolve()) if is_file(plugin) else plugin
    _loaded[name] = Loaded(digest, place)
    _remember(digest, place)


def load_installed() -> list[str]:
    """Import the plugins of installed packages; gives a sentence for each that cannot be."""
    trouble = []
    for entry in entry_points(group=GROUP):
        try:
            entry.load()
        except (Exception, SystemExit) as error:
            trouble.append(f"the installed plugin {entry.name} cannot be imported ({_why(error)})")
    return trouble


def recall(folder: Path, plugins: Mapping[str, str]) -> None:
    """Import the plugins that a run's config names, from where they were named before.

    Args:
        folder: of the run.
        plugins: names, and digests of their sources.

    Raises:
        InputError: one was never named on this machine, or its file is gone or was changed.
    """
    known = _places()
    for name, digest in plugins.items():
        if loaded().get(name) == digest:
            continue
        place = known.get(digest)
        if place is None or not _is_still(place, digest):
            raise InputError(
                f"{folder} was made with the plugin {name}, which "
                f"{'is not known here' if place is None else 'has changed or gone'}; name the one "
                "to use with --plugin"
            )
        load(place)


def plugins_in(config: Mapping[str, object]) -> dict[str, str]:
    """The plugins that a config names, as far as it names any in the right form."""
    said = config.get("plugins")
    if not isinstance(said, Mapping):
        return {}
    return {str(name): str(digest) for name, digest in said.items()}


def is_file(plugin: str) -> bool:
    """Whether a plugin is named by a path, not as a module."""
    return plugin.endswith(".py") or "/" in plugin or os.sep in plugin


def source_of(plugin: str) -> Path:
    """The file of a plugin.

    Raises:
        InputError: there is none.
    """
    if is_file(plugin):
        if not Path(plugin).is_file():
            raise InputError(f"--plugin {plugin}: there is no such file")
        return Path(plugin)
    try:
        spec = find_spec(plugin)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise InputError(f"--plugin {plugin}: there is no such module; a file is named as mine.py")
    return Path(spec.origin)


def digest_of(path: Path) -> str:
    """Names the source of a file, or of the package that an ``__init__.py`` is of."""
    files: Iterable[Path] = [path]
    if path.name == "__init__.py":
        files = sorted(path.parent.rglob("*.py"))
    state = blake2b(digest_size=16)
    for file in files:
        state.update(file.read_bytes())
    return state.hexdigest()


def _import_file(path: Path, digest: str) -> None:
    """Import a file by its path; its folder is not searched for other modules."""
    name = f"equibid_plugin_{path.stem}_{digest[:8]}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("it is no Python file")
    module = module_from_spec(spec)
    # Dataclasses look their module up while it is made.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _why(error: BaseException) -> str:
    """An error in a line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _is_still(place: str, digest: str) -> bool:
    try:
        return digest_of(source_of(place)) == digest
    except (InputError, OSError):
        return False


def _book() -> Path:
    """Where this machine remembers places of plugins, by digest."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "equibid" / "plugins.json"


def _places() -> dict[str, str]:
    try:
        said = json.loads(_book().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _remember(digest: str, place: str) -> None:
    """Note where a plugin lies; without a home to note it in, it has to be named each time."""
    known = _places()
    if known.get(digest) == place:
        return
    book = _book()
    try:
        book.parent.mkdir(parents=True, exist_ok=True)
        write_json(book, known | {digest: place})
    except (OSError, InputError):
        return
