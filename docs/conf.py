"""Configuration of the site: ``sphinx-build -W docs build/site``.

The pages are Markdown that GitHub shows too. The gallery is made from the scripts under ``examples/``, the reference
from docstrings. The inventories of other projects are in ``docs/inventories/``, so the site builds without a network.
"""

import os
import posixpath
import re
from pathlib import Path

from sphinx.application import Sphinx

import skhpt

project = "skhpt"
author = "The skhpt developers"
copyright = author
version = release = skhpt.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["inventories"]
default_role = "py:obj"

# Markdown
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4

# Reference
autosummary_generate = True
autodoc_typehints = "none"  # the docstrings have the types
numpydoc_show_class_members = False  # the templates of autosummary list them
add_module_names = False
toc_object_entries_show_parents = "hide"

INVENTORIES = {
    "sklearn": ("https://scikit-learn.org/stable/", "scikit-learn"),
    "numpy": ("https://numpy.org/doc/stable/", "numpy"),
    "scipy": ("https://docs.scipy.org/doc/scipy/", "scipy"),
    "pandas": ("https://pandas.pydata.org/docs/", "pandas"),
    "joblib": ("https://joblib.readthedocs.io/en/stable/", "joblib"),
    "matplotlib": ("https://matplotlib.org/stable/", "matplotlib"),
}
intersphinx_mapping = {name: (url, f"inventories/{file}.inv") for name, (url, file) in INVENTORIES.items()}

# Gallery
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "subsection_order": [
        f"../examples/{name}" for name in ("data", "models", "searches", "results", "running")
    ],
    "filename_pattern": r"\.py$",  # all scripts are run
    "within_subsection_order": "FileNameSortKey",
    "doc_module": ("skhpt",),
    "reference_url": {"skhpt": None},
    "parallel": 2,
    "show_memory": False,
    "write_computation_times": False,
    "remove_config_comments": True,
    "download_all_examples": False,
    "show_signature": False,
    "plot_gallery": os.environ.get("SKHPT_GALLERY", "1") == "1",
}

# Pages
html_theme = "pydata_sphinx_theme"
html_title = "skhpt"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_search_scorer = str(Path(__file__).parent / "_static" / "search_scorer.js")
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "skhpt"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "navigation_depth": 3,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}
html_sidebars = {"changelog": [], "glossary": [], "benchmarks": []}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

#: A relative link of a page to a script of the gallery, such as ``](../../examples/data/text.py)``.
SCRIPT_LINK = re.compile(r"\]\((?:\.\./)+examples/([\w/]+)\.py\)")
#: Public classes, and functions whose names cannot be mistaken for words, with their modules.
PUBLIC_NAMES = {
    name: f"{module.__name__}.{name}"
    for module in (skhpt, *(getattr(skhpt, part) for part in skhpt.__all__))
    for name in getattr(module, "__all__", ())
    if name != name.lower() or "_" in name
}
#: A public name in code font that is not part of a link.
NAME = re.compile(r"(?<![\[`])`(?:skhpt\.(?:\w+\.)?)?(\w+)`(?![`\]])")


def link_to_gallery(app: Sphinx, name: str, source: list[str]) -> None:
    """Replace the links to scripts by links to their pages of the gallery."""
    top = posixpath.relpath(".", posixpath.dirname(name) or ".")
    source[0] = SCRIPT_LINK.sub(rf"]({top}/auto_examples/\1.rst)", source[0])


def link_to_reference(app: Sphinx, name: str, source: list[str]) -> None:
    """Link the first mention of each public name of a page, outside headings and code blocks, to its reference."""
    if name.startswith("auto_examples/") or app.env.doc2path(name).suffix != ".md":
        return
    linked: set[str] = set()

    def link(match: re.Match[str]) -> str:
        if match[1] not in PUBLIC_NAMES or match[1] in linked:
            return match[0]
        linked.add(match[1])
        return f"{{py:obj}}`~{PUBLIC_NAMES[match[1]]}`"

    parts = re.split(r"(^```.*?^```$|^#.*?$)", source[0], flags=re.DOTALL | re.MULTILINE)
    source[0] = "".join(part if i % 2 else NAME.sub(link, part) for i, part in enumerate(parts))


def setup(app: Sphinx) -> None:
    """Connect the steps of the build that only this project has."""
    app.connect("source-read", link_to_gallery)
    app.connect("source-read", link_to_reference)
