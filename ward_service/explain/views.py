"""Values into the shapes of the API. Nothing is decided here."""

from ward_service.contract.http.explanation import CitationView, SourceTitleView
from ward_service.pathways.citation import Citation


def citation_view(citation: Citation) -> CitationView:
    """Return a line of a pathway file as an answer has it."""
    return CitationView(
        key=citation.key,
        place=citation.place,
        text=citation.text,
        source=citation.source,
        titles=tuple(SourceTitleView(code=code, title=title) for code, title in citation.titles),
    )
