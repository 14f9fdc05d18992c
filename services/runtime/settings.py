"""Settings come from the environment, are read once in `__main__`, and never change.

Each service has its own frozen class; this is what they share. A missing value without a default stops the start with
the name of the variable.
"""

import ipaddress
import os
import sys
from typing import Literal, Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

S = TypeVar("S", bound=BaseSettings)
SYSTEM_CA = "system"
"""In the place of a file: the CAs that this machine believes."""


class Telemetry(BaseSettings):
    """How a process reports."""

    model_config = SettingsConfigDict(env_prefix="VIDX_LOG_", frozen=True)

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "text"] = "json"


class Tracing(BaseSettings):
    """Where spans go. The other standard variables of OpenTelemetry hold as well, such as OTEL_TRACES_SAMPLER."""

    model_config = SettingsConfigDict(env_prefix="OTEL_EXPORTER_OTLP_", frozen=True)

    endpoint: str = Field(
        "",
        pattern=r"^(https?://[^/]+/?)?$",
        description="http://host:4317, or https:// with TLS, of a collector's gRPC port; no traces when empty",
    )


class Metrics(BaseSettings):
    """Where Prometheus reads this process."""

    model_config = SettingsConfigDict(env_prefix="VIDX_METRICS_", frozen=True)

    address: str = Field("", pattern=r"^$|^.+:\d{1,5}$", description="host:port of /metrics; port 0 takes a free one")


class StoreSettings(BaseSettings):
    """Where objects lie: a folder, or any S3."""

    model_config = SettingsConfigDict(env_prefix="VIDX_STORE_", frozen=True)

    url: str = Field(description="folder:///path, or s3://host:port/bucket (plain HTTP) or s3+https://host/bucket")
    public_url: str = Field(
        "", description="http(s)://host:port at which clients reach the S3 server; that of the url when empty"
    )
    access_key: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")
    ca: str = Field("", description="file with the CA of the S3 server's certificate; this machine's when empty")
    region: str = "us-east-1"
    scratch: str = Field("/tmp/vidx-scratch", description="folder for local copies of remote objects")
    cache_bytes: int = Field(20 << 30, ge=0, description="local copies that nobody reads are dropped down to this")
    min_free_bytes: int = Field(256 << 20, ge=0, description="a folder store refuses to fill its disk below this")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        _readable(self.ca)
        if self.ca and not self.url.startswith("s3+https://"):
            raise ValueError("VIDX_STORE_CA needs a VIDX_STORE_URL that begins with s3+https://")
        return self


class QueueSettings(BaseSettings):
    """The broker, and how long a message may be worked on."""

    model_config = SettingsConfigDict(env_prefix="VIDX_QUEUE_", frozen=True)

    url: SecretStr = Field(description="redis://:password@host:port/0, or rediss:// with TLS")
    ca: str = Field("", description="file with the CA of the broker's certificate; this machine's when empty")
    visibility_s: int = Field(3600, gt=0, description="after this the broker hands a message out again")

    @property
    def tls(self) -> bool:
        return self.url.get_secret_value().startswith("rediss://")

    @model_validator(mode="after")
    def _known(self) -> Self:
        _readable(self.ca)
        # The URL is not told: it may hold a password.
        if not self.url.get_secret_value().startswith(("redis://", "rediss://")):
            raise ValueError("VIDX_QUEUE_URL must begin with redis:// or rediss://")
        if self.ca and not self.tls:
            raise ValueError("VIDX_QUEUE_CA needs a VIDX_QUEUE_URL that begins with rediss://")
        return self


class WorkerSettings(BaseSettings):
    """A process that takes jobs."""

    model_config = SettingsConfigDict(env_prefix="VIDX_WORKER_", frozen=True)

    alive: str = Field("", description="file of its signs of life, for `services.runtime.alive`; none when empty")


