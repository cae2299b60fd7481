"""Configuration of the site: ``sphinx-build -W docs build/site``.

The pages are Markdown that GitHub shows too. The gallery is made from the scripts under ``examples/``, the reference
from docstrings. The inventories of other projects are in ``docs/inventories/``, so the site builds without a network.
"""

import os
import posixpath
import re

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
    "min_reported_time": 0,
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


def link_to_gallery(app: Sphinx, name: str, source: list[str]) -> None:
    """Replace the links to scripts by links to their pages of the gallery."""
    top = posixpath.relpath(".", posixpath.dirname(name) or ".")
    source[0] = SCRIPT_LINK.sub(rf"]({top}/auto_examples/\1.rst)", source[0])


def setup(app: Sphinx) -> None:
    """Connect the steps of the build that only this project has."""
    app.connect("source-read", link_to_gallery)
