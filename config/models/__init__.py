"""The tables of the doors, and of who goes in and out by them."""

from config.models.audit import AuditEntry
from config.models.counting import RequestCount
from config.models.preferences import Language, StaffPreference
from config.models.second_factor import SecondFactor

__all__ = ["AuditEntry", "Language", "RequestCount", "SecondFactor", "StaffPreference"]
