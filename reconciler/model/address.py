"""Addresses: how a resource is named in manifests, plans, ledgers and on the command line.

An app is `platform:bundle`, a placement `platform:bundle/name`. A bundle holds no slash; a name may hold anything.
"""

from typing import Literal, NewType

Address = NewType("Address", str)
Kind = Literal["app", "placement"]


def app_address(platform: str, bundle: str) -> Address:
    """The address of an app, as in `android:com.cash_crash.54`."""
    return Address(f"{platform}:{bundle}")


def placement_address(app: Address, name: str) -> Address:
    """The address of a placement, as in `android:com.cash_crash.54/int_13`."""
    return Address(f"{app}/{name}")


def app_of(address: Address) -> Address:
    """The app that an address belongs to; an app's own address is returned as it is."""
    return Address(address.partition("/")[0])


def name_of(address: Address) -> str:
    """The placement's name, or an empty string for an app."""
    return address.partition("/")[2]


def kind_of(address: Address) -> Kind:
    """Whether the address is an app's or a placement's."""
    return "placement" if "/" in address else "app"


def address_order(address: Address) -> tuple[str, str]:
    """Sort key: by app, the app itself before its placements, these by name."""
    app, _, name = address.partition("/")
    return app, name
