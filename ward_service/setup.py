"""What is done before anybody is watched: accounts, gateways, admissions."""

from datetime import datetime
from uuid import UUID

from ward_service.contract.api import Admission, AdmissionView
from ward_service.contract.envelope import gateway_key
from ward_service.contract.ids import new_id
from ward_service.domain.episode import begin, next_deadline
from ward_service.errors import ConflictError, NotFoundError, WardError
from ward_service.passwords import new_account
from ward_service.store.stays import stored
from ward_service.store.tables import EpisodeRow, GatewayRow, PatientRow, SlotRow
from ward_service.ward import Ward, open_ward

__all__ = ["add_account", "add_gateway", "admit", "open_ward"]


def add_account(ward: Ward, username: str, name: str, password: str) -> None:
    """Make a clinician's account, or reset it.

    Raises:
        WardError: the password is too short.
    """
    with ward.unit_of_work() as store:
        new_account(store, username, name, password)


def add_gateway(ward: Ward, gateway_id: str, now: datetime) -> str:
    """Make a gateway known and return its key (hex). The same gateway has the same key.

    Raises:
        WardError: the gateway was revoked.
    """
    with ward.unit_of_work() as store:
        row = store.gateway(gateway_id)
        if row is None:
            row = GatewayRow(id=gateway_id, generation=1, added_at=now)
            store.add(row)
        if row.revoked_at is not None:
            raise WardError(f"Gateway {gateway_id} was revoked and cannot be used again.")
        return gateway_key(ward.secret, gateway_id, row.generation).hex()


def admit(ward: Ward, admission: Admission, now: datetime) -> AdmissionView:
    """Admit somebody to a place in a home: from now on a reading is expected.

    Raises:
        NotFoundError: there is no such gateway or pathway.
        ConflictError: somebody has this slot, or this person is on the ward already.
        WardError: the NHS number does not check.
    """
    number = admission.nhs_number.replace(" ", "")
    if not _checks(number):
        raise WardError("This NHS number does not check. Look for a mistyped digit.")
    pathway = ward.current.get(admission.pathway)
    if pathway is None:
        known = ", ".join(sorted(ward.current))
        raise NotFoundError(f"There is no pathway of that name. There is: {known}.")
    with ward.unit_of_work() as store:
        gateway = store.gateway(admission.gateway)
        if gateway is None or gateway.revoked_at is not None:
            raise NotFoundError("There is no such gateway. Add it first: ward-service gateway add")
        if store.slot_holder(admission.gateway, admission.slot) is not None:
            raise ConflictError("Somebody has this slot of this gateway already.")
        if store.staying(number) is not None:
            raise ConflictError("Somebody with this NHS number is on the ward already.")
        patient = PatientRow(
            id=new_id(now),
            family_name=admission.family_name,
            given_name=admission.given_name,
            birth_date=admission.birth_date,
            nhs_number=number,
            phone=admission.phone,
        )
        state = begin(now, pathway)
        episode_id: UUID = new_id(now)
        episode = EpisodeRow(
            id=episode_id,
            patient_id=patient.id,
            pathway=pathway.name,
            admitted_at=now,
            birth_year=admission.birth_date.year,
            sex=admission.sex,
            ethnicity=admission.ethnicity,
            deprivation_decile=admission.deprivation_decile,
            language=admission.language,
            mode=admission.mode,
            state=stored(state),
            next_deadline_at=next_deadline(state, pathway),
            due_written_until=now,
        )
        slot = SlotRow(
            id=new_id(now),
            gateway_id=admission.gateway,
            slot=admission.slot,
            episode_id=episode_id,
            since=now,
        )
        store.add(patient, episode, slot)
    return AdmissionView(episode_id=episode_id, admitted_at=now, first_due_at=state.expected_at)


def _checks(nhs_number: str) -> bool:
    """Whether the last digit is the modulus 11 check of the first nine.

    Source: NHS Data Dictionary, NHS NUMBER.
    """
    total = sum(
        int(digit) * weight for digit, weight in zip(nhs_number[:9], range(10, 1, -1), strict=True)
    )
    return (11 - total % 11) % 11 == int(nhs_number[9])
