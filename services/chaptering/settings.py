"""The chaptering service's environment."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ChapteringSettings(BaseSettings):
    """What chapters are like when nobody asks for anything else, and where texts are embedded."""

    model_config = SettingsConfigDict(env_prefix="VIDX_CHAPTERING_", frozen=True)

    embedding_address: str = Field(description="host:port of the embedding service")
    embedding_timeout_s: float = Field(30.0, gt=0, description="for 64 texts")
    shortest_s: float = Field(60.0, ge=0, description="no chapter is shorter, unless an editor wants it")
    longest_s: float = Field(1800.0, gt=0, description="no chapter is longer, where one may begin")
    whole_s: float = Field(60.0, ge=0, description="a shorter video is one chapter")
    concurrency: int = Field(1, ge=1, le=64, description="units of work at a time")
