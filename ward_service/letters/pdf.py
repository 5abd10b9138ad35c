"""Draw a letter on paper: a page of A4, large type, the code in groups and as a square to scan."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, Spacer, Table, TableStyle

from ward_service.contract.letters import LetterWords
from ward_service.diary import page
from ward_service.letters.words import Letter

SQUARE: Final = 52 * mm  # four modules of silence around it included
CODE_FONT: Final = "Courier-Bold"  # a standard font of PDF; 0 and O, 1 and I differ in it


def draw(letter: Letter, folders: Sequence[Path] = page.FOLDERS) -> bytes:
    """Return the letter as a PDF. The same letter gives the same bytes.

    Raises:
        WardError: no font here has the letters of these words, or nothing here can set them.
    """
    text = "".join(words.english + (words.own or "") for words in letter.words)
    plain, bold = page.fonts_for(text, folders)
    return page.build(_story(letter, plain, bold), title="Your page", language=letter.language)


def _story(letter: Letter, plain: str, bold: str) -> list[Any]:
    # Two languages take more room: 12 points are the least, and one page.
    size = 12 if any(words.own for words in letter.words) else 16
    body = ParagraphStyle("body", fontName=plain, fontSize=size, leading=size * 1.25, spaceAfter=4)
    strong = ParagraphStyle("strong", parent=body, fontName=bold)
    head = ParagraphStyle(
        "head", parent=strong, fontSize=22, leading=27, spaceBefore=6, spaceAfter=8
    )
    small = ParagraphStyle("small", parent=body, fontSize=9, leading=11, spaceAfter=0)
    code = ParagraphStyle("code", fontName=CODE_FONT, fontSize=40, leading=48)

    def say(words: LetterWords, style: ParagraphStyle, number: str = "") -> list[Any]:
        both = [words.own, words.english] if words.own else [words.english]
        return [
            Paragraph(escape((number if n == 0 else "") + said), style if n == 0 else body)
            for n, said in enumerate(both)
        ]

    top: list[Any] = [] if letter.signed else [Paragraph(page.UNSIGNED, strong)]
    ways = [[[Paragraph(letter.code, code), Spacer(1, 4 * mm)], _square(letter.link)]]
    door = Table(ways, colWidths=[page.WIDTH - SQUARE - 8 * mm, SQUARE + 4 * mm])
    door.setStyle(
        TableStyle([("VALIGN", (0, 0), (-1, -1), "MIDDLE"), ("BOX", (0, 0), (-1, -1), 2, "black")])
    )
    steps = [part for n, w in enumerate(letter.steps, 1) for part in say(w, body, f"{n}. ")]
    warnings = [part for words in letter.warnings for part in say(words, strong)]
    box = page.box(warnings, 4, [("LEFTPADDING", 9.0)])
    gap = Spacer(1, 4 * mm)
    return [
        *top,
        *say(letter.title, head),
        *say(letter.whom, body),
        gap,
        door,
        gap,
        *steps,
        gap,
        box,
        gap,
        *[part for words in letter.ring for part in say(words, body)],
        Spacer(1, 2 * mm),
        Paragraph(f"Reference {escape(letter.reference)}", small),
    ]


def _square(link: str) -> Drawing:
    widget = QrCodeWidget(link, barLevel="M")
    left, low, right, high = widget.getBounds()
    scale = SQUARE / (right - left), SQUARE / (high - low)
    drawing = Drawing(SQUARE, SQUARE, transform=[scale[0], 0, 0, scale[1], 0, 0])
    drawing.add(widget)
    return drawing
