"""The code of a page, run as a reader would run it, from top to bottom in one folder; the links of
a built site.

What enters: a Markdown file. Its ```python blocks run in one namespace. Of its ```console blocks
each line "$ rnnlite ..." is called; "$ make ..." and "$ pip install ..." have to name targets and
extras that there are. A comment "<!-- run first" holds Python that a reader brings, such as a
trained model. A comment "<!-- not run: reason -->" leaves the next block out.
"""

import re
import shlex
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlparse

import tomllib
from typer.testing import CliRunner

from rnnlite.cli.main import app

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(
    r"^(?P<skip> *<!-- not run: [^>]*-->\s+)?"
    r"(?:<!-- run first\n(?P<first>.*?)^-->|(?P<pad> *)```(?P<kind>python|console)\n"
    r"(?P<text>.*?)^ *```)",
    re.M | re.S,
)


@dataclass(frozen=True)
class Block:
    """One piece of code; `line` is where it begins in its page."""

    kind: str
    text: str
    line: int


def blocks(path):
    page = path.read_text()
    found = []
    for match in BLOCK.finditer(page):
        if match["skip"]:
            continue
        kind, text = match["kind"] or "python", match["first"] or match["text"]
        pad = match["pad"] or ""
        text = "\n".join(line.removeprefix(pad) for line in text.split("\n"))
        found.append(Block(kind, text, page.count("\n", 0, match.start()) + 1))
    return found


def run_page(path, names=None):
    """Run all of it, in the current folder; an error names the page's line.

    Args:
        path: the page.
        names: what its Python finds there already; what it makes is added.
    """
    names = {} if names is None else names
    names["__name__"] = "page"
    for block in blocks(path):
        if block.kind == "python":
            # Blank lines in front, so that a traceback has the page's own line numbers.
            exec(compile("\n" * block.line + block.text, str(path), "exec"), names)
        else:
            for command in commands(block.text):
                run_command(command, f"{path.name}:{block.line}")


def commands(text):
    """The commands of a console block: lines with "$ ", continued by a backslash."""
    joined = text.replace("\\\n", " ")
    return [line[2:] for line in joined.splitlines() if line.startswith("$ ")]


def run_command(command, where):
    words = shlex.split(command, comments=True)
    match words:
        case ["rnnlite", *arguments]:
            result = CliRunner().invoke(app, arguments)
            assert result.exit_code == 0, f"{where}: {command}\n{result.output}{result.stderr}"
        case ["make", target]:
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M), where
        case ["pip" | "python", *rest] if "install" in rest:
            project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
            for extras in re.findall(r"\[(.*?)\]", " ".join(rest)):
                assert set(extras.split(",")) <= set(project["optional-dependencies"]), where
        case _:
            raise AssertionError(f"{where}: no test knows how to run '{command}'")


class Links(HTMLParser):
    """What a page of a site leads to, and the places in it that others lead to."""

    def __init__(self, path):
        super().__init__()
        self.places, self.links = set(), []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self.places |= {known[k] for k in ("id", "name") if known.get(k)}
        self.links += [known[k] for k in ("href", "src") if known.get(k)]


def broken_links(folder):
    """The links within a site whose file or place is not there, each with its page."""
    site = {path.resolve(): Links(path) for path in sorted(Path(folder).rglob("*.html"))}
    found = []
    for page, content in site.items():
        for link in content.links:
            url = urlparse(link)
            if url.scheme or url.netloc:
                continue
            target = (page.parent / unquote(url.path)).resolve() if url.path else page
            places = site[target].places if target in site else {unquote(url.fragment)}
            if not target.is_file() or (url.fragment and unquote(url.fragment) not in places):
                found.append(f"{page.relative_to(Path(folder).resolve())}: {link}")
    return found
