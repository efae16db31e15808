"""What `make docs` needs beyond the pages: the README as the first page, and links to sources, which a site has not.

mkdocs loads it as hooks; `python -m scripts.docs_site` writes llms.txt.
"""

from __future__ import annotations

import posixpath
import re
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FROM_THE_ROOT = {
    "README.md": "index.md",
    "README.id.md": "index.id.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
_FENCE = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)


def on_config(config: Any) -> Any:
    """The navigation with the pages of its folders."""
    config["nav"] = expanded(config["nav"])
    return config


def expanded(nav: list[Any]) -> list[Any]:
    """``folder/`` becomes the pages of that folder by name; a section that then has none is left out."""
    found: list[Any] = []
    for entry in nav:
        if isinstance(entry, dict):
            [(title, below)] = entry.items()
            below = expanded(below) if isinstance(below, list) else below
            found += [{title: below}] if below else []
        elif entry.endswith("/"):
            found += [page.relative_to(DOCS).as_posix() for page in sorted((DOCS / entry).glob("*.md"))]
        else:
            found.append(entry)
    return found


def on_files(files: Any, config: Any) -> Any:
    """Add what lies beside the folder of the pages."""
    made_of: Any = import_module("mkdocs.structure.files").File  # in the environment of `make docs` only
    for name, page in FROM_THE_ROOT.items():
        files.append(made_of.generated(config, page, content=(ROOT / name).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Links as the site has them."""
    source = page.file.src_uri
    at_root = {page: name for name, page in FROM_THE_ROOT.items()}
    return with_links(markdown, at_root.get(source, f"docs/{source}"))


def on_post_build(config: Any) -> None:
    """A short list of the pages for programs that read."""
    (Path(config["site_dir"]) / "llms.txt").write_text(overview(), "utf-8")


def with_links(markdown: str, place: str) -> str:
    """The text of a file of the repository, whose links lead to pages of the site; others become plain words."""

    def replaced(match: re.Match[str]) -> str:
        mark, text, target = match.groups()
        path, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:") or not path:
            return match[0]
        found = posixpath.normpath(posixpath.join(posixpath.dirname(place), path))
        anchor = f"#{anchor}" if anchor else ""
        here = posixpath.dirname(FROM_THE_ROOT.get(place, place.removeprefix("docs/")))
        if found in FROM_THE_ROOT:
            return f"{mark}[{text}]({posixpath.relpath(FROM_THE_ROOT[found], here or '.')}{anchor})"
        if found.startswith("docs/") and (ROOT / found).is_file():
            return f"{mark}[{text}]({posixpath.relpath(found.removeprefix('docs/'), here or '.')}{anchor})"
        if (ROOT / found).exists():
            return text  # a source, or a folder
        return match[0]

    parts = _FENCE.split(markdown)
    return "".join(part if index % 2 else _LINK.sub(replaced, part) for index, part in enumerate(parts))


def overview() -> str:
    """llms.txt: what there is to read, by the sections of the site, with a sentence for each page."""
    lines = [
        "# TaskForge",
        "",
        "> Durable background jobs for Python: tasks are decorated functions, SQLite or PostgreSQL is the record, the same",
        "> code from one process to a fleet. `pip install taskforge-jobs`, `import taskforge`, command `taskforge`.",
    ]
    at_root = {page: name for name, page in FROM_THE_ROOT.items()}
    for section in navigation():
        [(title, pages)] = section.items()
        if title == "Decisions":
            continue
        lines += ["", f"## {title}", ""]
        for entry in pages:
            page = entry if isinstance(entry, str) else next(iter(entry.values()))
            place = at_root.get(page, f"docs/{page}")
            name, sentence = summary_of(ROOT / place)
            lines.append(f"- [{name}]({place}){': ' if sentence else ''}{sentence}")
    lines += [
        "",
        "## More",
        "",
        "- [decisions](docs/decisions): why it is as it is",
        "- [openapi.json](openapi.json): the HTTP API",
        "- [examples](examples): programs that run",
        "",
    ]
    return "\n".join(lines)


def navigation() -> list[Any]:
    """What mkdocs.yml says of the navigation, its folders expanded."""
    yaml: Any = import_module("yaml")
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    return expanded(yaml.load(text, yaml.BaseLoader)["nav"])  # texts alone: tags are mkdocs' own


def summary_of(page: Path) -> tuple[str, str]:
    """A page's title and its first sentence."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    title = text.partition("\n")[0].removeprefix("# ").strip()
    for paragraph in text.split("\n\n")[1:]:
        if paragraph.strip() and paragraph[0] not in "#|<-!\n":
            plain = _LINK.sub(lambda match: match[2], " ".join(paragraph.split()))
            return title, re.split(r"(?<=[.:])\s", plain)[0].rstrip(":").strip("* ")
    return title, ""


if __name__ == "__main__":
    (ROOT / "llms.txt").write_text(overview(), "utf-8")
