from unit.apis.conftest import server

__all__ = ["server"]
