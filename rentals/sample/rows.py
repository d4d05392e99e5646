"""Values as COPY reads them: in, numbers and nothing; out, their text."""

Row = tuple[str, ...]
# How COPY writes the absence of a value.
NULL = r"\N"


def cents(amount: int) -> str:
    """«1234.50» of 123450."""
    return f"-{cents(-amount)}" if amount < 0 else f"{amount // 100}.{amount % 100:02d}"
