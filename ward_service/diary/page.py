"""Pages of paper, for diaries and letters: A4, one margin, no font file of ours.

The standard fonts of PDF hold Western European letters. For others a font of this machine is used;
a script whose letters join or run from the right is refused, since nothing here can set it.
"""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import SimpleDocTemplate, Table, TableStyle

from ward_service.errors import WardError

MARGIN: Final = 15 * mm
WIDTH: Final = A4[0] - 2 * MARGIN
STANDARD: Final = ("Helvetica", "Helvetica-Bold")
# Fonts of the system with letters beyond Western Europe, plain and bold.
FOLDERS: Final = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("/Library/Fonts"))
SYSTEM: Final = (
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
)
# Room between a frame and its words, in points.
PADDING: Final = (
    ("LEFTPADDING", 10.0),
    ("RIGHTPADDING", 10.0),
    ("TOPPADDING", 6.0),
    ("BOTTOMPADDING", 8.0),
)
UNSIGNED: Final = "UNSIGNED: for demonstration, not for care"


def _draw_nothing(*_: Any) -> None:
    """Draw nothing on every page."""


def build(
    story: Sequence[Any],
    *,
    title: str,
    language: str,
    top: float = MARGIN,
    bottom: float = MARGIN,
    first: Callable[..., None] = _draw_nothing,
    later: Callable[..., None] = _draw_nothing,
) -> bytes:
    """Return a PDF of these parts; `first` and `later` draw what stands on every page.

    The same parts give the same bytes.
    """
    made = BytesIO()
    document = SimpleDocTemplate(
        made,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=top,
        bottomMargin=bottom,
        title=title,
        lang=language,
        invariant=1,
    )
    document.build(list(story), onFirstPage=first, onLaterPages=later)
    return made.getvalue()


def box(inside: list[Any], line: float, padding: Sequence[tuple[str, float]] = PADDING) -> Table:
    """Return paragraphs in a frame of this weight, as wide as the page."""
    frame = Table([[inside]], colWidths=[WIDTH])
    room = [(side, (0, 0), (-1, -1), points) for side, points in padding]
    frame.setStyle(TableStyle([("BOX", (0, 0), (-1, -1), line, colors.black), *room]))
    return frame


def fonts_for(text: str, folders: Sequence[Path] = FOLDERS) -> tuple[str, str]:
    """Return the names of a plain and a bold font that have all letters of a text.

    Raises:
        WardError: there is none here, or the script needs letters that join.
    """
    if all(_western(letter) for letter in text):
        return STANDARD
    joined = {unicodedata.name(c, "?").split()[0] for c in text if _needs_shaping(c)}
    if joined:
        raise WardError(
            f"Nothing was printed: {', '.join(sorted(joined)).title()} letters cannot be set here. "
            "Print it in English (--language en), and give the interpreter's number with it."
        )
    for plain, bold in SYSTEM:
        found = [next(iter(_find(name, folders)), None) for name in (plain, bold)]
        if None in found:
            continue
        fonts = [TTFont(Path(str(path)).stem, str(path)) for path in found]
        if all(ord(letter) in font.face.charToGlyph for font in fonts for letter in set(text)):
            for font in fonts:
                pdfmetrics.registerFont(font)
            return fonts[0].fontName, fonts[1].fontName
    raise WardError(
        "Nothing was printed: no font on this machine has the letters of this language. Install "
        "one (on Debian: apt-get install fonts-dejavu), or print it in English (--language en)."
    )


def _find(name: str, folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(folder.rglob(name))


def _western(letter: str) -> bool:
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _needs_shaping(letter: str) -> bool:
    """Whether a letter runs from the right, or joins the ones beside it."""
    if unicodedata.bidirectional(letter) in ("R", "AL"):
        return True
    name = unicodedata.name(letter, "")
    joining = ("DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "TAMIL", "TELUGU", "SINHALA")
    return name.startswith((*joining, "KANNADA", "MALAYALAM", "ORIYA", "MYANMAR", "KHMER", "THAI"))
