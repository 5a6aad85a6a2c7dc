#!/usr/bin/env python3
"""Assembles the book that mdBook makes the site of: book.py FOLDER MANUAL

Into FOLDER go the documents, each at its own place, so that links between them need not be changed; the manual pages of
the folder MANUAL, by family; and a page for each file of the sources that a document links to. What the site alone has
is added on the way: links from names of functions to their pages, and the frame of samples that are the same in several
languages (samples.js).
"""

from __future__ import annotations

import html
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: The documents in the order in which readers need them, by the parts of the table of contents.
DOCUMENTS = {
    "Use": [
        *("docs/guide.md", "docs/install.md", "python/README.md", "docs/coming-from.md", "shim/README.md"),
        "docs/errors.md",
    ],
    "Know": ["docs/security.md", "docs/platforms.md", "docs/scale.md", "docs/benchmarks.md", "docs/abi.md"],
    "Work on it": ["CHANGELOG.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/releasing.md", "SECURITY.md"],
}
#: What the table of contents calls a document where its heading does not say what it is among others.
TITLES = {
    "README.md": "pop3connect",
    "python/README.md": "Python",
    "docs/coming-from.md": "Coming from other libraries",
    "shim/README.md": "Omnis Studio",
    "docs/security.md": "Security: what is promised",
    "docs/abi.md": "ABI",
    "SECURITY.md": "Security: reporting",
}
#: Manual pages by family: the names of each, without `pop3_`, as a regular expression.
FAMILIES = {
    "Sessions": r"connect(_with)?|disconnect|cancel|noop|capabilities|(get_)?tls_info(_free)?|forget|sts_cb",
    "The mailbox": r"message_count|mailbox(_size)?|list_messages|unique_ids|(uid_)?list(_free)?|uid|message_info",
    "Reading messages": r"recv_(headers|tops?|messages?|message_to|uid)|buffer(_free)?|(data|message)_cb",
    "Deleting messages": r"delete_(messages?|uid)|undo_deletes",
    "Without a socket": r"(stat|recv)(_with)?",
    "Collecting, each message once": r"job(_.*)?|collect|arrival|outcome|(book|collect|wanted)_cb",
    "Many mailboxes on one thread": r"loop(_.*)?|done_cb",
    "Options of a connection": r"options(_.*)?",
    "Taking messages apart": r"split|mail(_free)?|field|part",
    "The process and its errors": r"set_.*|(get_last|get_secure)_error|error_(text|cb)|version",
}
#: Languages of samples among which readers choose.
LANGUAGES = {"c": "C", "cpp": "C++", "python": "Python"}
#: Of files of the sources, by how their names end; of others text.
LANGUAGE_OF = {".h": "c", ".hpp": "cpp", ".c": "c", ".cpp": "cpp", ".py": "python"}

