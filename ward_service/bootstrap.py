"""What is done before anybody is watched: accounts, gateways, signatures."""

from datetime import datetime

from ward_service.errors import ConflictError, WardError
from ward_service.passwords import new_account
from ward_service.pathways.check import unsignable
from ward_service.pathways.load import PathwayFile
from ward_service.store.tables.stays import SignatureRow
from ward_service.ward import Ward, signed_versions, version_row


def add_account(ward: Ward, username: str, name: str, password: str) -> None:
    """Make a clinician's account, or reset it.

    Raises:
        WardError: the password is too short.
    """
    with ward.unit_of_work() as store:
        new_account(store, username, name, password)


def sign_pathway(ward: Ward, file: PathwayFile, lead: str, role: str, now: datetime) -> None:
    """Write down that a named clinical lead has signed exactly this text.

    Raises:
        ConflictError: this text is signed already, or another text ran under this version.
        WardError: it cannot be signed yet; every reason is named.
    """
    if stops := unsignable(file.written):
        raise WardError(f"{file.pathway.name} was not signed. " + " ".join(stops))
    pathway = file.pathway
    with ward.unit_of_work() as store:
        row = store.pathways.get(pathway.id, pathway.version)
        if row is not None and row.sha256 != file.sha256:
            raise ConflictError(
                f"Another text ran here as {pathway.name}. Give this one a new version. "
                "Nothing was signed."
            )
        if row is None:
            store.add(version_row(file, now))
        if pathway.name in signed_versions(store):
            raise ConflictError(f"{pathway.name} is signed already. Nothing was changed.")
        signature = SignatureRow(
            pathway_id=pathway.id,
            version=pathway.version,
            sha256=file.sha256,
            lead=lead.strip(),
            role=role.strip(),
            signed_at=now,
        )
        store.add(signature)
