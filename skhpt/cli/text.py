"""Times as text."""

from __future__ import annotations

from datetime import UTC, datetime


def time_text(time: datetime) -> str:
    """Return a time in the zone of this machine, such as "2026-11-29 17:05:56"."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def ago_text(time: datetime, now: datetime | None = None) -> str:
    """Return how long ago a time was, such as "3 min ago"."""
    seconds = max(0.0, ((now or datetime.now(UTC)) - time).total_seconds())
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
