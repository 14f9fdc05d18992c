"""Settings come from the environment, are read once in `__main__`, and never change.

Each service has its own frozen class; this is what they share. A missing value without a default stops the start with
the name of the variable.
"""

import sys
from typing import Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

S = TypeVar("S", bound=BaseSettings)


class Telemetry(BaseSettings):
    """How a process reports."""

    model_config = SettingsConfigDict(env_prefix="VIDX_LOG_", frozen=True)

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "text"] = "json"


class StoreSettings(BaseSettings):
    """Where objects lie: a folder, or any S3."""

    model_config = SettingsConfigDict(env_prefix="VIDX_STORE_", frozen=True)

    url: str = Field(description="folder:///path, or s3://host:port/bucket (plain HTTP) or s3+https://host/bucket")
    access_key: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")
    region: str = "us-east-1"
    scratch: str = Field("/tmp/vidx-scratch", description="folder for local copies of remote objects")
    min_free_bytes: int = Field(256 << 20, ge=0, description="a folder store refuses to fill its disk below this")


class QueueSettings(BaseSettings):
    """The broker, and how long a message may be worked on."""

    model_config = SettingsConfigDict(env_prefix="VIDX_QUEUE_", frozen=True)

    url: SecretStr = Field(description="redis://host:port/0")
    visibility_s: int = Field(3600, gt=0, description="after this the broker hands a message out again")


class ServerSettings(BaseSettings):
    """One gRPC server."""

    model_config = SettingsConfigDict(env_prefix="VIDX_SERVER_", frozen=True)

    address: str = Field("127.0.0.1:0", description="host:port to listen on; port 0 takes a free one")
    threads: int = Field(16, ge=1, le=512)
    drain_s: float = Field(10.0, ge=0, description="how long calls under way may go on after SIGTERM")


def read(cls: type[S]) -> S:
    """The settings, or exit with one line a wrong variable."""
    try:
        return cls()
    except ValidationError as error:
        prefix = cls.model_config.get("env_prefix", "")
        lines = [f"{prefix}{'_'.join(map(str, e['loc']))}".upper() + f": {e['msg']}" for e in error.errors()]
        sys.exit("settings are wrong:\n  " + "\n  ".join(lines))
