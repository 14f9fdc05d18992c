"""Where the name of another machine may lead: to the public internet, and to networks that are allowed beside it."""

import ipaddress
import socket
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

from services.core.errors import Denied, NotFound

Network = IPv4Network | IPv6Network
_UNICAST = ipaddress.ip_network("2000::/3")
_6TO4 = ipaddress.ip_network("2002::/16")


def address_of(host: str, port: int, networks: Sequence[Network] = (), setting: str = "") -> str:
    """An address of the host; the connection then goes to this very address, whatever the name means a moment later.

    Raises Denied when any address of the host is private, loopback, link-local, multicast, shared or reserved, in IPv4,
    IPv6, or IPv4 inside IPv6, unless it lies in one of `networks`. `setting` is what may allow it.
    """
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise NotFound(f"no host {host[:120]!r}") from error
    for text in found:
        address = ipaddress.ip_address(text.split("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        if any(mapped in network for network in networks):
            continue
        # Of IPv6 only what is given out to networks, less what leads on to IPv4: 6to4 there, and all that lies outside.
        public = mapped.version == 4 or (mapped in _UNICAST and mapped not in _6TO4)
        if not public or not mapped.is_global or mapped.is_multicast:
            hint = f" ({setting} may allow it)" if setting else ""
            raise Denied(f"{host[:120]!r} is not on the public internet{hint}")
    # The first, for they come in the order in which this machine can reach them.
    return found[0]
