#!/usr/bin/env python3
"""How documents become pages, and that what check.py looks for is found: planted into a site of two pages."""

from __future__ import annotations

import os
import shutil
import tempfile
import unittest
from pathlib import Path

import book
import check

LYCHEE = os.environ.get("LYCHEE", "lychee")


def assembled(text: str, folder: str = "docs") -> tuple[str, set[str]]:
    """A document of that folder as the site has it, and the sources that it wants a page for."""
    with tempfile.TemporaryDirectory() as work:
        made = book.Book(Path(work), ["pop3_connect", "pop3_recv"], set())
        return made.for_site(text, folder), made.sources


class Documents(unittest.TestCase):
    def test_links_between_documents_stay(self) -> None:
        self.assertEqual(assembled("[a](scale.md) [b](guide.md#options)\n")[0], "[a](scale.md) [b](guide.md#options)\n")
        self.assertEqual(assembled("[a](docs/guide.md)", "")[0], "[a](docs/guide.md)")

    def test_links_to_sources_get_pages(self) -> None:
        text, sources = assembled("[a](../include/pop3connect.h), [b](../ctest), [c](../shim), [d](https://x.org/y)")
        self.assertEqual(
            text, "[a](../include/pop3connect.h.md), [b](architecture.md), [c](../shim/index.md), [d](https://x.org/y)"
        )
        self.assertEqual(sources, {"include/pop3connect.h"})

    def test_names_of_functions_lead_to_the_manual(self) -> None:
        self.assertEqual(assembled("`pop3_recv` `pop3_none`")[0], "[`pop3_recv`](../man/pop3_recv.md) `pop3_none`")
        for text in "## `pop3_recv`", "[by\n`pop3_recv`](scale.md)", "```text\n`pop3_recv`\n```":
            self.assertEqual(assembled(text)[0], text)
        self.assertEqual(assembled("`pop3_recv(a, b)`")[0], "[`pop3_recv(a, b)`](../man/pop3_recv.md)")

    def test_samples_in_several_languages_are_framed(self) -> None:
        c, cpp, shell = "```c program a\na\n```", "```cpp function a\nb\n```", "```sh make\nmake\n```"
        framed = assembled(f"A\n\n{c}\n\n{cpp}\n\nB\n")[0]
        self.assertIn('<div class="samples">\n\n<p class="language">C</p>\n\n```c\na\n```\n\n', framed)
        self.assertIn('<p class="language">C++</p>\n\n```cpp\nb\n```\n\n</div>\n\nB\n', framed)
        for apart in f"{c}\n\nB\n\n{cpp}", f"{c}\n\n{c}", f"{c}\n\n{shell}", f"{shell}\n\n{c}", c:
            self.assertNotIn("<div", assembled(apart)[0])

    def test_a_manual_page_of_no_family_is_refused(self) -> None:
        self.assertEqual(book.families(["pop3_recv", "pop3connect"])["Without a socket"], ["pop3_recv"])
        with self.assertRaises(SystemExit):
            book.families(["pop3_unheard_of"])


#: Two groups of samples, of which one has no Python. What is seen of them is told: at first, after a click on C++, and
#: after the key that leads on to Python; then how many tabs are chosen, and what is remembered.
TABS = """<title>a</title><main>
<div class="samples"><p class="language">C</p><pre>1c</pre><p class="language">C++</p><pre>1cpp</pre>
<p class="language">Python</p><pre>1py</pre></div>
<div class="samples"><p class="language">C</p><pre>2c</pre><p class="language">C++</p><pre>2cpp</pre></div></main>
<script src="samples.js"></script><script>
const told = [];
const see = () => told.push([...document.querySelectorAll('pre')].filter(each => each.checkVisibility())
  .map(each => each.textContent).join(' '));
const tab = name => [...document.querySelectorAll('[role=tab]')].find(each => each.textContent === name);
see();
tab('C++').click();
see();
tab('C++').focus();
tab('C++').dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
see();
told.push(document.querySelectorAll('[aria-selected=true]').length, localStorage.getItem('pop3connect-language'));
fetch('/.told', {method: 'POST', body: JSON.stringify(told)});
</script>"""


class Tabs(unittest.TestCase):
    def test_the_language_that_is_chosen_is_shown_everywhere(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "a.html").write_text(TABS)
            shutil.copy(Path(__file__).parent / "samples.js", folder)
            told = check.told_by_browser(Path(folder), "a.html")
        self.assertEqual(told, ["1c 2c", "1cpp 2cpp", "1py 2cpp", 2, "Python"])


class Faults(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.site = Path(folder.name)
        in_itself = '<div style="overflow-x: auto"><pre style="width: 3000px">wide</pre></div>'
        self.write("a", f'<a href="b.html#there">b</a>{in_itself}')
        self.write("b", '<p id="there">b</p>')

    def write(self, name: str, body: str, head: str | None = None) -> None:
        title = f"<title>{name}</title>" if head is None else head
        page = f'<!doctype html><html lang="en">{title}<body style="margin: 0"><main>{body}</main></body></html>'
        (self.site / f"{name}.html").write_text(page)

    def test_none(self) -> None:
        self.assertEqual(list(check.faults(self.site, LYCHEE)), [])

    def test_dead_links(self) -> None:
        for link in "c.html", "b.html#nowhere", "/b/":
            with self.subTest(link):
                self.write("a", f'<a href="{link}">x</a>')
                self.assertNotEqual(list(check.faults_of_links(self.site, LYCHEE)), [])

    def test_titles_and_what_is_loaded(self) -> None:
        for body, head in [
            ("", ""),
            ("", "<title>b</title>"),
            ('<script src="https://example.com/x.js"></script>', None),
            ('<img src="//example.com/x.png" alt="x">', None),
            ("", '<title>a</title><link rel="stylesheet" href="http://example.com/x.css">'),
        ]:
            with self.subTest(body + str(head)):
                self.write("a", body, head)
                self.assertEqual(len(list(check.faults_of_pages(self.site))), 1)
        self.write("a", "")
        (self.site / "a.css").write_text("/* //none */ @font-face { src: url(https://example.com/x.woff) }")
        self.assertEqual(list(check.faults_of_pages(self.site)), ["a.css: loads https://example.com/x.woff"])

    def test_what_is_wide(self) -> None:
        self.write("a", '<table style="width: 500px"><tr><td>for a phone</table>')
        self.write("b", "<script>document.querySelector('main').innerHTML = '<p style=\"width: 2000px\">x'</script>")
        found = "\n".join(check.faults_of_width(self.site))
        for words in "a.html at 375 px: <table", "a.html at 375 px, no scripts", "b.html at 1280 px: <p":
            self.assertIn(words, found)
        for words in "a.html at 1280", "b.html at 1280 px, no scripts":
            self.assertNotIn(words, found)


if __name__ == "__main__":
    unittest.main()
