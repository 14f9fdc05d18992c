"""The places of a gateway's own uploads, held in the catalog for as long as each goes on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from services.catalog.places import LEASE_S, Places
from services.core.errors import VidxError
from services.runtime import telemetry

RENEW_S = LEASE_S / 3
_log = telemetry.log(__name__)


class HeldPlaces:
    """Takes places, renews those that are held in a thread of its own, and leaves them."""

    def __init__(self, places: Places, renew_s: float = RENEW_S) -> None:
        self._places = places
        self._renew_s = renew_s
        self._held: dict[str, str] = {}
        # Held while they are renewed: a place that was left meanwhile would come back.
        self._lock = threading.Lock()
        self._renewer: threading.Thread | None = None

    @contextmanager
    def hold(self, collection: str) -> Iterator[None]:
        """One more upload while it is under way. Raises QuotaExceeded when all places are taken."""
        id_ = self._places.take(collection)
        with self._lock:
            self._held[id_] = collection
            if self._renewer is None:
                self._renewer = threading.Thread(target=self._keep, name="places", daemon=True)
                self._renewer.start()
        try:
            yield
        finally:
            with self._lock:
                del self._held[id_]
            try:
                self._places.leave(id_)
            except VidxError as error:
                # It counts until its time is up; the upload itself has ended as it did.
                _log.warning("place_not_left", collection=collection, message=error.message)

    def _keep(self) -> None:
        pause = threading.Event()
        while not pause.wait(self._renew_s):
            with self._lock:
                try:
                    if self._held:
                        self._places.renew(self._held)
                except VidxError as error:
                    _log.warning("places_not_renewed", places=len(self._held), message=error.message)
                except Exception:
                    _log.error("places_not_renewed", places=len(self._held), exc_info=True)
