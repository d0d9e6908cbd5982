"""Which of our languages a reader prefers."""

from contracts.api.fields import Language


def preferred_language(accept_language: str) -> Language:
    """Return the reader's best language of ours, from an Accept-Language header."""
    weighed = map(_weighed, accept_language.split(","))
    # Sorting keeps the order of what is equally dear.
    ranked = sorted(weighed, key=lambda pair: pair[0], reverse=True)
    wanted = [tag for weight, tag in ranked if weight > 0 and tag[:2] in ("en", "pt")]
    return "pt-BR" if wanted and wanted[0].startswith("pt") else "en"


def _weighed(part: str) -> tuple[float, str]:
    tag, _, quality = part.strip().lower().partition(";")
    try:
        return float(quality.strip().removeprefix("q=") or 1), tag.strip()
    except ValueError:
        return 0.0, tag
