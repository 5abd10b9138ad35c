"""What is asked of one person, by phone and on paper: their pathway version's own questions."""

from uuid import UUID

from ward_service.contract.entry import (
    AskedAnswer,
    AskedQuestion,
    AskedVital,
    ChoiceView,
    FormView,
)
from ward_service.contract.rules import Question
from ward_service.contract.typed_numbers import AWAKE, CALLED
from ward_service.contract.vocabulary import ACVPU, UNITS, Level, Vital
from ward_service.domain.pathway import Pathway
from ward_service.domain.state import EpisodeState

TECHNIQUE = "technique"
# What a device counts by itself: nobody reads it off and tells it.
_NOT_TOLD = frozenset({Vital.PERFUSION_INDEX})


def form_of(
    episode_id: UUID, state: EpisodeState, pathway: Pathway, language: str | None, *, signed: bool
) -> FormView:
    """Return the form of a stay: red flags first, numbers, questions, free words last."""
    own = Own(pathway, language)
    return FormView(
        episode_id=episode_id,
        pathway=pathway.name,
        signed=signed,
        language=language,
        technique=own.ours(TECHNIQUE),
        technique_own=own.theirs(TECHNIQUE),
        zone=state.zone,
        times=pathway.schedule.times,
        vitals=tuple(_vital(v, pathway) for v in asked_vitals(pathway)),
        questions=tuple(_question(id_, q, own) for id_, q in asked_questions(pathway)),
    )


class Own:
    """The words of a pathway: ours, and in a person's language where the pathway has them."""

    def __init__(self, pathway: Pathway, language: str | None) -> None:
        reference = pathway.reference_language
        self._ours = pathway.texts[reference]
        spoken = pathway.spoken(language)
        self._theirs = pathway.texts[spoken] if spoken and spoken != reference else {}

    def ours(self, id_: str) -> str:
        """Return a text in the language of reference, in one line."""
        return " ".join(self._ours[id_].split())

    def theirs(self, id_: str) -> str | None:
        """Return a text in the person's language; None where nobody has written it."""
        return " ".join(self._theirs[id_].split()) if id_ in self._theirs else None


def asked_vitals(pathway: Pathway) -> list[Vital]:
    """Return which numbers are asked for, the one that fills a due time first."""
    asked = [v for v in Vital if v in pathway.vitals and v not in _NOT_TOLD]
    return sorted(asked, key=lambda vital: vital is not pathway.fills)


def asked_questions(pathway: Pathway) -> list[tuple[str, Question]]:
    """Return the questions: those with a red answer first, free words last."""
    return sorted(pathway.questions.items(), key=lambda q: (not q[1].answers, not has_red(q[1])))


def has_red(question: Question) -> bool:
    """Say whether an answer to a question is a red flag."""
    return Level.RED in question.answers.values()


def _vital(vital: Vital, pathway: Pathway) -> AskedVital:
    low, high = pathway.vitals[vital].believable
    choices: tuple[ChoiceView, ...] = ()
    if vital is Vital.CONSCIOUSNESS:
        choices = tuple(
            ChoiceView(typed=letter, said=said) for letter, said in zip(ACVPU, AWAKE, strict=True)
        )
    return AskedVital(
        vital=vital,
        called=CALLED[vital],
        unit=UNITS[vital].said.partition("{}")[2].strip(),
        low=low,
        high=high,
        needed=vital is pathway.fills,
        choices=choices,
    )


def _question(id_: str, question: Question, own: Own) -> AskedQuestion:
    return AskedQuestion(
        id=id_,
        said=own.ours(question.said),
        own=own.theirs(question.said),
        several=question.several,
        red_flags=has_red(question),
        answers=tuple(
            AskedAnswer(
                code=code,
                said=own.ours(f"answer.{id_}.{code}"),
                own=own.theirs(f"answer.{id_}.{code}"),
                level=level,
            )
            for code, level in question.answers.items()
        ),
    )
