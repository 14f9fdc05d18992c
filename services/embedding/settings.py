"""The embedding service's environment."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class EmbeddingSettings(BaseSettings):
    """What the stage embeds with; where Triton is, `runtime.triton.TritonSettings` says."""

    model_config = SettingsConfigDict(env_prefix="VIDX_EMBEDDING_", frozen=True)

    models: Path = Field(description="folder of the built model pack that Triton serves")
    batch: int = Field(16, ge=1, le=1024, description="pictures or windows of text in one inference")
    in_flight: int = Field(3, ge=1, le=64, description="inferences under way for one unit of work")
    concurrency: int = Field(1, ge=1, le=64, description="units of work at a time")
    cache: int = Field(4096, ge=0, description="texts whose vectors are remembered")
    max_pixels: int = Field(50_000_000, ge=1, description="larger pictures are refused")
