"""The screens as HTML: one template each, filled with what `showing` has worked out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from device_gateway.spool.records import Kept
from device_gateway.web import presenter, time_words, vital_prompts
from device_gateway.web.draft import Draft
from device_gateway.web.form_step import Form, Taken
from device_gateway.web.offline import OUTCOMES, sheet
from device_gateway.web.resident import Resident
from device_gateway.web.screens import Kind, Screen, free_questions, none_of, screens
from device_gateway.web.sign_in import Place
from device_gateway.web.translations import Language, languages
from device_gateway.web.typed_numbers import Wrong
from device_gateway.web.visits import Refused, Visit
from device_gateway.web.vital_prompts import ASKED
from ward_service.contract.messages import Reading
from ward_service.contract.vocabulary import Vital
from ward_service.domain.advice import SWAP
from ward_service.domain.civil_time import local

HERE: Final = Path(__file__).parent
# What a phone needs besides the form itself; none of them has anything of a person in it.
ON_A_PHONE: Final = (
    "outbox.js",
    "page.js",
    "judge.js",
    "offline.js",
    "page.css",
    "icon.svg",
    "rest.svg",
    "finger.svg",
    "wait.svg",
)
_REFUSALS: Final = {None: 200, Refused.WRONG: 403, Refused.RESTING: 429, Refused.SHUT: 429}


@dataclass(frozen=True, slots=True)
class Here:
    """One request of somebody who was let in: who they are to the page, and when it is.

    `speaks` is the language that they chose, else that of their plan; `language` is the nearest to
    it that the page has.
    """

    visit: Visit
    resident: Resident
    speaks: str
    language: Language
    now: datetime

    @property
    def place(self) -> Place:
        """Where they have their slot."""
        return self.resident.place

    @property
    def zone(self) -> str:
        """Where they live."""
        return self.resident.care.zone


class Pages:
    """Makes the answers. Every text is escaped, and a name that is missing is a mistake."""

    def __init__(self) -> None:
        """Read the templates."""
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["tel"] = _tel
        self._templates.filters["blocks"] = presenter.blocks
        self._templates.globals["asset"] = _asset
        self._templates.globals["asked"] = ASKED
        self._templates.globals["languages"] = languages

    def door(
        self, language: Language, code: str = "", why: Refused | None = None, back: str = ""
    ) -> Response:
        """Return the first screen, with why nobody was let in, and where to go on afterwards."""
        return self._show("in.html", language, _REFUSALS[why], code=code, why=why, back=back)

    def nothing(self, language: Language, here: Here | None = None) -> Response:
        """Return a screen for an address at which nothing is."""
        return self._show("problem.html", language, 404, here)

    def home(self, here: Here, rows: Sequence[presenter.Row]) -> Response:
        """Return where a reading begins."""
        return self._in("home.html", here, latest=rows[0] if rows else None)

    def screen(
        self,
        here: Here,
        draft: Draft,
        screen: Screen,
        form: Form | None = None,
        taken: Taken | None = None,
    ) -> Response:
        """Return one screen of a reading, as it was left, with what is still to be put right."""
        pathway = here.resident.pathway
        known = screens(pathway)
        at = known.index(screen)
        common: dict[str, Any] = {
            "draft": draft,
            "screen": screen,
            "back": f"/reading/{draft.reading_id}/{known[at - 1].name}" if at else "/",
            "unanswered": taken is not None and taken.unanswered,
        }
        match screen.kind:
            case Kind.QUESTION:
                question = pathway.questions[screen.question]
                said = self._said(here, f"question.{screen.question}")
                answers = [
                    (code, self._said(here, f"answer.{screen.question}.{code}"))
                    for code in question.answers
                ]
                return self._in(
                    "question.html",
                    here,
                    **common,
                    question=said,
                    answers=answers,
                    several=question.several,
                    nothing=none_of(question),
                    chosen=draft.answers.get(screen.question, ()),
                )
            case Kind.MEASURE:
                technique = self._said(here, "technique")
                return self._in("measure.html", here, **common, technique=technique)
            case Kind.NUMBERS:
                looked = taken.looked if taken else None
                typed = _typed(screen, draft, form)
                return self._in(
                    "numbers.html", here, **common, looked=looked, typed=typed, Wrong=Wrong
                )
            case Kind.LAST:
                free = [
                    (id_, self._said(here, f"question.{id_}")) for id_ in free_questions(pathway)
                ]
                return self._in("last.html", here, **common, free=free)

    def sent(self, here: Here, kept: Kept) -> Response:
        """Return what to do now, and what has become of the reading."""
        reading = Reading.model_validate_json(kept.payload)
        return self._in(
            "sent.html",
            here,
            id=kept.reading_id,
            told=presenter.told(reading, here.resident, here.speaks),
            values=_values(reading, here),
            call_me=reading.call_me,
            state=presenter.state_words(kept, here.zone, here.language),
            refused=presenter.became(kept, here.zone, kept.measured_at).refused,
        )

    def not_kept(self, here: Here, reading: Reading) -> Response:
        """Return what to do now, and that the team will not have this reading."""
        told = presenter.told(reading, here.resident, here.speaks)
        values = _values(reading, here)
        return self._show("not_kept.html", here.language, 507, here, told=told, values=values)

    def readings(
        self, here: Here, rows: Sequence[presenter.Row], chart: presenter.Chart
    ) -> Response:
        """Return what was sent in the last days."""
        return self._in("readings.html", here, rows=rows, chart=chart)

    def offline(self, here: Here) -> Response:
        """Return all screens of a reading in one, and what a phone with no network judges by."""
        pathway = here.resident.pathway
        plan_at = f"{local(here.now, here.zone):%d/%m %H:%M}"
        questions = {
            id_: (
                self._said(here, f"question.{id_}"),
                [(code, self._said(here, f"answer.{id_}.{code}")) for code in question.answers],
            )
            for id_, question in pathway.questions.items()
        }
        outcomes = [
            (one.key, presenter.told_of(one.level, one.text_ids, here.resident, here.speaks))
            for one in OUTCOMES
            if SWAP not in one.text_ids or pathway.swap
        ]
        return self._in(
            "offline.html",
            here,
            screens=screens(pathway),
            questions=questions,
            nothing={id_: none_of(question) for id_, question in pathway.questions.items()},
            several={id_ for id_, question in pathway.questions.items() if question.several},
            free=free_questions(pathway),
            technique=self._said(here, "technique"),
            outcomes=outcomes,
            plan_at=plan_at,
            sheet=sheet(here.resident, here.visit.who, plan_at),
        )

    def worker(self) -> str:
        """Return the service worker, with the addresses of the files that it keeps."""
        own = (HERE / "static" / "sw.js").read_text()
        return f"const FILES = {json.dumps([_asset(name) for name in ON_A_PHONE])};\n{own}"

    def help(self, here: Here) -> Response:
        """Return how to measure, whom to ring, and what to do at night."""
        technique = self._said(here, "technique")
        night = self._said(here, here.resident.pathway.service.out_of_hours)
        return self._in("help.html", here, technique=technique, night=night)

    def _said(self, here: Here, id_: str) -> presenter.Words:
        return presenter.words_of(id_, here.resident, here.speaks)

    def _in(self, template: str, here: Here, **values: Any) -> Response:
        return self._show(template, here.language, 200, here, **values)

    def _show(
        self,
        template: str,
        language: Language,
        status: int,
        here: Here | None = None,
        **values: Any,
    ) -> Response:
        resident = here.resident if here else None
        html = self._templates.get_template(template).render(
            t=language.say,
            language=language,
            here=here,
            beside=language.beside,
            age=partial(time_words.age_in, language),
            time=partial(time_words.time_in, language),
            day_and_time=partial(time_words.day_and_time_in, language),
            doubt=presenter.doubt(here.speaks if here else language.code, resident),
            interpreter=presenter.interpreter_of(resident),
            **values,
        )
        return HTMLResponse(html, status)


def _values(reading: Reading, here: Here) -> list[str]:
    return [vital_prompts.said(o.vital, o.value, here.language) for o in reading.observations]


def _typed(screen: Screen, draft: Draft, form: Form | None) -> dict[Vital, str]:
    """Return what stands in the fields: what was just typed, else what was taken before."""
    if form is not None:
        return {vital: (form.get(vital) or [""])[-1] for vital in screen.vitals}
    return {v: f"{draft.values[v]:g}" if v in draft.values else "" for v in screen.vitals}


def _tel(number: str) -> str:
    """Return the address that rings a number (RFC 3966); of it only what a telephone can dial."""
    dialled = "".join(letter for letter in number if letter.isdigit())
    return f"tel:{'+' if number.strip().startswith('+') else ''}{dialled}"


def _asset(name: str) -> str:
    """Return the address of a file of ours, which changes when the file does."""
    content = (HERE / "static" / name).read_bytes()
    return f"/static/{name}?{sha256(content).hexdigest()[:8]}"
