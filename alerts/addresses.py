"""Which addresses a channel may connect to: public ones, and what the notify file allows. Pure."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from yarl import URL

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOST_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*")
_METADATA = frozenset(map(ipaddress.ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")))
"""Where clouds hand out credentials to whoever asks from the machine: AWS, Azure, GCP, Alibaba, Oracle."""
_UNICAST = ipaddress.ip_network("2000::/3")
"""All that the internet's IPv6 has given out."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be reached besides public addresses: names (lower case) and networks."""

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    def covers(self, host: str, address: Address) -> bool:
        """Whether the file allows this name, or the network in which the address lies."""
        return host.casefold() in self.names or any(address in network for network in self.networks)


def parse_allowance(entries: Iterable[str]) -> Allowance:
    """Host names, addresses and networks (`10.20.0.0/16`); ValueError names what is none of them."""
    names, networks = set(), []
    for entry in entries:
        try:
            networks.append(ipaddress.ip_network(entry))
        except ValueError:
            if not _HOST_NAME.fullmatch(entry) or re.fullmatch(r"[0-9.]+", entry):
                msg = f"`{entry[:80]}` is neither an address, a network nor a host name; write it as 10.20.0.0/16 or desk.example.gov.vn"
                raise ValueError(msg) from None
            names.add(entry.casefold())
    return Allowance(frozenset(names), tuple(networks))


def refusal(host: str, address: str, allowance: Allowance) -> str | None:
    """Why a connection to the address that `host` resolved to is refused, or None where it may be made."""
    parsed = _embedded(ipaddress.ip_address(address))
    if allowance.covers(host, parsed):
        return None
    kind = _kind(parsed)
    if kind is None or (host.casefold() == "localhost" and parsed.is_loopback):
        return None
    return f"{host} leads to {parsed}, {kind}; if that is meant, list it under `allow_private`"


def url_refusal(url: str, allowance: Allowance) -> str | None:
    """Why a URL that spells out an address is refused.

    Whoever writes a loopback or private address into the file means it. Link-local and metadata addresses have to be allowed.
    """
    host = url_host(url)
    if not is_address(host):
        return None  # judged by what it resolves to, at every connection
    parsed = _embedded(ipaddress.ip_address(host))
    meant = (parsed.is_loopback or parsed.is_private) and not (parsed.is_link_local or parsed.is_unspecified or parsed in _METADATA)
    return None if meant else refusal(host, host, allowance)


def url_host(url: str) -> str:
    """The host as a connection to this URL reads it: full-width digits and Chinese full stops spell an address, too. Empty = no URL."""
    try:
        return URL(url).host or ""
    except ValueError:
        return ""


def is_address(host: str) -> bool:
    """Whether a URL's host is an address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _kind(address: Address) -> str | None:
    """What kind of address this is, None for a public one."""
    if address in _METADATA:
        return "which hands out a cloud's credentials"
    if address.is_loopback:
        return "which is this machine itself"
    if address.is_link_local:
        return "a link-local address"
    outside = address not in _UNICAST if isinstance(address, ipaddress.IPv6Address) else address.is_multicast
    if outside or not address.is_global:
        return "a private or reserved address"
    return None


def _embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (mapped, 6to4, NAT64), else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
