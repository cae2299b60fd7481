"""The pages: links, paths and parameters that they name exist."""

import ast
import importlib
import inspect
import re
from functools import cache
from pathlib import Path

import pytest
from sklearn.model_selection import cross_validate

import skhpt

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SEARCHES = ["GridSearch", "RandomSearch", "BayesSearchCV", "HyperbandSearchCV", "ManualSearch"]


def page_id(page):
    return str(page.relative_to(ROOT))


def text_of(page):
    """Text without code blocks."""
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page):
    """Anchors of the headings, as GitHub forms them."""
    headings = re.findall(r"^#+ (.*)$", text_of(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_to_a_page_and_a_heading(page):
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text_of(page)):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_files_and_folders_that_a_page_names_exist(page):
    if page.name == "changelog.md":  # names files of earlier versions too
        return
    for path in re.findall(r"`([\w./]+(?:\.py|/))`", text_of(page)):
        assert any((ROOT / folder / path).exists() for folder in (".", "skhpt", "tests")), path


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_names_that_a_page_finds_in_a_file_are_there(page):
    for name, path in re.findall(r"`(\w+)`\s+in\s+`([\w/]+\.py)`", text_of(page)):
        file = next(ROOT / folder / path for folder in (".", "skhpt") if (ROOT / folder / path).exists())
        assert re.search(rf"\b{name}\b", file.read_text(encoding="utf-8")), f"{name} in {path}"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_code_that_is_not_run_is_valid_and_names_what_exists(page):
    for code in re.findall(
        r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    ):
        if ">>>" in code:
            continue
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "skhpt":
                module = importlib.import_module(node.module)
                assert all(hasattr(module, alias.name) for alias in node.names)


@cache
def trees():
    """Syntax trees of the modules of the package."""
    return [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "skhpt").rglob("*.py")]


def test_classes_that_the_glossary_names_exist():
    classes = {node.name for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    named = re.findall(r"`([A-Z]\w+)(?:\.\w+)?`", text_of(ROOT / "docs" / "glossary.md"))
    assert named
    assert not set(named) - classes


def texts_in(tree):
    """String literals of a module without docstrings; values in f-strings are dots."""
    docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "..." for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings:
            yield node.value


def test_messages_of_the_page_on_troubleshooting_occur_in_the_code():
    page = (ROOT / "docs" / "guide" / "troubleshooting.md").read_text(encoding="utf-8")
    messages = re.findall(r"^### (.*)$", page, flags=re.MULTILINE)
    assert len(messages) >= 20
    of_sklearn = ast.parse(inspect.getsource(inspect.getmodule(cross_validate)))
    texts = "\n".join(text.replace("\n", " ") for tree in [*trees(), of_sklearn] for text in texts_in(tree))
    for message in messages:
        parts = [re.escape(part) for part in message.split("...") if part]
        assert re.search(".*".join(parts), texts), message


@pytest.mark.parametrize("name", SEARCHES)
def test_the_reference_has_every_parameter_of_a_search(name):
    reference = text_of(ROOT / "docs" / "reference" / "parameters.md")
    rows = [line.split("|") for line in reference.splitlines() if line.startswith("|")]
    named = {parameter for cells in rows for cell in cells[1:3] for parameter in re.findall(r"`(\w+)`", cell)}
    parameters = inspect.signature(getattr(skhpt, name)).parameters
    assert not parameters.keys() - named
