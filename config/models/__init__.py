"""The tables of the doors."""

from config.models.counting import RequestCount
from config.models.second_factor import SecondFactor

__all__ = ["RequestCount", "SecondFactor"]
