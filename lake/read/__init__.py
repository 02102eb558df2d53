"""What readers import: tables of one whole snapshot, today's or any earlier one's. Never writes."""

from lake.read.lake import Lake

__all__ = ["Lake"]
