"""The business records the jobs read: in, the tables of a rental company; out, models whose managers answer «which rows».

A host monolith that has its own tables replaces this app; nothing in the pipeline imports it.
"""

from rentals.models.alert import Alert
from rentals.models.audit import AuditEvent, SecurityIncident
from rentals.models.booking import Booking, LogisticsTask
from rentals.models.contract import Contract, ContractSigner
from rentals.models.contract_trail import ContractEvent, ContractReminder
from rentals.models.customer import Customer, CustomerTag, CustomerTagMember
from rentals.models.equipment import Equipment
from rentals.models.instalment import InstallmentSchedule
from rentals.models.insurance import InsuranceActivity, InsuranceDocument, InsuranceReminder
from rentals.models.maintenance import MaintenanceAlert, MaintenanceLog
from rentals.models.payment import Payment
from rentals.models.payout import PayoutReconciliation
from rentals.models.promotion import PromoRule
from rentals.models.segment import CustomerSegment, CustomerSegmentMember
from rentals.models.support import SupportSla, SupportTicket
from rentals.models.telematics import TelematicsSnapshot
from rentals.models.utilization import EquipmentUtilization
from rentals.models.view import ViewRefreshRequest, ViewState

__all__ = [
    "Alert",
    "AuditEvent",
    "Booking",
    "Contract",
    "ContractEvent",
    "ContractReminder",
    "ContractSigner",
    "Customer",
    "CustomerSegment",
    "CustomerSegmentMember",
    "CustomerTag",
    "CustomerTagMember",
    "Equipment",
    "EquipmentUtilization",
    "InstallmentSchedule",
    "InsuranceActivity",
    "InsuranceDocument",
    "InsuranceReminder",
    "LogisticsTask",
    "MaintenanceAlert",
    "MaintenanceLog",
    "Payment",
    "PayoutReconciliation",
    "PromoRule",
    "SecurityIncident",
    "SupportSla",
    "SupportTicket",
    "TelematicsSnapshot",
    "ViewRefreshRequest",
    "ViewState",
]
