"""JWT bearer tokens of an OIDC issuer: whom they stand for, and what they hold."""

from collections.abc import Mapping
from typing import Any

import jwt

from services.catalog.keys import PREFIX, Keys
from services.core.access import Caller, Scope
from services.core.errors import Denied
from services.gateway.access.jwks import Jwks
from services.gateway.access.settings import AccessSettings

ALL = "*"
MAX_NAME = 200


class Tokens:
    """Knows callers by tokens."""

    def __init__(self, settings: AccessSettings, keys: Jwks) -> None:
        self._settings = settings
        self._keys = keys

    def caller(self, credential: str) -> Caller | None:
        """Who shows this token; None unless the issuer signed it for this platform and its time has not passed.

        Raises Denied when it holds no scope here, Unavailable when the issuer's keys cannot be had.
        """
        s = self._settings
        try:
            header = jwt.get_unverified_header(credential)
            key = self._keys.key(str(header.get("kid", "")))
            if key is None:
                return None
            claims = jwt.decode(
                credential,
                key,
                algorithms=list(s.jwt_algorithms),
                audience=s.jwt_audience,
                issuer=s.jwt_issuer,
                leeway=s.jwt_leeway_s,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError:
            return None
        name = "users/" + "".join(c if c.isprintable() else "?" for c in str(claims["sub"]))[:MAX_NAME]
        asked = _words(_claim(claims, s.jwt_scope_claim))
        scopes = [scope for scope in Scope if f"{s.jwt_scope_prefix}{scope.name.lower()}" in asked]
        if not scopes:
            rule = f"{s.jwt_scope_prefix}read, {s.jwt_scope_prefix}write or {s.jwt_scope_prefix}admin"
            raise Denied(f"the token of {name} holds no scope: its claim {s.jwt_scope_claim!r} must name {rule}")
        held = _words(_claim(claims, s.jwt_collections_claim))
        return Caller(name, max(scopes), None if ALL in held else held)


class Credentials:
    """Implements `guard.Authenticator`: keys, and tokens where an issuer is set."""

    def __init__(self, keys: Keys, tokens: Tokens | None) -> None:
        self._keys = keys
        self._tokens = tokens

    def caller(self, credential: str) -> Caller | None:
        if credential.startswith(PREFIX) or self._tokens is None:
            return self._keys.caller(credential)
        return self._tokens.caller(credential)

    def goes_on(self, credential: str) -> bool:
        # A token cannot be revoked, and is often shorter than an upload: what it has begun goes on.
        return not credential.startswith(PREFIX) or self._keys.goes_on(credential)


def credentials(settings: AccessSettings, keys: Keys) -> Credentials:
    """What callers may show, as the settings say."""
    if not settings.jwt_issuer:
        return Credentials(keys, None)
    jwks = Jwks(settings.jwt_issuer, settings.jwt_jwks_url, settings.jwt_refresh_s)
    return Credentials(keys, Tokens(settings, jwks))


def _claim(claims: Mapping[str, Any], name: str) -> object:
    """A claim of this name, or of this path."""
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _words(claim: object) -> frozenset[str]:
    """What a claim lists: texts, or words of one text."""
    if isinstance(claim, str):
        return frozenset(claim.split())
    return frozenset(one for one in claim if isinstance(one, str)) if isinstance(claim, list) else frozenset()
