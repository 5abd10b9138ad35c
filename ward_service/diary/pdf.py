"""Draw a diary on paper: large type, black and white."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    KeepTogether,
    PageBreak,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from ward_service.contract.vocabulary import Level
from ward_service.diary import page
from ward_service.diary.pack import BothLanguages, Pack, PaperQuestion

BODY: Final = 14  # points; NHS leaflets ask for 12 at least, large print is 16
ROW: Final = 11 * mm  # room for a hand
SAID: Final = {Level.GREEN: "GREEN", Level.AMBER: "AMBER", Level.RED: "RED"}
LINE: Final = {Level.GREEN: 1.0, Level.AMBER: 2.5, Level.RED: 5.0}
MARK: Final = {Level.GREEN: "(1)", Level.AMBER: "(2)", Level.RED: "(3)"}
# Ours: the pathway's words for closed hours say that somebody is told, and of paper nobody is.
NIGHT: Final = (
    "Nobody sees this diary at night. If your numbers are red, do at once what the red frame says. "
    "If you are not sure, or feel worse, ring 111. In an emergency call 999. Do not wait."
)


def draw(pack: Pack, folders: Sequence[Path] = page.FOLDERS) -> bytes:
    """Return the diary as a PDF. The same pack gives the same bytes.

    Raises:
        WardError: no font here has the letters of these words, or nothing here can set them.
    """
    plain, bold = page.fonts_for(_every_word(pack), folders)
    style = _Styles(plain, bold)
    story = [*_cover(pack, style), *_how(pack, style), *_numbers(pack, style), *_table(pack, style)]
    frame = partial(_frame, pack=pack, plain=plain, bold=bold)
    return page.build(
        story,
        title="My diary",
        language=pack.language or "en",
        top=page.MARGIN + 6 * mm,
        bottom=page.MARGIN + 4 * mm,
        first=partial(frame, outside=True),
        later=frame,
    )


def _every_word(pack: Pack) -> str:
    words = [pack.technique, pack.emergency, *(zone.advice for zone in pack.zones)]
    for ask in pack.asks:
        words += [ask.said, *(said for _, said in ask.answers)]
    return "".join([pack.name, pack.signed, pack.phone, *(w.ours + (w.own or "") for w in words)])


class _Styles:
    """How words look. There is no colour: a shape, a frame and a word say what matters."""

    def __init__(self, plain: str, bold: str) -> None:
        self.plain, self.bold = plain, bold
        self.body = ParagraphStyle("body", fontName=plain, fontSize=BODY, leading=BODY * 1.35)
        self.strong = ParagraphStyle("strong", parent=self.body, fontName=bold)
        self.beside = ParagraphStyle("beside", parent=self.body, fontSize=11, leading=14.5)
        self.list = ParagraphStyle("list", parent=self.body, fontSize=12.5, leading=16)
        self.small = ParagraphStyle("small", parent=self.body, fontSize=10, leading=12)
        self.cell = ParagraphStyle("cell", parent=self.strong, fontSize=10, leading=12)
        self.heading = ParagraphStyle(
            "heading", parent=self.strong, fontSize=20, leading=25, spaceBefore=8, spaceAfter=8
        )
        self.title = ParagraphStyle(
            "title", parent=self.strong, fontSize=40, leading=50, alignment=TA_CENTER
        )
        self.middle = ParagraphStyle(
            "middle", parent=self.body, fontSize=18, leading=25, alignment=TA_CENTER
        )
        self.loud = ParagraphStyle("loud", parent=self.middle, fontName=bold)

    def say(self, words: BothLanguages, style: ParagraphStyle | None = None) -> list[Any]:
        """Return words in the person's language first, with ours beside them in smaller type."""
        main = style or self.body
        if words.own is None:
            return [Paragraph(escape(words.ours), main)]
        return [Paragraph(escape(words.own), main), Paragraph(escape(words.ours), self.beside)]


def _frame(
    canvas: Any, document: Any, *, pack: Pack, plain: str, bold: str, outside: bool = False
) -> None:
    """Draw what stands on every page: whose it is by reference, the version, whether signed."""
    canvas.saveState()
    width, height = A4
    if not pack.signed:
        canvas.setFont(bold, 12)
        canvas.drawCentredString(width / 2, height - 12 * mm, page.UNSIGNED)
    if not outside:
        canvas.setFont(plain, 9)
        signed = f"signed by {pack.signed}" if pack.signed else "unsigned"
        version = f"{pack.pathway}, own limits version {pack.limits}, {signed}"
        canvas.drawString(page.MARGIN, 11 * mm, f"Reference {pack.reference}   {version}")
        canvas.drawRightString(width - page.MARGIN, 11 * mm, f"page {document.page}")
    canvas.restoreState()


def _cover(pack: Pack, style: _Styles) -> list[Any]:
    """Return the outside page: it tells nobody who sees it lie there what it is about."""
    phone = f"Telephone {pack.phone}" if pack.phone else f"Telephone {'_' * 24}"
    return [
        Spacer(1, 55 * mm),
        Paragraph("My diary", style.title),
        Spacer(1, 16 * mm),
        Paragraph(escape(pack.name), style.loud),
        Paragraph(f"Reference {escape(pack.reference)}", style.middle),
        Spacer(1, 30 * mm),
        Paragraph("If you need us", style.loud),
        Paragraph(escape(phone), style.middle),
        Paragraph(escape(pack.hours), style.middle),
        Spacer(1, 8 * mm),
        Paragraph("At any other time ring 111. In an emergency call 999.", style.loud),
        PageBreak(),
    ]


