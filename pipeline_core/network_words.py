"""What went wrong with a service of the network, in a person's words."""

from __future__ import annotations

_UNREADABLE = (
    "DALFormat", "Expat", "IncompleteRead", "ChunkedEncoding", "E19", "VOTable", "JSON", "KeyError", "ValueError",
)  # fmt: skip
_UNREACHED = ("ConnectionError", "NewConnection", "NameResolution", "gaierror")


def network_words(error: BaseException) -> str:
    """Say what a failed request means.

    Notes
    -----
    The error's own text is not repeated: it may hold what was sent, a key among it.
    """
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and len(links) < 8:
        links.append(link)
        link = link.__cause__ or link.__context__
    for link in links:
        status = getattr(getattr(link, "response", None), "status_code", None)
        if status == 429:
            return "it asks to come back later (HTTP 429, too many requests)"
        if status is not None and status >= 400:
            return f"it answered with HTTP {status}"
    names = " ".join(type(link).__name__ for link in links)
    said = {
        "it does not answer in time": "Timeout" in names,
        "its answer is cut short or no data (an error page?)": any(word in names for word in _UNREADABLE),
        "it cannot be reached": any(word in names for word in _UNREACHED),
    }
    return next((words for words, true in said.items() if true), f"it failed ({type(error).__name__})")
