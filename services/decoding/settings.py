"""The decoding stage's environment."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.core.times import from_seconds
from services.decoding.ports import Limits, Sampling
from services.decoding.reader import Timeouts
from services.decoding.service import Shape


class DecodingSettings(BaseSettings):
    """VIDX_DECODING_*"""

    model_config = SettingsConfigDict(env_prefix="VIDX_DECODING_", frozen=True)

    concurrency: int = Field(1, ge=1, le=64, description="jobs at a time, a child process each")
    segment_s: float = Field(300.0, ge=1, le=3600, description="length of a segment, about")
    sample_interval_s: float = Field(1.0, ge=0.04, le=60, description="a sampled frame each of these")
    frame_side: int = Field(336, ge=16, le=4096, description="shorter side of a sampled frame, pixels")
    jpeg_quality: int = Field(90, ge=1, le=95)
    duplicate_threshold: float = Field(2.5, ge=0, le=765, description="least difference that keeps a frame; 0 for all")
    thumbnail_height: int = Field(180, ge=16, le=1080)

    max_pixels: int = Field(36_000_000, ge=1, description="of one picture")
    max_duration_s: float = Field(24 * 3600.0, gt=0)
    max_streams: int = Field(64, ge=1, le=1000)
    max_bytes: int = Field(64 << 30, ge=1)

    cuts: int = Field(1, ge=1, le=64, description="films cut at a time, a child process each")
    max_cuts: int = Field(8, ge=1, le=1000, description="films cut, sent or waited for at a time; more are refused")
    max_cut_bytes: int = Field(4 << 30, ge=1, description="of a film that is cut")

    timeout_base_s: float = Field(60.0, gt=0)
    timeout_factor: float = Field(8.0, gt=0, description="seconds more a second of video")
    child_memory_bytes: int = Field(8 << 30, ge=1 << 29, description="address space of a child process")
    child_file_bytes: int = Field(16 << 30, ge=1 << 20, description="largest file that a child may write")

    @property
    def limits(self) -> Limits:
        return Limits(self.max_pixels, from_seconds(self.max_duration_s), self.max_streams, self.max_bytes)

    @property
    def sampling(self) -> Sampling:
        return Sampling(
            from_seconds(self.sample_interval_s),
            self.frame_side,
            self.jpeg_quality,
            self.duplicate_threshold,
            self.thumbnail_height,
        )

    @property
    def shape(self) -> Shape:
        return Shape(from_seconds(self.segment_s), self.sampling)

    @property
    def timeouts(self) -> Timeouts:
        return Timeouts(self.timeout_base_s, self.timeout_factor)
