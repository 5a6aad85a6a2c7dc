"""The tag of a wheel that has the library in it: the environment's POP3CONNECT_WHEEL_TAG, as packaging/wheel.sh sets
it.

Without one the wheel is for any system, and takes the library that the system has.
"""

from __future__ import annotations

import os
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Tag(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        tag = os.environ.get("POP3CONNECT_WHEEL_TAG")
        if tag:
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{tag}"
