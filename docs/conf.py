"""The docs site: `make docs`. Commands, refusals and the API come from the code."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import generated  # noqa: E402

from rnnlite import __version__  # noqa: E402

project = "rnnlite"
author = "the rnnlite authors"
project_copyright = "the rnnlite authors, Apache-2.0"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"rnnlite {__version__}"
html_copy_source = False
myst_heading_anchors = 3
# Words of docstrings such as "T" and "N" are shapes, no links.
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_use_rtype = False
# Pages of the site that are files of the repository elsewhere.
PAGES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/RESULTS.md": "results.md",
}


def point_to_pages(_app, _parent, _document, content):
    """Lead the links of an included file to the pages of the site."""
    for file, page in PAGES.items():
        content[0] = content[0].replace(f"]({file}", f"]({page}")


def setup(app):
    """Write the generated pages before Sphinx looks for pages."""
    app.connect("builder-inited", lambda app: generated.write(Path(app.srcdir) / "reference"))
    app.connect("include-read", point_to_pages)
