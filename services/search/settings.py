"""Environment of the search service."""

from typing import Literal

from pydantic import Field, FilePath, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class SearchSettings(BaseSettings):
    """Where Milvus and the embedding service are, and how hard to look."""

    model_config = SettingsConfigDict(env_prefix="VIDX_SEARCH_", frozen=True)

    milvus_uri: str = Field(description="http://host:port, or https:// with TLS")
    milvus_token: SecretStr = Field(SecretStr(""), description="user:password or an API key")
    milvus_ca: FilePath | None = Field(None, description="file with the CA of its certificate; else this machine's")
    milvus_prefix: str = Field("vidx", pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,60}$", description="begins collection names")
    embedding_address: str = Field(description="host:port of the embedding service")
    concurrency: int = Field(2, ge=1, description="videos indexed at the same time by one process")
    consistency: Literal["Strong", "Bounded", "Eventually"] = Field(
        "Strong", description="of searches; only Strong finds every row that was counted"
    )
    ef: int = Field(1024, ge=1, description="HNSW nodes looked at; of the 66 best of 72,000 rows 0.9998 in 4 ms")
    narrow_ef: int = Field(16384, ge=1, description="the same on milvus-lite when a filter lets few rows pass")
    connect_timeout_s: float = Field(5.0, gt=0)
    search_timeout_s: float = Field(10.0, gt=0)
    write_timeout_s: float = Field(120.0, gt=0)
    embedding_timeout_s: float = Field(10.0, gt=0)
