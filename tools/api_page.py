"""The page on the HTTP API, drawn from the OpenAPI of the ward, so that both say the same.

`python -m tools.api_page` writes docs/reference/api.md; `tests/tools/test_docs.py` fails when the
page differs from the routes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

from ward_service.api.app import create_app
from ward_service.ward import Ward

ROOT: Final = Path(__file__).parents[1]
API: Final = ROOT / "docs/reference/api.md"
METHODS: Final = ("get", "post", "put", "delete")

PAGE: Final = """\
# API

<!-- Made by `python -m tools.api_page` from the routes in `ward_service/api/`: change those. -->

The HTTP API of the ward (`ward-service api`), {count} routes. The dashboard uses nothing else. The
running ward serves its OpenAPI, with every field, at `/openapi.json`. The shapes stand in
`ward_service/contract/http/`.

- **Sign-in.** `POST /session` answers with a token. Send it as `Authorization: Bearer TOKEN`. A
  route marked *open* needs none: it takes a password, a code or a request that a gateway signed, or
  it names no person.
- **Refusals** are `application/problem+json` (RFC 9457) with a sentence that is safe to show. 422
  names the fields that are wrong. 503: the ward cannot reach its database and did nothing.
- **Acts on an alert** name the version that you saw (`If-Match`). 412 means that the alert has
  changed; the answer holds what it has become.
- **Repeats.** An act carries an `Idempotency-Key`. Sent again with the same key, it is not carried
  out again.
- Times are RFC 3339 with their offset. Ids are UUIDs.

{tables}

The patient's page has routes of its own, in `device_gateway/web/`. They serve a browser.
"""


def page() -> str:
    """Return the page as it must stand in docs/."""
    routes = list(_routes())
    tables = []
    for noun in dict.fromkeys(noun for noun, *_ in routes):
        rows = [f"| {name} | {says} |" for other, name, says in routes if other == noun]
        tables.append("\n".join([f"## {noun}", "", "| route | does |", "|---|---|", *rows]))
    return PAGE.format(count=len(routes), tables="\n\n".join(tables))


def _routes() -> Iterator[tuple[str, str, str]]:
    """Yield the noun, the name and the first paragraph of each route, in the order of the API."""
    # A route is drawn and never asked, so no ward has to be open.
    app = create_app(cast(Ward, None))
    operations: dict[str, dict[str, Any]] = app.openapi()["paths"]
    for path, methods in operations.items():
        for method in METHODS:
            if (operation := methods.get(method)) is None:
                continue
            text = " ".join(operation["description"].split("\n\n")[0].split())
            needed = {parameter["name"] for parameter in operation.get("parameters", ())}
            mark = "" if "authorization" in needed else " *open*"
            noun = path.split("/")[1].replace("-", " ").capitalize()
            yield noun, f"`{method.upper()} {path}`{mark}", text.replace("|", "\\|")


if __name__ == "__main__":
    API.write_text(page(), encoding="utf-8")
