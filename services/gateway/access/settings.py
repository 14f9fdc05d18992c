"""The environment of the gateway's door."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.core.errors import InvalidInput
from services.runtime.settings import ServerSettings, is_loopback

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures that only the issuer can make: with HS256, whoever can check a token can make one."""


class AccessSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="VIDX_ACCESS_", frozen=True)

    authentication: Literal["on", "off", ""] = Field(
        "",
        description="whether callers need a key or a token; must be said on an address that other machines can reach",
    )
    jwt_issuer: str = Field(
        "", description="whose tokens are taken beside keys, exactly as their `iss`; none when empty"
    )
    jwt_audience: str = Field("", description="what their `aud` must hold")
    jwt_jwks_url: str = Field("", description="where the issuer's keys are; when empty, where its OIDC discovery says")
    jwt_algorithms: tuple[Algorithm, ...] = Field(("RS256", "ES256", "EdDSA"), min_length=1)
    jwt_scope_claim: str = Field("scope", description="claim with the scopes: a list, or words; a.b is b within a")
    jwt_scope_prefix: str = Field("vidx:", description="what stands before read, write and admin there")
    jwt_collections_claim: str = Field("vidx_collections", description="claim with ids of collections; `*` is all")
    jwt_refresh_s: float = Field(300.0, gt=0, description="the issuer's keys are fetched again after so long")
    jwt_leeway_s: float = Field(30.0, ge=0, description="how far the issuer's clock may be off")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.jwt_issuer and not self.jwt_audience:
            raise ValueError("VIDX_ACCESS_JWT_ISSUER needs VIDX_ACCESS_JWT_AUDIENCE: tokens for others are not taken")
        for url in filter(None, (self.jwt_jwks_url or self.jwt_issuer,)):
            check_url(url)
        return self

    def asks(self, server: ServerSettings) -> bool:
        """Whether callers need a key or a token. Raises InvalidInput where that has to be said and is not."""
        if not self.authentication and not server.loopback:
            raise InvalidInput(
                f"{server.address} can be reached by other machines, and nobody said who may: set"
                " VIDX_ACCESS_AUTHENTICATION=on, and make the first key with `python -m services.catalog key TITLE`;"
                " or VIDX_ACCESS_AUTHENTICATION=off to let everybody do everything"
            )
        return self.authentication == "on"


def check_url(url: str) -> None:
    """Raises ValueError unless an issuer's keys can be fetched from there without anybody changing them on the way."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(f"{parts.hostname}:0")):
        raise ValueError(f"{url!r} is not an https:// address")
