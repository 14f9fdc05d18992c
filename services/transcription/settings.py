"""The transcription service's environment."""

import os
from pathlib import Path

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _processes() -> int:
    return max(1, min(4, len(os.sched_getaffinity(0))))


class TranscriptionSettings(BaseSettings):
    """VIDX_TRANSCRIPTION_*"""

    model_config = SettingsConfigDict(env_prefix="VIDX_TRANSCRIPTION_", frozen=True)

    models: Path = Field(description="folder of the built model pack, which says what recognizes speech")
    concurrency: int = Field(1, ge=1, le=64, description="units of work at a time")
    processes: int = Field(
        default_factory=_processes, ge=1, le=64, description="that recognize speech; one a processor, at most 4"
    )
    memory_bytes: int = Field(4 << 30, ge=1 << 29, description="address space of a process that recognizes speech")
    timeout_factor: float = Field(20.0, gt=0, description="seconds that a second of speech may take, beside a minute")

    api_url: HttpUrl | None = Field(
        None, description="a server of OpenAI's transcription API, such as http://host:8000/v1; it recognizes instead"
    )
    api_model: str = Field("whisper-1", min_length=1, description="the model's name there")
    api_key: SecretStr = SecretStr("")
    api_timeout_s: float = Field(120.0, gt=0, le=3600, description="for the answer to one request")
    api_attempts: int = Field(4, ge=1, le=20, description="tries of one request, with growing waits")