class ServerSettings(BaseSettings):
    """One gRPC server. Files are PEM, and read again when they change. Plain text is for loopback, unless told so."""

    model_config = SettingsConfigDict(env_prefix="VIDX_SERVER_", frozen=True)

    address: str = Field("127.0.0.1:0", description="host:port to listen on; port 0 takes a free one")
    threads: int = Field(16, ge=1, le=512)
    drain_s: float = Field(10.0, ge=0, description="how long calls under way may go on after SIGTERM")
    connection_age_s: float = Field(
        0.0,
        ge=0,
        description="a client is asked to connect anew after about so long, and so finds servers that were added; "
        "calls under way go on; 0: never",
    )
    idle_s: float = Field(60.0, gt=0, description="a stream whose caller sends nothing for so long is ended")
    tls_cert: str = Field("", description="file with the server's certificate and those between it and its CA")
    tls_key: str = Field("", description="file with the certificate's private key")
    tls_client_ca: str = Field("", description="file with the CA that callers' certificates must come from")
    tls_identity: str = Field(
        "spiffe://vidx/{service}",
        description="SPIFFE or DNS name in the certificate of a service; {service} stands for its one word",
    )
    tls_also: tuple[str, ...] = Field((), description="JSON list of names that may call every method as well")
    insecure: bool = Field(
        False, description="plain text, or no mutual TLS, also on an address that other machines can reach"
    )

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the address."""
        return is_loopback(self.address)

    @model_validator(mode="after")
    def _safe(self) -> Self:
        _readable(self.tls_cert, self.tls_key, self.tls_client_ca)
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("VIDX_SERVER_TLS_CERT and VIDX_SERVER_TLS_KEY go together")
        if self.tls_client_ca and not self.tls_cert:
            raise ValueError("VIDX_SERVER_TLS_CLIENT_CA needs VIDX_SERVER_TLS_CERT and VIDX_SERVER_TLS_KEY")
        if "{service}" not in self.tls_identity:
            raise ValueError("VIDX_SERVER_TLS_IDENTITY must hold {service}")
        if not (self.tls_cert or self.insecure or self.loopback):
            raise ValueError(
                f"{self.address} can be reached by other machines, and would speak plain text: set VIDX_SERVER_TLS_CERT"
                " and VIDX_SERVER_TLS_KEY, or VIDX_SERVER_INSECURE=true if something else protects it"
            )
        return self


class ClientSettings(BaseSettings):
    """How a process calls gRPC servers: in plain text, unless a CA is given. Files are PEM."""

    model_config = SettingsConfigDict(env_prefix="VIDX_CLIENT_", frozen=True)

    tls_ca: str = Field("", description="file with the CA of the servers' certificates; `system` for this machine's")
    tls_cert: str = Field("", description="file with the certificate that this process shows servers")
    tls_key: str = Field("", description="file with its private key")
    insecure: bool = Field(False, description="send a key in plain text also to another machine")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        _readable(self.tls_cert, self.tls_key, *({self.tls_ca} - {SYSTEM_CA}))
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("VIDX_CLIENT_TLS_CERT and VIDX_CLIENT_TLS_KEY go together")
        if self.tls_cert and not self.tls_ca:
            raise ValueError("VIDX_CLIENT_TLS_CERT needs VIDX_CLIENT_TLS_CA")
        return self


def _readable(*files: str) -> None:
    for file in files:
        if file and not os.access(file, os.R_OK):
            raise ValueError(f"cannot read {file}")


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach host:port."""
    host = address.rsplit(":", 1)[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or address.startswith(("unix:", "unix-abstract:"))


def read(cls: type[S]) -> S:
    """The settings, or exit with one line a wrong variable."""
    try:
        return cls()
    except ValidationError as error:
        prefix = cls.model_config.get("env_prefix", "")
        lines = [_line(prefix, "_".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
        sys.exit("settings are wrong:\n  " + "\n  ".join(lines))


def _line(prefix: str, name: str, message: str) -> str:
    # What concerns several variables has no name of its own, and says theirs.
    return f"{prefix}{name}".upper() + f": {message}" if name else message.removeprefix("Value error, ")
