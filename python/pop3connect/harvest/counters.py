"""Counters in the text format that Prometheus reads."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class Counters:
    """Counters and gauges, each with the same labels in all of its series. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._families: dict[str, _Family] = {}

    def counter(self, name: str, help: str, labels: Iterable[str] = ()) -> None:
        """Declares what only grows; by convention its name ends with `_total`."""
        self._declare(name, "counter", help, labels)

    def gauge(self, name: str, help: str, labels: Iterable[str] = ()) -> None:
        """Declares what goes up and down."""
        self._declare(name, "gauge", help, labels)

    def add(self, name: str, by: float = 1, **labels: str) -> None:
        """Adds to a series, which begins with 0. Raises ValueError where a counter would become less."""
        with self._lock:
            family = self._families[name]
            if family.kind == "counter" and not by >= 0:
                raise ValueError(f"{name} is a counter, to which {by} cannot be added")
            key = family.key(name, labels)
            family.values[key] = family.values.get(key, 0) + by

    def set(self, name: str, value: float, **labels: str) -> None:
        """Sets a gauge."""
        with self._lock:
            family = self._families[name]
            if family.kind != "gauge":
                raise ValueError(f"{name} is a {family.kind}, which cannot be set")
            family.values[family.key(name, labels)] = value

    def get(self, name: str, **labels: str) -> float:
        """The value of a series; 0 where nothing has been added."""
        with self._lock:
            family = self._families[name]
            return family.values.get(family.key(name, labels), 0)

    def text(self) -> str:
        """All of them, in the exposition format 0.0.4: content type `text/plain; version=0.0.4`."""
        with self._lock:
            return "".join(family.text(name) for name, family in self._families.items())

    def _declare(self, name: str, kind: str, help: str, labels: Iterable[str]) -> None:
        labels = tuple(labels)
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a metric")
        for label in labels:
            if not _LABEL.fullmatch(label) or label.startswith("__"):
                raise ValueError(f"{label!r} is no name of a label")
        with self._lock:
            if name in self._families:
                raise ValueError(f"{name} is there already")
            self._families[name] = _Family(kind, help, labels)


class _Family:
    """A metric, and its series by the values of their labels."""

    def __init__(self, kind: str, help: str, labels: tuple[str, ...]) -> None:
        self.kind = kind
        self._help = help
        self._labels = labels
        # a metric without labels is there from the start
        self.values: dict[tuple[str, ...], float] = {} if labels else {(): 0}

    def key(self, name: str, labels: dict[str, str]) -> tuple[str, ...]:
        if set(labels) != set(self._labels):
            raise ValueError(
                f"{name} has the labels {', '.join(self._labels) or 'none'}, not {', '.join(labels) or 'none'}"
            )
        return tuple(labels[label] for label in self._labels)

    def text(self, name: str) -> str:
        help = self._help.replace("\\", r"\\").replace("\n", r"\n")
        lines = [f"# HELP {name} {help}", f"# TYPE {name} {self.kind}"]
        for key, value in sorted(self.values.items()):
            labels = ",".join(f'{label}="{_escaped(text)}"' for label, text in zip(self._labels, key))
            lines.append(f"{name}{{{labels}}} {_number(value)}" if labels else f"{name} {_number(value)}")
        return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
