"""How the processes of a test are told of its object store."""

from services.runtime.settings import StoreSettings


def environment(store: StoreSettings) -> dict[str, str]:
    """What makes a service use the store."""
    return {
        "VIDX_STORE_URL": store.url,
        "VIDX_STORE_ACCESS_KEY": store.access_key.get_secret_value(),
        "VIDX_STORE_SECRET_KEY": store.secret_key.get_secret_value(),
        "VIDX_STORE_SCRATCH": store.scratch,
    }
