"""Admit somebody: who may be, what must be known first, and that they and we can be reached."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from ward_service.contract.http.stays import Admission, AdmissionView
from ward_service.contract.ids import new_id
from ward_service.contract.vocabulary import Channel, Spo2Target
from ward_service.domain.civil_time import local
from ward_service.domain.episode import Person, begin
from ward_service.domain.limits import limits_at_admission, wrong_with
from ward_service.domain.pathway import Pathway
from ward_service.domain.state import EpisodeState
from ward_service.errors import ConflictError, NotFoundError, WardError
from ward_service.notify.roster import unreachable
from ward_service.notify.sms import e164
from ward_service.store.stays import as_admitted, stored
from ward_service.store.tables.alerts import LedgerRow
from ward_service.store.tables.homes import SlotRow
from ward_service.store.tables.stays import EpisodeRow, PatientRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward, signed_versions

OLDEST: Final = 130  # years; nobody known has reached it


def admit(ward: Ward, admission: Admission, now: datetime, by: str = "ward") -> AdmissionView:
    """Admit somebody to a place in a home: from now on a reading is expected.

    Raises:
        NotFoundError: there is no such gateway or pathway.
        ConflictError: somebody has this slot, or this person is on the ward already.
        WardError: the NHS number does not check, the pathway does not take this person, something
            that it requires is not known, or somebody could not be reached.
    """
    if not 0 <= now.year - admission.birth_date.year <= OLDEST or admission.birth_date > now.date():
        raise WardError("This date of birth cannot be right. Nobody was admitted.")
    number = admission.nhs_number.replace(" ", "")
    if not _checks(number):
        raise WardError("This NHS number does not check. Look for a mistyped digit.")
    pathway = ward.current.get(admission.pathway)
    if pathway is None:
        known = ", ".join(sorted(ward.current))
        raise NotFoundError(f"There is no pathway of that name. There is: {known}.")
    if admission.reach is Channel.SMS and e164(admission.phone) is None:
        raise WardError(
            "Text messages cannot go to this number: it must be a mobile one, written as "
            "07700 900123 or with + and its country. Nobody was admitted."
        )
    person = _person(admission, pathway, now)
    _must_fit(admission, person, pathway, by)
    with ward.unit_of_work(read_only=True) as store:
        _must_be_signed(ward, store, pathway)
    _must_be_reachable(ward, admission, pathway, now)
    with ward.unit_of_work() as store:
        _must_be_free(store, admission, number)
        return _write(store, _Admittance(admission, person, pathway, number, now, by))


@dataclass(frozen=True, slots=True)
class _Admittance:
    """An admission that may be written: who it is for the rules, on what, when, and by whom."""

    admission: Admission
    person: Person
    pathway: Pathway
    nhs_number: str
    now: datetime
    by: str


def _person(admission: Admission, pathway: Pathway, now: datetime) -> Person:
    return Person(
        mode=admission.mode,
        limits=limits_at_admission(
            pathway, admission.target, _baseline(admission), admission.home_oxygen
        ),
        zone=admission.zone,
        onset_on=admission.symptom_onset_date,
        age_years=_age(admission.birth_date, local(now, pathway.service.zone).date()),
        pregnant=False if admission.sex == "male" else admission.pregnant,
    )


def _baseline(admission: Admission) -> float | None:
    """Return the SpO2 against which a trend is seen: the usual one, or the one at enrolment.

    A target of its own needs the usual one, from a clinician who knows it.
    Source: UCLPartners, CO@h pages [UCLP-COH]; docs/reference/clinical.md#oximeter-accuracy,
    #low-usual-spo2.
    """
    if admission.usual_spo2 is None and admission.target is Spo2Target.STANDARD:
        return admission.rest_spo2
    return admission.usual_spo2


def _must_fit(admission: Admission, person: Person, pathway: Pathway, by: str) -> None:
    """Refuse whom the pathway does not take, and what it must know first."""
    rule, age = pathway.enrolment, person.age_years or 0
    if admission.mode not in pathway.modes:
        raise WardError(f"{pathway.name} has no mode {admission.mode}. Nobody was admitted.")
    if age < rule.min_age_years or (rule.max_age_years is not None and age > rule.max_age_years):
        raise WardError(f"{pathway.name} does not take people of this age. Nobody was admitted.")
    excluded = [code for code in admission.conditions if code in rule.exclusions]
    if excluded:
        raise WardError(
            f"{pathway.name} does not take people with: {', '.join(excluded)}. "
            "Nobody was admitted; refer them to another service."
        )
    given = admission.model_dump()
    missing = [code for code in rule.requires if given.get(code) in (None, "")]
    if missing:
        raise WardError(f"Nobody was admitted. {pathway.name} needs: {', '.join(missing)}.")
    if admission.target is Spo2Target.RANGE_88_92 and admission.target_confirmed_by in ("", by):
        raise WardError(
            "The range 88 to 92 needs a second person who confirms it (target_confirmed_by). "
            "Nobody was admitted."
        )
    assert person.limits is not None  # noqa: S101 - made a moment ago
    if wrong := wrong_with(person.limits, pathway):
        raise WardError("Nobody was admitted. " + " ".join(wrong))


def _must_be_signed(ward: Ward, store: Store, pathway: Pathway) -> None:
    """In live use nobody is admitted to what no clinical lead has signed."""
    if ward.settings.use == "live" and pathway.name not in signed_versions(store):
        raise WardError(
            f"{pathway.name} is not signed by a clinical lead. Nobody was admitted. "
            "Run: ward-service pathway sign"
        )


def _must_be_reachable(ward: Ward, admission: Admission, pathway: Pathway, now: datetime) -> None:
    """Outside a demo nobody is admitted while they, or a step of the ladder, cannot be reached.

    A phone counts as a channel, once it was tried.
    """
    if ward.settings.use == "demo":
        return
    address = admission.email if admission.reach is Channel.EMAIL else admission.phone
    if not address or not admission.reach_tested:
        raise WardError(
            "Nobody was admitted. Try the channel by which this person agreed to be reached "
            "(reach), and say that it was tried (reach_tested)."
        )
    if silent := unreachable(ward, pathway, admission.mode, now):
        raise WardError("Nobody was admitted. " + " ".join(silent) + " See: ward-service roster")


def _must_be_free(store: Store, admission: Admission, number: str) -> None:
    gateway = store.gateways.get(admission.gateway)
    if gateway is None or gateway.revoked_at is not None:
        raise NotFoundError("There is no such gateway. Add it first: ward-service gateway add")
    if store.slots.holder(admission.gateway, admission.slot) is not None:
        raise ConflictError("Somebody has this slot of this gateway already.")
    if store.stays.of_person(number) is not None:
        raise ConflictError("Somebody with this NHS number is on the ward already.")


def _write(store: Store, new: _Admittance) -> AdmissionView:
    """Write who came, their stay, their place and the ledger's first line; ask for a plan."""
    state = begin(new.now, new.pathway, new.person)
    patient = _patient_row(new)
    episode = _episode_row(new, patient.id, state)
    store.add(patient, episode, _slot_row(new, episode.id), _ledger_row(new, episode.id))
    store.plans.want(new.admission.gateway, new.admission.slot, episode.id, new.pathway.name)
    return AdmissionView(episode_id=episode.id, admitted_at=new.now, first_due_at=state.expected_at)


