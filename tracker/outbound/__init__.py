"""The only door through which this service speaks to others: HTTP, mail, buckets, SFTP.

Everything goes to an address that was looked up once and checked (`addresses`), with time limits, and leaves neither
bodies nor credentials in a log. Callers block; each call has an event loop of its own.
"""

from tracker.outbound.addresses import Reach
from tracker.outbound.http import Answer, Call, Door, Limits

__all__ = ["Answer", "Call", "Door", "Limits", "Reach"]
