"""How a run was made, and what the words of its page mean."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from equibid.reports.html.document import Section, folded, keys
from equibid.runs.reading import RunFolder


def making(run: RunFolder, glossary: Iterable[tuple[str, str]]) -> list[Section]:
    """The last sections of a page: command, date, machine and settings; and the glossary."""
    told = run.environment
    libraries = told.get("libraries", {})
    config = run.config
    seeds = config.get("seeds", config.get("seed"))
    lines = [
        ("Begun", str(told.get("begun", "")).replace("T", " ").replace("+00:00", " UTC")),
        ("Equibid", str(config.get("version", libraries.get("equibid", "")))),
        ("Machine", machine(told)),
        ("Libraries", ", ".join(f"{name} {version}" for name, version in libraries.items())),
        ("Seeds", ", ".join(map(str, seeds)) if isinstance(seeds, list) else str(seeds or "")),
    ]
    command = f'<pre class="command" tabindex="0">{escape(run.command)}</pre>'
    settings = folded("All settings, resolved", keys(flat(config)))
    terms = "".join(
        f"<dt>{escape(term)}</dt><dd>{escape(meaning)}</dd>" for term, meaning in glossary
    )
    return [
        Section(
            "How this was made",
            command + keys((name, x) for name, x in lines if x) + settings,
            "This command makes the run again. A log stands in it by its name, without its place.",
        ),
        Section("Glossary", folded("What the words and numbers mean", f"<dl>{terms}</dl>")),
    ]


def machine(told: Mapping[str, Any]) -> str:
    """Where a run was made."""
    parts = [told.get("platform"), told.get("device")]
    if told.get("cpus"):
        parts.insert(1, f"{told['cpus']} CPUs")
    if told.get("python"):
        parts.append(f"Python {told['python']}")
    return ", ".join(str(part) for part in parts if part)


def flat(config: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Settings with dotted names."""
    pairs = []
    for key, value in sorted(config.items()):
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            pairs.extend(flat(value, f"{name}."))
        elif isinstance(value, list | tuple):
            if value and all(isinstance(item, Mapping) for item in value):
                for number, item in enumerate(value):
                    pairs.extend(flat(item, f"{name}.{number}." if len(value) > 1 else f"{name}."))
            else:
                pairs.append((name, ", ".join(map(str, value))))
        else:
            pairs.append((name, "–" if value is None else str(value)))
    return pairs
