"""Runs the fenced blocks of documents, and compares the output that they show with the real one.

usage: blocks.py DOCUMENT…      in a copy of the checkout, see `run`

A block of `sh` is run command by command, all of a document in one shell. A block of `text` after it must be in the
output of its commands: white space counts once, `…` stands for anything, and times, ids and ports are not compared. Where
the shown text ends with `(exit N)`, the last command ends with N. Blocks of other languages are written to a file and
read by a command. What is not run is listed in blocks.toml with its reason; an entry that nothing needs is an error.
"""

import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from markdown import Block, blocks, commands
from output import exit_code, missing
from shell import Shell

HERE = Path(__file__).parent
LIMIT = 300  # seconds for one command


class Failed(Exception):
    pass


class Document:
    def __init__(self, path: str, entries: list[dict]) -> None:
        self.path = path
        self.entries = [entry for entry in entries if entry["document"] == path]
        self.unused = list(self.entries)
        self.shell = Shell(LIMIT)
        self.output = ""
        self.counts = {"run": 0, "compared": 0, "read": 0, "not run": 0}

    def run(self) -> None:
        # What the document before has written is gone.
        subprocess.run(["git", "clean", "-fdq"], check=True)
        try:
            all_blocks = list(blocks(Path(self.path).read_text()))
            for position, block in enumerate(all_blocks):
                after = all_blocks[position + 1 :]
                self.block(block, next((other for other in after[:1] if other.language == "text"), None))
            self.messages()
        finally:
            self.shell.stop()
        for entry in self.unused:
            raise Failed(f"blocks.toml: {self.path} has no block for {entry}")

    def block(self, block: Block, shown: Block | None) -> None:
        match block.language:
            case "sh":
                self.output = ""
                lines = commands(block.text)
                for position, command in enumerate(lines):
                    is_last = position == len(lines) - 1
                    self.command(block, command, exit_code(shown.text) if shown and is_last else 0)
            case "text":
                self.compare(block)
            case _:
                self.file(block)

    def command(self, block: Block, command: str, code: int) -> None:
        entry = self.entry("command", command)
        if entry and "reason" in entry:
            self.counts["not run"] += 1
            return
        self.counts["run"] += 1
        if entry and "until" in entry:
            self.output += self.shell.start(command, entry["until"])
            return
        began = time.monotonic()
        wanted = entry.get("exit", code) if entry else code
        actual, text = self.shell.run(command)
        self.output += text
        if actual != wanted:
            self.fail(block, f"{command}\nended with {actual}, not {wanted}:\n{text}")
        print(f"  {time.monotonic() - began:5.1f} s  {command.splitlines()[0]}", flush=True)

    def compare(self, block: Block) -> None:
        entry = self.entry("shown", block.text)
        if entry:
            self.counts["not run"] += 1
            return
        self.counts["compared"] += 1
        if place := missing(block.text, self.output):
            self.fail(block, f"the output is another one, from: {place}\n\nreal output:\n{self.output}")

    def file(self, block: Block) -> None:
        entry = self.entry("file", block.text)
        if not entry:
            self.fail(block, f"no entry in blocks.toml says who reads this {block.language}")
        if "reason" in entry:
            self.counts["not run"] += 1
            return
        self.counts["read"] += 1
        path = Path(entry["as"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
        code, self.output = self.shell.run(entry["read"])
        if code != entry.get("exit", 0):
            self.fail(block, f"{entry['read']}\nended with {code}:\n{self.output}")

    def messages(self) -> None:
        """Provokes each message that the document says is printed."""
        for entry in [entry for entry in self.entries if "message" in entry]:
            self.unused.remove(entry)
            self.counts["run"] += 1
            if entry["message"] not in Path(self.path).read_text():
                raise Failed(f"blocks.toml: {self.path} does not say `{entry['message']}`")
            _, text = self.shell.run(entry["provoke"])
            if place := missing(entry["message"], text):
                raise Failed(f"{self.path}: {entry['provoke']}\ndoes not print: {place}\n\n{text}")

    def entry(self, kind: str, text: str) -> dict | None:
        found = next((entry for entry in self.entries if kind in entry and text.startswith(entry[kind])), None)
        if found in self.unused:
            self.unused.remove(found)
        return found

    def fail(self, block: Block, why: str) -> None:
        raise Failed(f"{self.path}:{block.line}: {why}")


def main() -> int:
    # What it cleans between documents is a copy.
    assert os.environ.get("COPY") == os.getcwd(), "start it by `run`"
    listed = tomllib.loads((HERE / "blocks.toml").read_text())["block"]
    failures = 0
    for path in sys.argv[1:]:
        document = Document(path, listed)
        print(path, flush=True)
        began = time.monotonic()
        try:
            document.run()
        except Failed as failure:
            failures += 1
            print(f"FAILED: {failure}", file=sys.stderr, flush=True)
            continue
        counts = ", ".join(f"{count} {what}" for what, count in document.counts.items())
        print(f"{path}: {counts}; {time.monotonic() - began:.1f} s", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    os.environ["COLUMNS"] = "100"
    sys.exit(main())
