"""What must be true before somebody is watched: a signature, and people who can be reached."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories import NOON, a_ward, an_admission
from ward_service.bootstrap import sign_pathway
from ward_service.contract.vocabulary import Channel
from ward_service.enrolment.enrolment import add_gateway
from ward_service.errors import ConflictError, WardError
from ward_service.pathways.load import SHIPPED, PathwayFile, read
from ward_service.settings import Settings
from ward_service.stays.admission import admit
from ward_service.store.connect import engine_of
from ward_service.store.tables.messages import RosterRow
from ward_service.ward import Ward, open_ward, signed_versions

SHIPPED_TEXT = (SHIPPED / "covid-oximetry-at-home.yaml").read_text()
OWNED_TEXT = SHIPPED_TEXT.replace(
    "owner: { name: null, role: null }", "owner: { name: An Invented Lead, role: clinical lead }"
)
OWNED = read(OWNED_TEXT, "own.yaml")


@pytest.fixture
def ward(tmp_path: Path, database_url: str) -> Iterator[Ward]:
    (tmp_path / "pathways").mkdir()
    (tmp_path / "pathways" / "own.yaml").write_text(OWNED_TEXT)
    opened = a_ward(tmp_path, database_url, tmp_path / "pathways")
    yield opened
    engine_of(opened.sessions).dispose()


def sign(ward: Ward, file: PathwayFile = OWNED) -> None:
    sign_pathway(ward, file, "An Invented Lead", "clinical lead", NOON)


def live(ward: Ward) -> Ward:
    settings: Settings = ward.settings.model_copy(update={"use": "live"})
    return open_ward(settings)


def test_a_ward_for_live_use_starts_only_when_something_is_signed(ward: Ward) -> None:
    with pytest.raises(WardError, match="does not start for live use"):
        live(ward)
    sign(ward)
    opened = live(ward)
    with opened.unit_of_work() as store:
        assert set(signed_versions(store)) == {OWNED.pathway.name}
    engine_of(opened.sessions).dispose()


def test_what_a_lead_must_still_decide_stops_the_signature(ward: Ward) -> None:
    with pytest.raises(WardError, match="owner: nobody answers for this pathway"):
        sign(ward, read(SHIPPED_TEXT, "shipped.yaml"))


def test_a_signature_is_of_one_text_alone(ward: Ward) -> None:
    other = read(OWNED_TEXT.replace("title: COVID", "title: Our COVID"), "other.yaml")
    with pytest.raises(ConflictError, match="Give this one a new version"):
        sign(ward, other)
    sign(ward)
    with pytest.raises(ConflictError, match="signed already"):
        sign(ward)


def test_nobody_is_admitted_to_an_unsigned_version_in_live_use(ward: Ward) -> None:
    sign(ward)
    next_version = OWNED_TEXT.replace("version: 3", "version: 4").replace(
        "supersedes: 2", "supersedes: 3"
    )
    assert ward.settings.pathways_dir is not None
    (ward.settings.pathways_dir / "own.yaml").write_text(next_version)
    (ward.settings.pathways_dir / "signed.yaml").write_text(
        OWNED_TEXT.replace("id: covid-oximetry-at-home", "id: other-pathway")
    )
    shadow = open_ward(ward.settings)
    other = read(
        OWNED_TEXT.replace("id: covid-oximetry-at-home", "id: other-pathway"), "signed.yaml"
    )
    sign(shadow, other)
    opened = live(ward)
    add_gateway(opened, "home-01", NOON)
    with pytest.raises(WardError, match="@4 is not signed by a clinical lead"):
        admit(opened, an_admission("home-01"), NOON)
    for each in (shadow, opened):
        engine_of(each.sessions).dispose()


def test_outside_a_demo_nobody_is_admitted_who_cannot_be_reached(ward: Ward) -> None:
    shadow = open_ward(ward.settings.model_copy(update={"use": "shadow"}))
    add_gateway(shadow, "home-01", NOON)
    untried = an_admission("home-01")
    with pytest.raises(WardError, match="Try the channel"):
        admit(shadow, untried, NOON)
    engine_of(shadow.sessions).dispose()


def test_outside_a_demo_nobody_is_admitted_while_a_step_calls_nobody(ward: Ward) -> None:
    shadow = open_ward(ward.settings.model_copy(update={"use": "shadow"}))
    add_gateway(shadow, "home-01", NOON)
    tried = an_admission("home-01").model_copy(update={"reach_tested": True})
    with pytest.raises(WardError, match="ward nurse has a tested channel"):
        admit(shadow, tried, NOON)
    with shadow.unit_of_work() as store:
        for role in ("ward_nurse", "ward_doctor", "on_call", "on_call_senior"):
            line = RosterRow(
                role=role,
                channel=Channel.PHONE,
                address="07700 900001",
                since=NOON,
                tested_at=None if role == "on_call" else NOON,
            )
            store.add(line)
    with pytest.raises(WardError, match="Nobody who answers for on call has a tested channel"):
        admit(shadow, tried, NOON)
    with shadow.unit_of_work() as store:
        store.roster.of_role("on_call", NOON)[0].tested_at = NOON
    assert admit(shadow, tried, NOON).admitted_at == NOON
    engine_of(shadow.sessions).dispose()
