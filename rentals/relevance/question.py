"""What a callback reads of a message: its id and its metadata, as `notifications.relevance.Question` has them."""

import uuid
from collections.abc import Mapping
from typing import Any, Protocol


class Question(Protocol):
    @property
    def id(self) -> uuid.UUID: ...
    @property
    def metadata(self) -> Mapping[str, Any]: ...
