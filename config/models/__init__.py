"""The tables of the doors."""

from config.models.counting import RequestCount

__all__ = ["RequestCount"]
