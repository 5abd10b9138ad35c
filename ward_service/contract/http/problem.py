"""How the API says that something is wrong, of a paper diary row by row."""

from ward_service.contract.http.alerts import AlertView
from ward_service.contract.http.base import View


class RowWords(View):
    """What is wrong with a row of a paper diary (the first is 1), or what must be asked about it.

    A question is answered with `sure`, or by leaving the row out.
    """

    row: int
    words: str
    question: bool = False


class Problem(View):
    """A refusal (RFC 9457): what happened, what was kept, what to do; of a diary row by row."""

    title: str
    detail: str
    status: int
    alert: AlertView | None = None
    rows: tuple[RowWords, ...] = ()
