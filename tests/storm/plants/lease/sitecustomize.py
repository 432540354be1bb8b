"""Planted: once a worker has Keras, it does not renew its lease any more."""

from fitq_shared.lease import Lease, Renewal
from fitq_worker import flags

renew = Lease.renew


def renew_until_ready(self: Lease) -> Renewal:
    """Renew only while the worker starts."""
    return "held" if flags.warm() else renew(self)


Lease.renew = renew_until_ready  # type: ignore[method-assign]
