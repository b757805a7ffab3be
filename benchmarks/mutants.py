"""Changes of one sign, mask or index, and whether the nearest tests notice them.

    python benchmarks/mutants.py 100 learning,envs,simulation,equilibrium,evaluation mutants.jsonl

Draws as many mutants as are asked for, as many of each kind, by a digest of each; puts each
into a copy of the package; and runs the fast tests of up to four files until one fails, those of
the module's name first, then those of its own room that import it, or least else. A line of the
file is a mutant; those that are there already are not run again. Prints the share that was noticed,
and those that were not.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import track

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
# What is one where something counts, and zero elsewhere.
MASK = re.compile(r"mask|alive|active|free|done|ended|left|last|played|eligible|won|valid|on$")
# Names that pages of many folders have.
PAGES = {"algorithm", "config", "learner", "losses", "replay", "training", "data"}
# Test files a mutant is tried on, and seconds it may take on one.
FILES, LIMIT = 4, 900


class Mutant(NamedTuple):
    """A change of one place of a file.

    Attributes:
        path: of the file, from the package's source.
        start: of what is replaced, in bytes.
        end: of it.
        text: what stands there instead.
        kind: ``sign``, ``mask`` or ``index``.
        same: how many places before it in the file have the same change.
    """

    path: str
    start: int
    end: int
    text: str
    kind: str
    same: int

    def shown(self) -> str:
        """The place, before and after."""
        before = (SOURCE / self.path).read_bytes()[self.start : self.end].decode()
        place = f" ({self.same + 1}th)" if self.same else ""
        return f"{self.path}{place} {before!r} -> {self.text!r}"


def mutants_of(path: Path) -> Iterator[Mutant]:
    """All mutants of a file."""
    data = path.read_bytes()
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def span(node: ast.expr) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        last = starts[node.end_lineno - 1] + node.end_col_offset
        return starts[node.lineno - 1] + node.col_offset, last

    def text(node: ast.expr) -> str:
        return data[slice(*span(node))].decode()

    name, seen = path.relative_to(SOURCE).as_posix(), Counter[tuple[str, str]]()
    for node in arithmetic(ast.parse(data)):
        for kind, changed in changes(node, text):
            change = (text(node), changed)
            yield Mutant(name, *span(node), changed, kind, seen[change])
            seen[change] += 1


def arithmetic(tree: ast.AST) -> Iterator[ast.expr]:
    """The expressions of functions, without annotations, decorators and messages of errors."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "exc"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.JoinedStr):
                continue
            if isinstance(child, ast.expr):
                yield child
            if isinstance(child, ast.AST):
                yield from arithmetic(child)


def changes(node: ast.expr, text: Callable[[ast.expr], str]) -> Iterator[tuple[str, str]]:
    """Kind and text of what may stand in the place of an expression."""
    match node:
        case ast.BinOp(left, ast.Add() | ast.Sub() as sign, right) if not words(left, right):
            other = "-" if isinstance(sign, ast.Add) else "+"
            yield "sign", f"({text(left)} {other} ({text(right)}))"
        case ast.UnaryOp(ast.USub(), operand) if not isinstance(operand, ast.Constant):
            yield "sign", f"({text(operand)})"
        case ast.BinOp(left, ast.Mult(), right):
            for factor, rest in ((left, right), (right, left)):
                if MASK.search(text(factor).split("[")[0].split(".")[-1]):
                    yield "mask", f"({text(rest)})"
        case ast.BinOp(left, ast.BitAnd(), right):
            yield "mask", f"({text(left)})"
            yield "mask", f"({text(right)})"
        case ast.UnaryOp(ast.Invert(), operand):
            yield "mask", f"({text(operand)})"
        case ast.Call(ast.Attribute(attr="where") as where, [test, yes, no]):
            yield "mask", f"{text(where)}({text(test)}, {text(no)}, {text(yes)})"
        case ast.Compare(left, [ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE() as order], [right]):
            other = ">" if isinstance(order, ast.Lt | ast.LtE) else "<"
            yield "mask", f"({text(left)} {other} {text(right)})"
        # An array's shape with another place has no end or no such place: any test would notice.
        case ast.Subscript(ast.Attribute(attr="shape")):
            return
        case ast.Subscript(value, ast.Constant(int(place))):
            yield "index", f"{text(value)}[{place + 1 if place != -1 else 0}]"
        case ast.Subscript(value, ast.Slice(ast.Constant(1), None, None)):
            yield "index", f"{text(value)}[:-1]"
        case ast.Subscript(value, ast.Slice(None, ast.UnaryOp(ast.USub(), ast.Constant(1)), None)):
            yield "index", f"{text(value)}[1:]"
        case _:
            return


def words(*sides: ast.expr) -> bool:
    """Whether text or lists are joined, and nothing is added."""
    joined = (ast.JoinedStr, ast.List, ast.Tuple, ast.ListComp)
    return any(
        isinstance(side, joined) or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in sides
    )


