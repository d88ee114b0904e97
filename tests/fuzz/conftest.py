"""The schemas, as the tests of the services have them."""

from tests.proxyd.onvif.conftest import validator

__all__ = ["validator"]
