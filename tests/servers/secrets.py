"""A recognizable secret for every setting that holds one; a new setting is among them by itself."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from pydantic import SecretStr
from pydantic_settings import BaseSettings

import services

MARK = "swordfish"
"""Part of each."""


def variables() -> Iterator[str]:
    """Environment variables of all secret settings of all services."""
    for module in pkgutil.walk_packages(services.__path__, "services."):
        if module.name.rsplit(".", 1)[-1] != "settings":
            continue
        for found in vars(import_module(module.name)).values():
            if isinstance(found, type) and issubclass(found, BaseSettings):
                for name, field in found.model_fields.items():
                    if field.annotation in (SecretStr, SecretStr | None):
                        yield f"{found.model_config['env_prefix']}{name}".upper()


def harmless() -> dict[str, str]:
    """Secrets that a platform on one machine takes without using them for an address."""
    return {name: f"{MARK}-{name.lower()}" for name in sorted(set(variables())) if not name.endswith("_URL")}


def dead(port: int) -> dict[str, str]:
    """All of them, and addresses with secrets in them where nobody listens."""
    return {
        **harmless(),
        "VIDX_CATALOG_URL": f"postgresql+psycopg://{MARK}user:{MARK}catalog@127.0.0.1:{port}/vidx?connect_timeout=2",
        "VIDX_QUEUE_URL": f"redis://:{MARK}queue@127.0.0.1:{port}/0",
        "VIDX_STORE_URL": f"s3://127.0.0.1:{port}/bucket",
        "VIDX_SEARCH_MILVUS_URI": f"http://127.0.0.1:{port}",
    }
