"""Languages by their BCP 47 tags: which of those that there are is nearest to the one wanted."""

from collections.abc import Collection


def nearest(wanted: str | None, known: Collection[str]) -> str | None:
    """Return the language for who wants one: itself, else what it is a kind of, else None.

    `pt-BR` is served by `pt`, never by `pt-PT`. Source: RFC 4647 section 3.4 [RFC-4647].
    """
    by_tag = {code.lower(): code for code in known}
    parts = (wanted or "").strip().replace("_", "-").lower().split("-")
    while parts:
        found = by_tag.get("-".join(parts))
        if found is not None:
            return found
        parts.pop()
    return None
