"""The gateway's environment."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.runtime.addresses import Network


class GatewaySettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="VIDX_GATEWAY_", frozen=True)

    search_address: str = Field(description="host:port of the search service")
    decoding_address: str = Field(description="host:port of the decoding service")
    transcription_address: str = Field(description="host:port of the transcription service")
    chaptering_address: str = Field(description="host:port of the chaptering service")
    max_upload_bytes: int = Field(64 << 30, ge=1, description="largest video taken")
    max_uploads: int = Field(
        32,
        ge=1,
        description="streams of UploadVideo, and imports, at a time; the last quarter for collections without any",
    )
    max_making: int = Field(16, ge=1, description="chapters, summaries and answers being made at a time")
    max_watchers: int = Field(32, ge=1, description="streams of WatchVideo at a time")
    watch_s: float = Field(0.1, gt=0, description="seconds between looks at a watched video")
    call_s: float = Field(30.0, gt=0, description="deadline of a call to another service")
    max_cuts: int = Field(4, ge=1, description="films of ExportSkim being cut or sent at a time")
    cut_s: float = Field(3600.0, gt=0, description="longest that one of them may take")
    making_s: float = Field(150.0, gt=0, description="the same, for chapters, summaries and answers made for a call")


class ImportSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="VIDX_IMPORT_", frozen=True)

    folders: tuple[str, ...] = Field((), description="JSON list of folders that file: may read; none by default")
    http: bool = Field(False, description="allow http: and https:, to public addresses only")
    schemes: tuple[Literal["http", "https"], ...] = Field(("http", "https"), description="JSON list of those allowed")
    hosts: tuple[str, ...] = Field((), description='JSON list such as ["films.org", "*.films.org"]; any when empty')
    networks: tuple[Network, ...] = Field(
        (), description='JSON list of networks that are not public and may be reached, such as ["10.20.0.0/16"]'
    )
    timeout_s: float = Field(600.0, gt=0, description="longest that one download may take")
    s3_endpoint: str = Field("", description="host:port that s3: reads from; off when empty")
    s3_secure: bool = True
    s3_access_key: SecretStr = SecretStr("")
    s3_secret_key: SecretStr = SecretStr("")
