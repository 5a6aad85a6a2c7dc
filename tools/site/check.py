#!/usr/bin/env python3
"""Checks the site: check.py FOLDER LYCHEE

Every link and anchor inside it leads somewhere (lychee); each page has a title of its own and takes nothing from
elsewhere; and in Chromium no page is wider than a phone's or a desk's screen, with scripts and without them. Links to
elsewhere are listed, not followed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WIDTHS = [375, 1280]
#: What a page loads by itself, and by which attribute.
LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src", "object": "data"}
LOADED_BY_STYLE = r"""(?:url\(|@import\s)\s*['"]?((?:\w+:)?//[^)'"\s]+)"""
#: mdBook's own, for readers without scripts: the table of contents in a frame.
NO_PAGE = "toc.html"
#: A guard against a browser that hangs.
SECONDS = 600

# Asks of each page in a frame what sticks out of it, and tells the server. In a sandbox the page's scripts do not run,
# and it can be looked into all the same.
MEASURE = """<!doctype html><script type="module">
const {pages, widths} = await (await fetch('/.pages')).json();
const wide = [];
const hides = element => element.localName !== 'main' &&
  (getComputedStyle(element).overflowX !== 'visible' || hides(element.parentElement));
const measure = async (width, sandbox) => {
  for (const page of pages) {
    const frame = document.createElement('iframe');
    if (sandbox) frame.setAttribute('sandbox', sandbox);
    frame.style = `border: 0; width: ${width}px; height: 800px`;
    frame.src = page;
    await new Promise(done => { frame.onload = done; document.body.append(frame); });
    const inside = frame.contentDocument, main = inside.querySelector('main');
    const where = `${page} at ${width} px${sandbox ? ', no scripts' : ''}`;
    for (const element of main ? main.querySelectorAll('*') : [])
      if (element.getBoundingClientRect().right > width + 1 && !hides(element.parentElement))
        wide.push(`${where}: ${element.outerHTML.slice(0, 100)}`);
    if (!main || inside.documentElement.scrollWidth > width) wide.push(`${where}: scrolls sideways`);
    frame.remove();
  }
};
await Promise.all(widths.flatMap(width => [measure(width, ''), measure(width, 'allow-same-origin')]));
await fetch('/.told', {method: 'POST', body: JSON.stringify(wide)});
</script>"""


class Page(HTMLParser):
    """What a page says of itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.title = ""
        self.loads: list[str] = []
        self._in_title = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        # of pictures in SVG the title is another one
        self._in_title = tag == "title" and not self.title
        for name, value in attributes:
            if name == LOADED.get(tag):
                self.loads.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data


def pages_of(site: Path) -> list[str]:
    return sorted(str(page.relative_to(site)) for page in site.rglob("*.html") if page.name != NO_PAGE)


def faults_of_links(site: Path, lychee: str) -> Iterator[str]:
    done = subprocess.run(
        [lychee, "--offline", "--include-fragments", "--no-progress", "--root-dir", str(site), str(site)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        yield done.stdout + done.stderr


def faults_of_pages(site: Path) -> Iterator[str]:
    titles: dict[str, str] = {}
    for name in pages_of(site):
        page = Page((site / name).read_text())
        title = page.title.strip()
        if not title:
            yield f"{name}: no title"
        elif title in titles:
            yield f"{name}: the title of {titles[title]}: {title}"
        titles.setdefault(title, name)
        yield from (f"{name}: loads {it}" for it in page.loads if re.match(r"(\w+:)?//", it))
    for style in site.rglob("*.css"):
        yield from (f"{style.relative_to(site)}: loads {it}" for it in re.findall(LOADED_BY_STYLE, uncommented(style)))


def uncommented(style: Path) -> str:
    return re.sub(r"/\*.*?\*/", "", style.read_text(), flags=re.DOTALL)


class Handler(SimpleHTTPRequestHandler):
    """Serves the site, and what measures it."""

    server: Server

    def do_GET(self) -> None:
        own = {"/.measure": MEASURE, "/.pages": json.dumps({"pages": self.server.pages, "widths": WIDTHS})}
        if self.path not in own:
            super().do_GET()
            return
        body = own[self.path].encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.server.words = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        self.server.told.set()

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def __init__(self, site: Path) -> None:
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=str(site)))
        self.pages = pages_of(site)
        #: What the browser has told.
        self.words: list[str] = []
        self.told = threading.Event()


def told_by_browser(site: Path, page: str) -> list[str]:
    """What the scripts of a page tell in Chromium, by a POST of a list of words to /.told."""
    with Server(site) as server, tempfile.TemporaryDirectory() as folder:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = ["chromium", "--headless", "--disable-gpu", f"--user-data-dir={folder}", "--window-size=1400,900"]
        command += ["--no-sandbox"] if os.getuid() == 0 else []
        command += ["--remote-debugging-port=0", f"http://127.0.0.1:{server.server_port}/{page}"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
            is_told = server.told.wait(SECONDS)
            browser.terminate()
        server.shutdown()
        return server.words if is_told else [f"{page}: Chromium tells nothing"]


def faults_of_width(site: Path) -> Iterator[str]:
    yield from told_by_browser(site, ".measure")


def elsewhere(site: Path) -> list[str]:
    """Where links to other sites lead."""
    texts = ((site / name).read_text() for name in pages_of(site))
    return sorted({link for text in texts for link in re.findall(r'<a href="(https?://[^"#]+)', text)})


def faults(site: Path, lychee: str) -> Iterator[str]:
    yield from faults_of_links(site, lychee)
    yield from faults_of_pages(site)
    yield from faults_of_width(site)


def main(site: Path, lychee: str) -> int:
    print("links to elsewhere, not followed:", *elsewhere(site), sep="\n  ")
    found = list(faults(site, lychee))
    print(*found, sep="\n", file=sys.stderr)
    print(f"site: {len(pages_of(site))} pages, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__.split("\n", 1)[0])
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2]))
