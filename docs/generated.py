"""Pages that are made from the code: the commands with their options, and every refusal.

What enters: the command line's own description of itself, and the source text of rnnlite. What
leaves: Markdown, written to a folder (not under version control).
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rnnlite
from rnnlite import errors

SOURCE = Path(rnnlite.__file__).parent
FAMILY = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.RnnliteError)
}


def write(folder: Path) -> None:
    """Write commands.md and refusals.md; a file that has the text already is left alone."""
    folder.mkdir(exist_ok=True)
    for name, text in (("commands.md", commands()), ("refusals.md", refusals())):
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def commands() -> str:
    """Each command: what it does, its usage, its arguments and options."""
    import typer.main

    from rnnlite.cli.main import app

    group = typer.main.get_command(app)
    context = group.make_context("rnnlite", [], resilient_parsing=True)
    parts = [
        "# Commands\n",
        "Made from the command line itself; `rnnlite COMMAND --help` prints the same. Exit status: "
        "0 on success, 1 on a refusal (one message on standard error, nothing half-written), 2 on "
        "wrong usage.\n",
    ]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        parts.append(_command(name, command, context))
    return "\n".join(parts)


def _command(name: str, command: Any, parent: Any) -> str:
    context = type(parent)(command, info_name=f"rnnlite {name}", parent=None)
    text, examples = _split(command.help or "")
    usage = " ".join(command.collect_usage_pieces(context))
    usage = re.sub(r"\{(\w+)\}", lambda m: m[1].upper(), usage)
    lines = [f"## {name}\n", text, f"\n```text\nrnnlite {name} {usage}\n```\n"]
    if examples:
        lines.append("```console\n" + "\n".join(f"$ {e}" for e in examples) + "\n```\n")
    lines += ["| | |", "|---|---|"]
    for param in command.params:
        if getattr(param, "hidden", False) or param.name == "help":
            continue
        is_option = param.param_type_name == "option"
        shown = ", ".join(f"`{o}`" for o in (*param.opts, *param.secondary_opts))
        title = shown if is_option else f"`{(param.metavar or param.name).upper()}`"
        lines.append(f"| {title} | {_cell(param)} |")
    return "\n".join(lines) + "\n"


def _split(text: str) -> tuple[str, list[str]]:
    """The description, and what follows "Example:" in it."""
    paragraphs = [" ".join(p.split()) for p in re.split(r"\n\s*\n", text.strip())]
    examples = [p.removeprefix("Example: ") for p in paragraphs if p.startswith("Example: ")]
    return "\n\n".join(p for p in paragraphs if not p.startswith("Example: ")), examples


def _cell(param: Any) -> str:
    text = " ".join((param.help or "").split()).replace("|", "\\|")
    shown = param.show_default if isinstance(param.show_default, str) else None
    plain = param.default if isinstance(param.default, str | int | float) else None
    if shown is None and plain is not None and not isinstance(plain, bool) and plain != "":
        shown = str(plain)
    return text + (f" Default: {shown}." if shown and param.show_default is not False else "")


@dataclass(frozen=True)
class Refusal:
    """One place that refuses: the kind of its error and its texts; None where they are computed, ""
    where nothing is said."""

    kind: str
    what: str | None
    expected: str | None
    found: str | None
    remedy: str | None


def refusals() -> str:
    """Every refusal of the source, by kind, in alphabetical order."""
    found = sorted(set(collect()), key=lambda r: (r.kind, (r.what or "").lower()))
    parts = [
        "# Refusals\n",
        "What rnnlite cannot do it refuses, with an error of one family. Each names the offending "
        "thing, what was expected, what was found, and what to do. This page has them all, made "
        "from the code; ‹words› stand for what is filled in. Look for some words of yours.\n",
    ]
    for kind in sorted({r.kind for r in found}):
        about = " ".join((FAMILY[kind].__doc__ or "").split("\n\n")[0].split())
        parts.append(f"## {kind}\n\n{about}\n")
        parts += [_shown(r) for r in found if r.kind == kind and r.what]
    return "\n".join(parts)


def _shown(refusal: Refusal) -> str:
    text = f"- **{_escaped(refusal.what or '')}**"
    if refusal.expected:
        text += f"; expected {_escaped(refusal.expected)}"
    if refusal.found:
        text += f"; found {_escaped(refusal.found)}"
    if refusal.remedy:
        text += f".\n  {_escaped(refusal.remedy)}"
    return text + ("" if text.endswith(".") else ".")


def _escaped(text: str) -> str:
    return re.sub(r"([*_`<>\[\]|#$\\])", r"\\\1", " ".join(text.split()))


def collect() -> Iterator[Refusal]:
    """Every call of a member of the error family in the source."""
    for path in sorted(SOURCE.rglob("*.py")):
        if path.name == "errors.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _name(node.func) in FAMILY and node.args:
                given = {k.arg: template(k.value) for k in node.keywords}
                yield Refusal(
                    _name(node.func),
                    template(node.args[0]),
                    given.get("expected", ""),
                    given.get("found", ""),
                    given.get("remedy", ""),
                )


def template(node: ast.expr) -> str | None:
    """A text as it stands in the code, with ‹words› for what is filled in; None if all of it is."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(
                str(v.value) if isinstance(v, ast.Constant) else f"‹{word(v.value)}›"
                for v in values
            )
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            first, second = template(left), template(right)
            return f"{first or '‹...›'}{second or '‹...›'}" if first or second else None
        case ast.IfExp(body=body, orelse=orelse):
            either = [text for text in (template(body), template(orelse)) if text]
            return " / ".join(either) or None
    return None


def word(node: ast.expr) -> str:
    """A word for what an expression gives: its last name."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.strip("_").replace("_", " ")
        case ast.Call(args=[*_, argument]) if _name(node.func) in PLAIN:
            return word(argument)
        case ast.Call(func=func):
            return word(func)
        case ast.Subscript(value=value) | ast.Starred(value=value):
            return word(value)
        case ast.GeneratorExp(elt=elt):
            return word(elt)
        case ast.FormattedValue(value=value):
            return word(value)
    return "..."


PLAIN = {"repr", "str", "join", "list", "tuple", "sorted", "len", "map", "type"}


def _name(func: ast.expr) -> str:
    return func.id if isinstance(func, ast.Name) else getattr(func, "attr", "")