OVERVIEW = "pop3connect"
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<=\]\()([^):\s#]+)((?:#[^)\s]*)?)(?=\))")
APART = re.compile(r"(\[[^\]]*\]\([^)]*\)|^#.*$)", re.MULTILINE)
#: A name, alone or called.
CODE = re.compile(r"`(pop3\w+)(\([^`\n]*\))?`")


@dataclass
class Book:
    """What is assembled."""

    folder: Path
    #: The names of the manual pages.
    manual: list[str]
    #: Files of the sources that documents have linked to, by their paths.
    sources: set[str]

    def write(self, path: str, text: str) -> None:
        file = self.folder / "src" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    # documents

    def add_document(self, path: str) -> None:
        """A document, with what the site has beside it: pictures are files as they are."""
        self.write(path, self.for_site((ROOT / path).read_text(), posixpath.dirname(path)))

    def for_site(self, text: str, folder: str) -> str:
        """A document's text as the site has it; `folder` is where it lies."""
        parts: list[str | re.Match[str]] = []
        end = 0
        for fence in FENCE.finditer(text):
            parts += [self._prose(text[end : fence.start()], folder), fence]
            end = fence.end()
        parts.append(self._prose(text[end:], folder))
        return "".join(framed(parts))

    def _prose(self, text: str, folder: str) -> str:
        to_manual = posixpath.relpath("man", folder or ".")

        def link(found: re.Match[str]) -> str:
            return self._target(posixpath.normpath(posixpath.join(folder, found[1])), folder) + found[2]

        def name(found: re.Match[str]) -> str:
            return f"[{found[0]}]({to_manual}/{found[1]}.md)" if found[1] in self.manual else found[0]

        # headings stay as they are, and what stands in a link already leads somewhere else
        pieces = APART.split(LINK.sub(link, text))
        return "".join(piece if at % 2 else CODE.sub(name, piece) for at, piece in enumerate(pieces))

    def _target(self, path: str, folder: str) -> str:
        """Where a link to that file or folder of the sources leads to."""
        there = ROOT / path
        if there.is_dir():
            path = f"{path}/README.md" if (there / "README.md").exists() else "docs/architecture.md"
        elif path.endswith(".svg"):
            self.write(path, there.read_text())
        elif not path.endswith(".md"):
            self.sources.add(path)
            path += ".md"
        if path.endswith("README.md"):
            path = path.removesuffix("README.md") + "index.md"
        return posixpath.relpath(path, folder or ".")

    # the manual

    def add_manual(self, folder: Path) -> None:
        for name in self.manual:
            self.write(f"man/{name}.md", manual_page(name, folder / f"{name}.3", self.manual))
        lines = ["# Manual pages\n", f"[{OVERVIEW}]({OVERVIEW}.md) has what all functions have in common.\n"]
        for family, names in families(self.manual).items():
            items = (f"- [`{name}`]({name}.md): {summary(folder / f'{name}.3')}" for name in names)
            lines += [f"## {family}\n", *items, ""]
        self.write("man/index.md", "\n".join(lines))

    # sources, and the table of contents

    def add_sources(self) -> None:
        for path in sorted(self.sources):
            text = (ROOT / path).read_text()
            fence = "````"
            self.write(
                f"{path}.md", f"# {path}\n\n{fence}{LANGUAGE_OF.get(Path(path).suffix, 'text')}\n{text}{fence}\n"
            )

    def add_summary(self) -> None:
        lines = ["# Summary\n", f"[{title('README.md')}](README.md)\n"]
        for part, documents in DOCUMENTS.items():
            lines += [f"# {part}\n", *(f"- [{title(path)}]({path})" for path in documents)]
            if part == "Use":
                lines += [f"- [Manual pages](man/index.md)\n  - [Overview](man/{OVERVIEW}.md)"]
                lines += self._families()
            lines.append("")
        lines += ["# Sources\n", "- [Headers and examples]()"]
        lines += [f"  - [{path}]({path}.md)" for path in sorted(self.sources, key=source_order)]
        self.write("SUMMARY.md", "\n".join(lines) + "\n")

    def _families(self) -> Iterator[str]:
        for family, names in families(self.manual).items():
            yield f"  - [{family}]()"
            yield from (f"    - [{name}](man/{name}.md)" for name in names)


def source_order(path: str) -> tuple[bool, bool, str]:
    """The headers first, then examples."""
    return not path.startswith("include/"), not path.startswith("examples/"), path


def title(path: str) -> str:
    return TITLES.get(path) or (ROOT / path).read_text().split("\n", 1)[0].removeprefix("# ")


def families(names: Iterable[str]) -> dict[str, list[str]]:
    """The manual pages by family: each in one."""
    found: dict[str, list[str]] = {family: [] for family in FAMILIES}
    for name in sorted(names):
        if name != OVERVIEW:
            of = [family for family, those in FAMILIES.items() if re.fullmatch(those, name.removeprefix("pop3_"))]
            if len(of) != 1:
                raise SystemExit(f"book.py: {name} is of {len(of)} families")
            found[of[0]].append(name)
    return found


def framed(parts: list[str | re.Match[str]]) -> Iterator[str]:
    """Samples with their languages alone, those that follow each other in several languages in a frame."""
    at = 0
    while at < len(parts):
        part = parts[at]
        if isinstance(part, str):
            yield part
            at += 1
            continue
        group = [part]
        while part[1] in LANGUAGES and (following := next_sample(parts, at)) is not None:
            if following[1] not in LANGUAGES or following[1] in {one[1] for one in group}:
                break
            group.append(following)
            at += 2
        at += 1
        if len(group) == 1:
            yield fenced(part)
            continue
        yield '<div class="samples">\n\n'
        for sample in group:
            yield f'<p class="language">{LANGUAGES[sample[1]]}</p>\n\n{fenced(sample)}\n\n'
        yield "</div>"


def next_sample(parts: list[str | re.Match[str]], at: int) -> re.Match[str] | None:
    """The sample that follows that one, with nothing between them."""
    between, following = [*parts[at + 1 : at + 3], None, None][:2]
    return following if isinstance(following, re.Match) and str(between).isspace() else None


def fenced(sample: re.Match[str]) -> str:
    return f"```{sample[1]}\n{sample[2]}```"


def summary(page: Path) -> str:
    """What NAME says of a page."""
    found = re.search(r"^\.SH NAME\n\S+ \\- (.*)$", page.read_text(), re.MULTILINE)
    assert found is not None, page
    return found[1].replace("\\e", "\\")


def manual_page(name: str, page: Path, pages: list[str]) -> str:
    """A manual page for the book: mandoc's HTML, with headings and code in Markdown, so that mdBook knows them."""
    mandoc = ["mandoc", "-T", "html", "-O", "fragment", str(page)]
    text = subprocess.run(mandoc, check=True, capture_output=True, text=True).stdout
    text = re.sub(r'<table class="(head|foot)">.*?</table>', "", text, flags=re.DOTALL)
    text = re.sub(r"</?(div|section)[^>]*>\n?", "", text)
    text = re.sub(r'<a class="permalink"[^>]*>(.*?)</a>', r"\1", text, flags=re.DOTALL)
    text = re.sub(r'<h1 class="Sh"[^>]*>(.*?)</h1>', heading, text, flags=re.DOTALL)
    text = re.sub(r"<b>(\w+)</b>(\(\d?\))?(<b>,</b>)?", lambda found: reference(found, name, pages), text)
    text = re.sub(r"<pre>(.*?)</pre>", code, text, flags=re.DOTALL)
    return f"# {name}\n{text}"


def heading(found: re.Match[str]) -> str:
    words = " ".join(found[1].split())
    return "" if words == "NAME" else f"\n## {words.capitalize()}\n"


def reference(found: re.Match[str], name: str, pages: list[str]) -> str:
    """A name in bold: a link, if it has a page or is an error. Sections of the manual are not told, there is one."""
    word, behind, comma = found[1], (found[2] or "").replace("(3)", ""), "," if found[3] else ""
    text = f"<code>{word}</code>"
    if word in pages and word != name:
        text = f'<a href="{word}.html">{text}</a>'
    elif re.match("POP3_ERR_.", word):
        text = f'<a href="../docs/errors.html#{word.lower()}">{text}</a>'
    return text + behind + comma


def code(found: re.Match[str]) -> str:
    lines = html.unescape(re.sub(r"<[^>]*>", "", found[1])).strip("\n")
    return f"\n\n```{'sh' if lines.startswith('cc ') else 'c'}\n{lines}\n```\n\n"


def main(folder: Path, manual: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    book = Book(folder, sorted(page.stem for page in manual.glob("*.3")), set())
    documents = ["README.md", *(path for part in DOCUMENTS.values() for path in part)]
    if missing := {str(path.relative_to(ROOT)) for path in ROOT.glob("docs/*.md")} - {*documents}:
        raise SystemExit(f"book.py: in no part of the table of contents: {', '.join(sorted(missing))}")
    for path in documents:
        book.add_document(path)
    book.add_manual(manual)
    book.add_sources()
    book.add_summary()
    here = Path(__file__).parent
    for name in "book.toml", "site.css", "samples.js":
        shutil.copy(here / name, folder)
    shutil.copytree(here / "theme", folder / "theme")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__.split("\n", 1)[0])
    main(Path(sys.argv[1]), Path(sys.argv[2]))
