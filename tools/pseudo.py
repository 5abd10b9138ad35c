"""A language that nobody speaks: English from right to left, and a third longer.

`python -m tools.pseudo FOLDER` writes its catalogue there. It is not shipped: no person can
be given it. Tests make it anew from the strings that there are, so that it is always whole.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.words import strings, write
from ward_service.domain.texts import SAFETY_NET

CODE = "en-x-rtl"
_PART = re.compile(r"(\{\w+\})")
_WORD = re.compile(r"[A-Za-z&']+")
# Right-to-left mark, right-to-left override around the word, and the end of the override.
_AROUND = "\u200f\u202e{}\u202c\u200f"
_ACCENTS = str.maketrans("aeiouycnsAEIOUYCNS", "åéîøüýçñšÅÉÎØÜÝÇÑŠ")
_LONGER = 0.3


def pseudo(text: str) -> str:
    """Return a text from right to left, placeholders and digits as they stand."""
    body = re.sub(rf"\s*\{{{SAFETY_NET}\}}$", "", text)
    words = _WORD.findall(_PART.sub("", body))
    more = int(sum(map(len, words)) * _LONGER)
    padding = " ".join(words)[:more].strip()
    longer = f"{body} {padding}".rstrip() + text[len(body) :]
    parts = _PART.split(longer)
    return "".join(part if part.startswith("{") else _WORD.sub(_mirrored, part) for part in parts)


def pseudo_texts(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of a pathway in it."""
    return {id_: pseudo(text) for id_, text in texts.items() if not id_.startswith("call.")}


def write_catalogue(folder: Path) -> Path:
    """Write the page's catalogue; return where it is."""
    path = folder / f"{CODE}.po"
    head = {
        "X-Language-Name": pseudo("Pseudo"),
        "X-Direction": "rtl",
        "Last-Translator": "tools.pseudo",
        "X-Reviewed-By": "",
        "PO-Revision-Date": "2026-11-25 00:00+0000",
        "Content-Type": "text/plain; charset=UTF-8",
    }
    write(path, head, {english: pseudo(english) for english in strings()})
    return path


def _mirrored(found: re.Match[str]) -> str:
    return _AROUND.format(found[0].translate(_ACCENTS))


if __name__ == "__main__":
    print(write_catalogue(Path(sys.argv[1])))
