"""Where the catalog is."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class CatalogSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="VIDX_CATALOG_", frozen=True)

    url: SecretStr = Field(description="sqlite:////path/catalog.db or postgresql+psycopg://user:password@host/name")
    pool_size: int = Field(16, ge=1)
