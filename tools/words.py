"""Every string of the patient's page, and whether each catalogue says all of them and no others.

`python -m tools.words` says what is wrong and exits 1; `--write` brings each catalogue to the
strings that there are: a new one empty, one that is gone left out, what was said kept.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from babel.messages.extract import extract_python
from babel.messages.pofile import escape, read_po
from jinja2.ext import babel_extract

from device_gateway.web.translations import FOLDER, header_of, read

WEB = FOLDER.parent
IN_TEMPLATES = ("t", "beside")
IN_CODE = {"say": None, "to_say": None}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_DAY = re.compile(r"20\d\d-\d\d-\d\d")
_HEAD = ("X-Language-Name", "X-Direction", "Last-Translator", "X-Reviewed-By", "PO-Revision-Date")


def strings() -> dict[str, str]:
    """Return every string of the page, in English, with the file that says it first."""
    found: dict[str, str] = {}
    for path in sorted((WEB / "templates").glob("*.html")):
        with path.open("rb") as file:
            for _, _, message, _ in babel_extract(file, IN_TEMPLATES, (), {}):
                _note(found, message, path)
    for path in sorted(WEB.glob("*.py")):
        with path.open("rb") as file:
            for _, _, words, _ in extract_python(file, dict.fromkeys(IN_CODE), (), {}):
                _note(found, words, path)
    return found


def _note(found: dict[str, str], said: object, path: Path) -> None:
    text = said[0] if isinstance(said, tuple | list) else said
    if isinstance(text, str) and text:
        found.setdefault(text, path.name)


def wrong_with(path: Path, wanted: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with a catalogue, in sentences."""
    head = header_of(path.read_text(encoding="utf-8"))
    for field in _HEAD:
        if field not in head or (field != "X-Reviewed-By" and not head[field]):
            yield f"{path.name}: its head does not say {field}."
    if not _DAY.match(head.get("PO-Revision-Date", "")):
        yield f"{path.name}: PO-Revision-Date is no day."
    with path.open("rb") as file:
        messages = [message for message in read_po(file, ignore_obsolete=True) if message.id]
    for message in messages:
        if message.fuzzy:
            yield f"{path.name}: {message.id!r} is fuzzy: somebody must look at it."
    said = read(path).words
    for english in wanted:
        if english not in said:
            yield f"{path.name}: it does not say {english!r} ({wanted[english]})."
        elif sorted(_PLACEHOLDER.findall(english)) != sorted(_PLACEHOLDER.findall(said[english])):
            yield f"{path.name}: {english!r} has other placeholders there."
        elif _phones(english) != _phones(said[english]):
            yield f"{path.name}: {english!r} has other numbers to ring there."
    for english in said:
        if english not in wanted:
            yield f"{path.name}: the page says {english!r} no more."


def _phones(text: str) -> set[int]:
    return {int(number) for number in re.findall(r"\d{3}(?!\d)", text)} & {999, 111}


def write(path: Path, head: Mapping[str, str], words: Mapping[str, str]) -> None:
    """Write a catalogue: its head, and each string with what it is in that language."""
    lines = ['msgid ""', 'msgstr ""']
    lines += [escape(f"{field}: {said}\n") for field, said in head.items()]
    for english, said in words.items():
        lines += ["", f"msgid {escape(english)}", f"msgstr {escape(said)}"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    wanted = strings()
    paths = sorted(FOLDER.glob("*.po"))
    if "--write" in sys.argv[1:]:
        for path in paths:
            said = read(path).words
            head = header_of(path.read_text(encoding="utf-8"))
            write(path, head, {english: said.get(english, "") for english in wanted})
    wrong = [sentence for path in paths for sentence in wrong_with(path, wanted)]
    print("\n".join(wrong) or f"{len(paths)} catalogue(s) say all {len(wanted)} strings.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
