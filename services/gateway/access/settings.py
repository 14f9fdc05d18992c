"""The environment of the gateway's door."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.core.errors import InvalidInput
from services.runtime.settings import ServerSettings


class AccessSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="VIDX_ACCESS_", frozen=True)

    authentication: Literal["on", "off", ""] = Field(
        "",
        description="whether callers need a key or a token; must be said on an address that other machines can reach",
    )

    def asks(self, server: ServerSettings) -> bool:
        """Whether callers need a key or a token. Raises InvalidInput where that has to be said and is not."""
        if not self.authentication and not server.loopback:
            raise InvalidInput(
                f"{server.address} can be reached by other machines, and nobody said who may: set"
                " VIDX_ACCESS_AUTHENTICATION=on, and make the first key with `python -m services.catalog key TITLE`;"
                " or VIDX_ACCESS_AUTHENTICATION=off to let everybody do everything"
            )
        return self.authentication == "on"
