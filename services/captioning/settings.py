"""The captioning service's environment."""

from pathlib import Path

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.captioning.describe import LEAST_AGREEMENT
from services.captioning.domain.labels import LEAST


class CaptioningSettings(BaseSettings):
    """VIDX_CAPTIONING_*; where Triton is, if the pack has a captioning model, `TritonSettings` says."""

    model_config = SettingsConfigDict(env_prefix="VIDX_CAPTIONING_", frozen=True)

    models: Path = Field(description="folder of the built model pack, which says what reads text and writes captions")
    embedding_address: str = Field(description="host:port of the embedding service")
    embedding_timeout_s: float = Field(30.0, gt=0)
    concurrency: int = Field(1, ge=1, le=64, description="units of work at a time")
    threads: int = Field(1, ge=1, le=64, description="processors that reading text may use for one picture")
    cache: int = Field(4096, ge=64, description="texts whose vectors are remembered")
    max_pixels: int = Field(50_000_000, ge=1, description="larger pictures are refused")
    agreement: float = Field(
        LEAST_AGREEMENT, ge=0, le=1, description="captions that agree less with their frames are dropped"
    )
    label_score: float = Field(LEAST, ge=0, le=1, description="score from which a shot carries a label")

    chat_url: HttpUrl | None = Field(
        None, description="a server of OpenAI's chat API, such as http://host:8000/v1; it writes the captions instead"
    )
    chat_model: str = Field("default", min_length=1, description="the model's name there")
    chat_key: SecretStr = SecretStr("")
    chat_frames: int = Field(2, ge=1, le=4, description="frames of a shot that are sent")
    chat_timeout_s: float = Field(60.0, gt=0, le=3600, description="for one answer")
    chat_retries: int = Field(2, ge=0, le=20, description="further tries of a question that failed")
    chat_budget_s: float = Field(1800.0, gt=0, description="time spent asking for one video; a segment has its share")
