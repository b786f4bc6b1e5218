"""Whether what the tracked documents link to exists: files, folders and headings. usage: links.py DOCUMENT…"""

import re
import sys
from pathlib import Path

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> set[str]:
    """The names that GitHub gives to the headings."""
    headings = HEADING.findall(FENCED.sub("", path.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(document: Path) -> list[str]:
    found = []
    for name, anchor in LINK.findall(FENCED.sub("", document.read_text())):
        to = document.parent / name if name else document
        if not to.exists():
            found.append(f"{document}: {name} does not exist")
        elif anchor and anchor not in anchors(to):
            found.append(f"{document}: {name} has no heading #{anchor}")
    return found


def main() -> int:
    documents = [Path(name) for name in sys.argv[1:]]
    problems = [problem for document in documents for problem in broken(document)]
    print("\n".join([*problems, f"links of {len(documents)} documents: {len(problems)} broken"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
