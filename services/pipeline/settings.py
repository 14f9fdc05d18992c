"""How the pipeline drives its work."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class PipelineSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="VIDX_PIPELINE_", frozen=True)

    search_address: str = Field(description="host:port of the search service, for removals")
    concurrency: int = Field(2, ge=1, description="reports handled at a time")
    window: int = Field(64, ge=1, description="most messages of a stage on its queue or under way at a time")
    max_tries: int = Field(10, ge=1, description="failed attempts of a job before its video is FAILED")
    spare_tries: int = Field(6, ge=1, description="the same, where the video goes on without: about half a minute")
    max_crashes: int = Field(4, ge=1, description="the same, when the worker died under the job")
    tick_s: float = Field(1.0, gt=0, description="seconds between looks of the reconciler")
    silence_s: float = Field(15.0, gt=0, description="a job is lost when its worker has said nothing for so long")
    unclaimed_s: float = Field(5.0, gt=0, description="a message is lost when its queue is empty and nobody began it")
    orphans_s: float = Field(3600, gt=0, description="seconds between looks for parts of uploads that nobody knows")
    upload_keep_s: float = Field(86_400, gt=0, description="an unfinished upload is removed after so long")
