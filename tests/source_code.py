"""The modules of the package as text and trees: who imports whom, how long, how typed."""

import ast
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import rnnlite

ROOT = Path(rnnlite.__file__).parent
TESTS = Path(__file__).parent


@dataclass(frozen=True)
class Source:
    """One module.

    Attributes:
        name: without the package's: "lite.ir.graph"; "" for the package itself.
        path: its file.
    """

    name: str
    path: Path

    @cached_property
    def text(self):
        return self.path.read_text()

    @cached_property
    def tree(self):
        return ast.parse(self.text)

    @property
    def lines(self):
        return len(self.text.splitlines())

    @property
    def is_package(self):
        return self.path.name == "__init__.py"

    @property
    def defines(self):
        """Whether it holds a function or a class, not names alone."""
        return any(isinstance(n, (ast.FunctionDef, ast.ClassDef)) for n in ast.walk(self.tree))


@cache
def modules():
    """All modules of the package by name."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = Source(name, path)
    return found


def imports(source):
    """The modules of the package that one imports, late imports too, those for types alone not."""
    known = modules()
    found = set()
    for node in _running(source.tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rnnlite":
            base = node.module.removeprefix("rnnlite").lstrip(".")
            for alias in node.names:
                name = f"{base}.{alias.name}".lstrip(".")
                found.add(name if name in known else base)
    return found - {source.name}


def _running(node):
    """All nodes but those under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        yield child
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield from _running(child)


def circles(arrows):
    """Groups of modules of which each imports, by way of others, each other (Tarjan)."""
    number, low, stack, found = {}, {}, [], []

    def visit(name):
        number[name] = low[name] = len(number)
        stack.append(name)
        for target in sorted(arrows[name]):
            if target not in number:
                visit(target)
                low[name] = min(low[name], low[target])
            elif target in stack:
                low[name] = min(low[name], number[target])
        if low[name] == number[name]:
            place = stack.index(name)
            group = stack[place:]
            del stack[place:]
            if len(group) > 1:
                found.append(frozenset(group))

    for name in arrows:
        if name not in number:
            visit(name)
    return set(found)


def lengths(source):
    """The lines of code of each function by its name, class and all; docstrings do not count."""
    found = {}

    def visit(node, names):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                text = child.body[0] if ast.get_docstring(child) is not None else None
                docstring = 0 if text is None else text.end_lineno - text.lineno + 1
                found[".".join((*names, child.name))] = (
                    child.end_lineno - child.lineno + 1 - docstring
                )
            named = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            visit(child, (*names, child.name) if named else names)

    visit(source.tree, (source.name,))
    return found


def parameters(source):
    """The annotated parameters of all functions but self and cls, as text."""
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            args = node.args
            rest = [a for a in (args.vararg, args.kwarg) if a is not None]
            for a in [*args.posonlyargs, *args.args, *args.kwonlyargs, *rest]:
                if a.arg not in ("self", "cls"):
                    yield ast.unparse(a.annotation) if a.annotation is not None else ""