def _how(pack: Pack, style: _Styles) -> list[Any]:
    times = ", ".join(f"{at:%H:%M}" for at in pack.times)
    out: list[Any] = [Paragraph("How to measure", style.heading)]
    for words in (pack.technique.own, pack.technique.ours):
        steps = (words or "").split(". ") if words else []
        look = style.beside if words is pack.technique.ours and pack.technique.own else style.body
        out += [Paragraph(f"{n}. {escape(s.rstrip('.'))}.", look) for n, s in enumerate(steps, 1)]
        out.append(Spacer(1, 3 * mm))
    out += [
        Paragraph("When to measure", style.heading),
        Paragraph(f"Every day at {times}, and whenever you feel worse.", style.body),
        Paragraph("What to write", style.heading),
        Paragraph(
            "Write the time and the numbers in the table, one line for each measurement. "
            "For each question write the letters of your answer, from this list.",
            style.body,
        ),
        Spacer(1, 3 * mm),
    ]
    for ask in pack.asks:
        out.append(KeepTogether(_ask(ask, style)))
    return [*out, PageBreak()]


def _ask(ask: PaperQuestion, style: _Styles) -> list[Any]:
    head = BothLanguages(
        f"{ask.letter}. {ask.said.ours}", f"{ask.letter}. {ask.said.own}" if ask.said.own else None
    )
    parts = style.say(head, style.strong)
    if ask.red_flags:
        call = "If you have any of these, call 999 first. Do not wait to write it down."
        parts.append(Paragraph(call, style.strong))
    if not ask.answers:
        parts.append(Paragraph("Write it in your own words, at the foot of the table.", style.body))
    for letter, said in ask.answers:
        both = f"{said.own} ({said.ours})" if said.own else said.ours
        parts.append(Paragraph(f"<b>{letter}</b> {escape(both)}", style.list))
    return [*parts, Spacer(1, 3 * mm)]


def _numbers(pack: Pack, style: _Styles) -> list[Any]:
    """Return this person's own bands, each in a frame of its own weight, and when to call 999."""
    out: list[Any] = [
        Paragraph("Your own numbers, and what to do", style.heading),
        Paragraph("They are yours alone: other people may have other numbers.", style.body),
        Spacer(1, 3 * mm),
    ]
    for zone in pack.zones:
        head = f"{MARK[zone.level]} {SAID[zone.level]}"
        numbers = [Paragraph(escape(said), style.strong) for said in zone.numbers]
        inside = [Paragraph(head, style.strong), *numbers, *style.say(zone.advice)]
        out += [page.box(inside, LINE[zone.level]), Spacer(1, 3 * mm)]
    emergency = [Paragraph("Call 999", style.strong), *style.say(pack.emergency, style.strong)]
    night = [
        Paragraph("At night, and whenever the ward is closed", style.strong),
        Paragraph(f"The ward is there {escape(pack.hours)}. {NIGHT}", style.body),
    ]
    out += [page.box(emergency, 5.0), Spacer(1, 3 * mm), page.box(night, 1.0), PageBreak()]
    return out


def _table(pack: Pack, style: _Styles) -> list[Any]:
    """Return the table: a line for each agreed time of each day, with a few to spare."""
    questions = [ask for ask in pack.asks if ask.answers]
    head = ["Date", "Agreed", "Time", *(called for _, called in pack.vitals)]
    head += [f"{ask.letter}" for ask in questions]
    width = page.WIDTH
    first = [24 * mm, 16 * mm, 16 * mm]
    narrow = 15 * mm * len(questions)  # a letter and a digit; the numbers get the rest
    each = (width - sum(first) - narrow) / len(pack.vitals)
    lines: list[list[Any]] = [[Paragraph("First reading", style.small), ""]]
    for day in range(1, pack.days + 1):
        for at in pack.times:
            about = f"Day {day}" if at == pack.times[0] else ""
            lines.append([Paragraph(about, style.small), Paragraph(f"{at:%H:%M}", style.small)])
        lines.append([Paragraph("extra", style.small), ""])
    rows = [[Paragraph(escape(said), style.cell) for said in head]]
    rows += [[*line, *[""] * (len(head) - len(line))] for line in lines]
    days = range(2, len(rows), len(pack.times) + 1)  # after the head and the first reading
    table = Table(
        rows,
        colWidths=[*first, *[each] * len(pack.vitals), *[15 * mm] * len(questions)],
        rowHeights=[None, *[ROW] * len(lines)],
        repeatRows=1,
    )
    table.setStyle(
        TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.8, colors.black),
                ("LINEBELOW", (0, 0), (-1, 0), 2, colors.black),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("LEFTPADDING", (0, 0), (-1, -1), 3),
                ("RIGHTPADDING", (0, 0), (-1, -1), 3),
                *(("LINEABOVE", (0, n), (-1, n), 2, colors.black) for n in days),
                *(("NOSPLIT", (0, n), (-1, n + len(pack.times))) for n in days),
            ]
        )
    )
    foot = Paragraph("In your own words: what else you want to tell the team", style.strong)
    return [
        Paragraph("My readings", style.heading),
        Paragraph("A, B and so on: the letters of your answers, from the list.", style.beside),
        Spacer(1, 2 * mm),
        table,
        KeepTogether([Spacer(1, 6 * mm), foot, *[_ruled() for _ in range(6)]]),
    ]


def _ruled() -> Table:
    line = Table([[""]], colWidths=[page.WIDTH], rowHeights=[ROW])
    line.setStyle(TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.8, colors.black)]))
    return line
