"""Compares an output that a document shows with the real one."""

import re

# What differs from run to run, in a shown text, and what may stand there.
MASKS = [
    (r"…", r".*?"),
    (r"\b\d+(?:\.\d+)? ?(?:ms|s|seconds|MB)\b", r"[\d.]+ ?(?:ms|s|seconds?|MB)"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", r"[0-9a-f-]{36}"),
    (r"127\.0\.0\.1:\d+", r"127\.0\.0\.1:\d+"),
    (r"\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?", r"\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?"),
]
MASK = re.compile("|".join(f"({shown})" for shown, _ in MASKS))


def missing(shown: str, real: str) -> str | None:
    """Returns where the shown text departs from the real one, or nothing if it is in there."""
    words, real = shown.split(), " ".join(real.split())
    if found(words, real):
        return None
    agreeing = next(count for count in range(len(words) - 1, -1, -1) if found(words[:count], real))
    return " ".join(words[max(agreeing - 4, 0) : agreeing + 12])


def found(words: list[str], real: str) -> bool:
    return re.search(pattern(" ".join(words)), real) is not None


def pattern(shown: str) -> str:
    made, end = "", 0
    for match in MASK.finditer(shown):
        real = MASKS[match.lastindex - 1][1]
        made += re.escape(shown[end : match.start()]) + real
        end = match.end()
    made += re.escape(shown[end:])
    # What is left out may be nothing at all.
    return made.replace(r"\ .*?\ ", r"\ (?:.*?\ )?")


def exit_code(shown: str) -> int:
    """The code that the shown text ends with."""
    codes = re.findall(r"\(exit (\d+)\)", shown)
    return int(codes[-1]) if codes else 0
