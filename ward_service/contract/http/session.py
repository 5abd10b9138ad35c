"""Signing in, and the code that lets a home enrol."""

from pydantic import AwareDatetime, BaseModel, Field

from ward_service.contract.http.base import View


class SignIn(BaseModel):
    """What a clinician gives to sign in."""

    username: str = Field(min_length=1, max_length=100)
    password: str = Field(min_length=1, max_length=200)


class ClinicianView(View):
    """Who is signed in."""

    username: str
    name: str


class SessionView(View):
    """A session: the token goes into an HttpOnly cookie, `ward_session`, and nowhere else."""

    token: str
    expires_at: AwareDatetime
    clinician: ClinicianView


class InvitationView(View):
    """A code by which one home can become this gateway, once. It is shown here and never again."""

    gateway: str
    code: str = Field(repr=False)
    expires_at: AwareDatetime
