"""What the sources of the package declare, read from their text: nothing is imported.

Importing a command takes seconds, as JAX and others come with it. Whoever only wants to know which
names and options there are does not wait for that. A test holds what is read here to what is there
once all is imported.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
# Parsing all sources takes a second; so what is declared has to be written in this form, at the
# beginning of a line: BIDDERS.add("name", "Sentence.")
ADDITION = re.compile(r'^@?([A-Z]+)\.add\(\s*"([^"\n]+)",\s*"([^"\n]+)",?\s*\)', re.MULTILINE)


def only_text() -> bool:
    """Whether the sources are all there is: no registry was made, so no plugin added to one."""
    return "equibid.registry" not in sys.modules


def names_in(registry: str) -> dict[str, str]:
    """The names in a registry, each with its sentence, in the order of files and lines.

    Args:
        registry: what its variable is called, as ``BIDDERS``.
    """
    return _declared()[registry]


def options_of(place: str) -> set[str]:
    """The options of a command as they are typed; its positional arguments are among them.

    Those of `calling.FOLDERS` are too, where the command gives the path of a folder.

    Args:
        place: of its function, as ``equibid.cli.compare:compare``.
    """
    module, _, name = place.partition(":")
    command = _definition(module, name)
    assert isinstance(command, ast.FunctionDef)
    gives_folder = command.returns is not None and "Path" in ast.unparse(command.returns)
    words = {"--quiet", "--json"} if gives_folder else set()
    for argument in command.args.args:
        for option, kind in _parts(module, argument.arg, argument.annotation):
            word = option.replace("_", "-")
            words |= {f"--{word}", f"--no-{word}"} if kind == "bool" else {f"--{word}"}
    return words


@cache
def _declared() -> dict[str, dict[str, str]]:
    """Names and sentences by registry."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for path in sorted(PACKAGE.rglob("*.py")):
        for registry, name, sentence in ADDITION.findall(path.read_text(encoding="utf-8")):
            found[registry][name] = sentence
    return dict(found)


def _parts(module: str, name: str, kind: ast.expr | None) -> Iterator[tuple[str, str]]:
    """Name and type of the options that an argument of a command stands for.

    A dataclass, as in ``OmitArgPrefixes[Settings]``, stands for its fields.
    """
    match kind:
        case ast.Subscript(value=marker, slice=ast.Name(id=inner)) if ast.unparse(marker).endswith(
            "OmitArgPrefixes"
        ):
            settings = _definition(module, inner)
            assert isinstance(settings, ast.ClassDef)
            for line in settings.body:
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                    yield line.target.id, ast.unparse(line.annotation)
        case ast.Subscript(slice=ast.Tuple(elts=[inner, *marks])):
            yield _called(marks) or name, ast.unparse(inner)
        case ast.expr():
            yield name, ast.unparse(kind)


def _called(marks: list[ast.expr]) -> str | None:
    """What ``tyro.conf.arg(name="open")`` calls an argument."""
    for mark in marks:
        for word in mark.keywords if isinstance(mark, ast.Call) else ():
            if word.arg == "name" and isinstance(word.value, ast.Constant):
                return str(word.value.value)
    return None


def _definition(module: str, name: str) -> ast.stmt:
    """The function or class of a name in a module, or in the module that it is imported from."""
    path = PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py")
    for line in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(line, ast.FunctionDef | ast.ClassDef) and line.name == name:
            return line
        if isinstance(line, ast.ImportFrom) and name in [x.asname or x.name for x in line.names]:
            return _definition(line.module or "", name)
    raise LookupError(f"{module} has no {name}")