def _patient_row(new: _Admittance) -> PatientRow:
    admission = new.admission
    return PatientRow(
        id=new_id(new.now),
        family_name=admission.family_name,
        given_name=admission.given_name,
        birth_date=admission.birth_date,
        nhs_number=new.nhs_number,
        phone=admission.phone,
        email=admission.email,
        reach=admission.reach,
        reach_tested_at=new.now if admission.reach_tested else None,
    )


def _episode_row(new: _Admittance, patient_id: UUID, state: EpisodeState) -> EpisodeRow:
    admission = new.admission
    return EpisodeRow(
        id=new_id(new.now),
        patient_id=patient_id,
        pathway=new.pathway.name,
        admitted_at=new.now,
        birth_year=admission.birth_date.year,
        sex=admission.sex,
        ethnicity=admission.ethnicity,
        deprivation_decile=admission.deprivation_decile,
        language=admission.language,
        channel=admission.channel,
        mode=admission.mode,
        referral_source=admission.referral_source,
        referral_at=admission.referral_at,
        symptom_onset_date=admission.symptom_onset_date,
        rest_spo2=admission.rest_spo2,
        admitted_as=as_admitted(replace(new.person, limits=state.limits)),
        state=stored(state),
        next_deadline_at=state.next_at,
        due_written_until=new.now,
    )


def _slot_row(new: _Admittance, episode_id: UUID) -> SlotRow:
    return SlotRow(
        id=new_id(new.now),
        gateway_id=new.admission.gateway,
        slot=new.admission.slot,
        episode_id=episode_id,
        since=new.now,
    )


def _ledger_row(new: _Admittance, episode_id: UUID) -> LedgerRow:
    return LedgerRow(
        episode_id=episode_id,
        at=new.now,
        noticed_at=new.now,
        by=new.by,
        what="admitted",
        words=f"to {new.pathway.name}, {new.admission.mode}",
    )


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _checks(nhs_number: str) -> bool:
    """Whether the last digit is the modulus 11 check of the first nine.

    Source: NHS Data Dictionary, NHS NUMBER [NHS-DD].
    """
    total = sum(
        int(digit) * weight for digit, weight in zip(nhs_number[:9], range(10, 1, -1), strict=True)
    )
    return (11 - total % 11) % 11 == int(nhs_number[9])
