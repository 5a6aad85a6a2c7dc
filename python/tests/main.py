"""Runs the tests: with the package that is installed, or with the sources beside them if POP3CONNECT_LIBRARY is set."""

from __future__ import annotations

import importlib.util
import os
import sys
import unittest
from pathlib import Path

FOLDER = Path(__file__).parent


def main() -> None:
    # the tests as a package, without the folder that has the sources too
    places = [str(FOLDER)]
    spec = importlib.util.spec_from_file_location("tests", FOLDER / "__init__.py", submodule_search_locations=places)
    assert spec is not None and spec.loader is not None
    sys.modules["tests"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    import pop3connect

    if "POP3CONNECT_LIBRARY" not in os.environ:
        assert "site-packages" in pop3connect.__file__, pop3connect.__file__
        assert pop3connect._library.is_bundled, pop3connect._library._path
    names = sorted(f"tests.{file.stem}" for file in FOLDER.glob("test_*.py"))
    unittest.main(module=None, argv=["tests", *(sys.argv[1:] or names)])


if __name__ == "__main__":
    main()
