"""The words for one person: a pathway's text with the placeholders filled from their own limits.

A placeholder is the name of a parameter; `opens` or `closes`, the hours of the service; another
text, `safety_net`; or an edge of this person's bands: `spo2_red_max` is the highest SpO2 that is
red from below, `spo2_amber_max` the highest that is amber or red from below.
"""

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Final

from ward_service.contract.rules import BandsRule
from ward_service.contract.vocabulary import Level
from ward_service.domain.bands import WORRY
from ward_service.domain.limits import Limits, bands_name, personal_bands
from ward_service.domain.pathway import Guide

SAFETY_NET: Final = "safety_net"
PLACEHOLDER: Final = re.compile(r"\{([a-z0-9_]+)\}")


def text_for(id_: str, pathway: Guide, limits: Limits, language: str | None = None) -> str:
    """Return a text with this person's own numbers in it.

    Raises:
        KeyError: there is no such text, or it needs a number that nobody has set.
    """
    known = numbers_for(pathway, limits)

    def say(found: re.Match[str]) -> str:
        if found[1] == SAFETY_NET:
            return pathway.text(SAFETY_NET, language)
        return known[found[1]]

    return PLACEHOLDER.sub(say, pathway.text(id_, language))


def texts_for(
    ids: Sequence[str], pathway: Guide, limits: Limits, language: str | None = None
) -> tuple[str, ...]:
    """Return texts to be read one after the other: when to call 999 is said once, at the end.

    Raises:
        KeyError: there is no such text, or it needs a number that nobody has set.
    """
    net = pathway.text(SAFETY_NET, language)
    texts = [text_for(id_, pathway, limits, language).strip() for id_ in ids]
    body = [text.removesuffix(net.strip()).strip() for text in texts[:-1]]
    return (*(text for text in body if text), *texts[-1:])


def numbers_for(pathway: Guide, limits: Limits) -> dict[str, str]:
    """Return what each placeholder says for one person; one that nobody has set is left out."""
    said = {name: f"{value:g}" for name, value in limits.parameters if value is not None}
    for vital, rule in pathway.vitals.items():
        # Unknown oxygen: the low side, which is what is said, is the same on air and on oxygen.
        name = bands_name(vital, limits, limits.home_oxygen or False)
        bands_rule = rule.bands.get(name)
        bands = personal_bands(bands_rule, limits) if bands_rule else None
        if bands_rule is None or bands is None:
            continue
        for level, count in low_side(bands_rule).items():
            said[f"{vital}_{level}_max"] = f"{bands.tops[count - 1]:g}"
    said["opens"] = f"{pathway.service.opens:%H:%M}"
    said["closes"] = f"{pathway.service.closes:%H:%M}"
    return said


def low_side(rule: BandsRule) -> dict[Level, int]:
    """Return, for red and amber, how many bands from below are at least so worrying; none: absent.

    A vital that is worrying at every value has no such edge.
    """
    counts = {}
    for level in (Level.RED, Level.AMBER):
        enough = [WORRY[it] >= WORRY[level] for it in rule.levels]
        count = len(list(takewhile(bool, enough)))
        if 0 < count < len(rule.levels):
            counts[level] = count
    return counts