def nearest(path: str) -> list[Path]:
    """Test files: those named after a module or its folder, its room's, and others.

    Of these the first are those the fewest imports away, and then those that import least.
    """
    room, steps, away = Path(path).parts[1], 0, dict[Path, tuple[bool, bool, int, int]]()
    seen = layer = {path.removesuffix(".py").replace("/", ".")}
    while layer and sum(not other for _, other, *_ in away.values()) < FILES:
        for test, names in TESTS.items():
            if not layer.isdisjoint(names):
                other = room not in test.relative_to(ROOT / "tests").parts
                away.setdefault(test, (not named_after(path, test), other, steps, len(names)))
        layer = {user for user, names in MODULES.items() if not layer.isdisjoint(names)} - seen
        seen, steps = seen | layer, steps + 1
    for test, names in TESTS.items():
        if named_after(path, test):
            away.setdefault(test, (False, False, steps, len(names)))
    return sorted(away, key=lambda test: (away[test], test))[:FILES]


def named_after(path: str, test: Path) -> bool:
    """Whether a test file bears the name of a module, or of the folder that it is a page of."""
    whole = Path(path)
    names = {whole.stem} - PAGES | ({whole.parent.name} if len(whole.parts) > 3 else set())
    return any(name in test.stem for name in names)


def imported(path: Path) -> set[str]:
    """The modules of the package that a file imports, by name."""
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("equibid"):
            names |= {node.module or "", *(f"{node.module}.{each.name}" for each in node.names)}
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names if each.name.startswith("equibid")}
    return names | {OFFERED[name] for name in names & OFFERED.keys()}


def offered() -> dict[str, str]:
    """What packages offer of their modules, by the name that it has there."""
    found = {}
    for page in sorted((SOURCE / "equibid").rglob("__init__.py")):
        package = ".".join(page.relative_to(SOURCE).parent.parts)
        for node in ast.walk(ast.parse(page.read_bytes())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(package):
                found |= {f"{package}.{each.name}": str(node.module) for each in node.names}
    return found


OFFERED = offered()
TESTS = {test: imported(test) for test in sorted((ROOT / "tests").rglob("test_*.py"))}
MODULES = {
    ".".join(page.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): imported(
        page
    )
    for page in sorted((SOURCE / "equibid").rglob("*.py"))
}


def noticed(mutant: Mutant, package: Path) -> str | None:
    """The test file that fails with a mutant in a copy of the package; None if none does."""
    place = package / mutant.path
    data = place.read_bytes()
    place.write_bytes(data[: mutant.start] + mutant.text.encode() + data[mutant.end :])
    environment = os.environ | {"PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        for test in nearest(mutant.path):
            options = ("-xq", "-m", "not slow", "-p", "no:cacheprovider")
            command = [sys.executable, "-m", "pytest", *options, str(test)]
            try:
                ran = subprocess.run(
                    command,
                    cwd=ROOT,
                    env=environment,
                    capture_output=True,
                    timeout=LIMIT,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return f"{test.name} (no end)"
            # 5: the file has slow tests alone.
            if ran.returncode not in (0, 5):
                return test.name
        return None
    finally:
        place.write_bytes(data)


def drawn(many: int, rooms: list[str]) -> list[Mutant]:
    """So many mutants, as many of each kind; where code changes, the others stay the same."""
    pages = [path for room in rooms for path in sorted((SOURCE / "equibid" / room).rglob("*.py"))]
    every = [mutant for page in pages for mutant in mutants_of(page)]
    every.sort(key=lambda mutant: blake2b(mutant.shown().encode()).digest())
    piles = [[x for x in every if x.kind == kind] for kind in ("sign", "mask", "index")]
    mixed = [x for group in zip(*piles, strict=False) for x in group]
    return mixed[:many]


def main(many: int, rooms: list[str], kept: Path) -> None:
    """Try the mutants that were not tried, and print what came of all."""
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    told = {entry["mutant"]: entry["noticed"] for entry in map(json.loads, lines)}
    tried = [x.shown() for x in drawn(many, rooms)]
    with tempfile.TemporaryDirectory() as folder, kept.open("a", encoding="utf-8") as file:
        package = Path(folder)
        shutil.copytree(SOURCE / "equibid", package / "equibid")
        for mutant in track(drawn(many, rooms), console=Console(stderr=True)):
            if mutant.shown() not in told:
                told[mutant.shown()] = noticed(mutant, package)
                entry = {"mutant": mutant.shown(), "noticed": told[mutant.shown()]}
                file.write(json.dumps(entry) + "\n")
                file.flush()
    survivors = [shown for shown in tried if told[shown] is None]
    print(f"{len(tried) - len(survivors)} of {len(tried)} noticed")
    print("\n".join(f"not noticed: {shown}" for shown in survivors))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2].split(","), Path(sys.argv[3]))
