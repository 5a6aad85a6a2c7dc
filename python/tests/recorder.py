"""A sink that notes what it was given, by which processes, so that what is lost or comes twice is seen."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pop3connect import Message
from pop3connect.harvest import Maildir


@dataclass(frozen=True)
class Recorder:
    """Takes messages into a Maildir, and notes each time that it did, in a file of its process."""

    folder: Path

    def take(self, name: str, message: Message) -> None:
        Maildir(self.folder / "mail").take(name, message)
        with open(self.folder / f"taken-{os.getpid()}", "a") as file:
            file.write(f"{name} {message.uid}\n")

    def takes(self) -> dict[int, list[str]]:
        """What each process took, as name and unique id."""
        files = self.folder.glob("taken-*")
        return {int(file.name.partition("-")[2]): file.read_text().splitlines() for file in files}

    def all_takes(self) -> list[str]:
        return [take for takes in self.takes().values() for take in takes]

    def whole(self) -> int:
        """How many messages are in the Maildir."""
        return len(os.listdir(self.folder / "mail/new")) if (self.folder / "mail").exists() else 0

    def twice(self) -> list[str]:
        return [take for take, times in Counter(self.all_takes()).items() if times > 1]

    def faults(self, wanted: Iterable[str], lost: int) -> list[str]:
        """What was lost, and what came twice that was not the last of its account that the lost process took."""
        last = {take.partition(" ")[0]: take for take in self.takes()[lost]}
        faults = [f"{take} is lost" for take in set(wanted) - set(self.all_takes())]
        faults += [f"nobody has sent {take}" for take in set(self.all_takes()) - set(wanted)]
        faults += [f"{take} came twice" for take in set(self.twice()) - set(last.values())]
        if self.whole() != len(set(wanted)):
            faults.append(f"there are {self.whole()} messages in the Maildir")
        return faults
