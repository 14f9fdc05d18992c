"""The chaptering service's environment."""

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ChapteringSettings(BaseSettings):
    """What chapters are like when nobody asks for anything else, where other services are, and a language model."""

    model_config = SettingsConfigDict(env_prefix="VIDX_CHAPTERING_", frozen=True)

    embedding_address: str = Field(description="host:port of the embedding service")
    embedding_timeout_s: float = Field(30.0, gt=0, description="for 64 texts")
    shortest_s: float = Field(60.0, ge=0, description="no chapter is shorter, unless an editor wants it")
    longest_s: float = Field(1800.0, gt=0, description="no chapter is longer, where one may begin")
    whole_s: float = Field(60.0, ge=0, description="a shorter video is one chapter")
    file_chapters: bool = Field(True, description="a video has the chapters that its file names")
    search_address: str = Field("", description="host:port of the search service; without it no question is answered")
    search_timeout_s: float = Field(30.0, gt=0)
    concurrency: int = Field(1, ge=1, le=64, description="units of work at a time")

    chat_url: HttpUrl | None = Field(
        None, description="a server of OpenAI's chat API, such as http://host:8000/v1; it writes titles and summaries"
    )
    chat_model: str = Field("default", min_length=1, description="the model's name there")
    chat_key: SecretStr = SecretStr("")
    chat_timeout_s: float = Field(60.0, gt=0, le=3600, description="for one answer")
    chat_retries: int = Field(2, ge=0, le=20, description="further tries of a question that failed")
    chat_budget_s: float = Field(1800.0, gt=0, description="time spent asking for one step of one video")
    chat_call_s: float = Field(60.0, gt=0, description="time spent asking for one call; the last answer may come later")
    chat_context_tokens: int = Field(8192, ge=1024, description="the model's window, with its answer")
