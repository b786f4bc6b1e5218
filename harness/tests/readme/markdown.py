"""Fenced blocks of a Markdown document, and the commands of a block."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

FENCE = re.compile(r"^( *)```(\w*)")


@dataclass
class Block:
    language: str
    text: str
    line: int


def blocks(document: str) -> Iterator[Block]:
    """Yields the fenced blocks; one without a language is text."""
    opened: Block | None = None
    for number, line in enumerate(document.splitlines(keepends=True), start=1):
        fence = FENCE.match(line)
        if fence and opened:
            yield opened
            opened = None
        elif fence:
            opened = Block(fence[2] or "text", "", number)
        elif opened:
            opened.text += line
    assert opened is None, f"the block in line {opened.line} has no end"


def commands(text: str) -> list[str]:
    """Splits a block of shell into the commands that bash would run one after the other."""
    found, command = [], ""
    for line in text.splitlines(keepends=True):
        command += line
        if not is_complete(command):
            continue
        if any(part.strip() and not part.strip().startswith("#") for part in command.splitlines()):
            found.append(command.strip())
        command = ""
    assert not command.strip(), f"not a complete command: {command}"
    return found


def is_complete(command: str) -> bool:
    if command.rstrip("\n").endswith("\\"):
        return False
    checked = subprocess.run(["bash", "-n"], input=command, text=True, capture_output=True)
    return checked.returncode == 0 and not checked.stderr
