"""What a wording is, to compare it: in, what an editor wrote; out, its tidy form, and hashes that are equal for equals. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from templates_app.compiled import Texts


def tidied(source: Texts) -> dict[str, dict[str, dict[str, str]]]:
    """One kind of line end, no space at the ends; parts without text are left out."""
    return {
        locale: {
            channel: {
                part: text.replace("\r\n", "\n").strip()
                for part, text in texts.items()
                if text and text.strip()
            }
            for channel, texts in channels.items()
        }
        for locale, channels in source.items()
    }


def fingerprint(source: Texts, content: Texts, placeholders: Sequence[Mapping[str, Any]]) -> str:
    """Equal for versions that read and check the same."""
    return _hash([source, content, placeholders])


def state(source: Texts, placeholders: Sequence[Mapping[str, Any]], note: str) -> str:
    """What an editor saw of a draft: another one when somebody has saved since."""
    return _hash([source, placeholders, note])


def _hash(values: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
