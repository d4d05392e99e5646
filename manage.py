#!/usr/bin/env python
"""Django's command line for Postroom: in, a command and its arguments; out, its exit code."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        sys.exit(
            f"{error}. Postroom's packages are missing: run `make demo` once, then use .venv/bin/python manage.py."
        )
    from django.db import DatabaseError

    try:
        execute_from_command_line(sys.argv)
    except DatabaseError as error:
        from config.wrong_login import told

        if (text := told(error)) is None:
            raise
        sys.exit(text)


if __name__ == "__main__":
    main()
