"""Language tags with langcodes."""

import functools

import langcodes
from langcodes.registry_parser import parse_registry
from langcodes.tag_parser import LanguageTagError

_NONE = frozenset({"und", "zxx", "mul", "mis", "art"})
"""Not known, no language, several, uncoded, invented."""


class LangcodesLanguages:
    """Implements `ports.Languages`."""

    def tag(self, name: str) -> str:
        name = name.strip()
        try:
            tag = langcodes.standardize_tag(name)
        except LanguageTagError:
            return _names().get(name.lower(), "")
        if not langcodes.tag_is_valid(tag):
            return _names().get(name.lower(), "")
        language = tag.split("-")[0]
        return "" if language in _NONE or ("qaa" <= language <= "qtz" and len(language) == 3) else tag


@functools.cache
def _names() -> dict[str, str]:
    """Tags by English name in small letters, from the registry of IANA that the package brings."""
    found: dict[str, str] = {}
    for record in parse_registry():  # type: ignore[no-untyped-call]
        if record.get("Type") == "language" and "Deprecated" not in record:
            for name in record.get("Description", []):
                found.setdefault(str(name).lower(), str(record["Subtag"]))
    return found
