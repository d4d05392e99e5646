"""Links inside an admin page: in, an address and a text; out, HTML that looks like a link."""

from django.utils.html import format_html


def link(url: str, text: str) -> str:
    # unfold does not underline links inside a page, and nobody finds what looks like text.
    return format_html(
        '<a class="text-primary-600 underline dark:text-primary-500" href="{}">{}</a>', url, text
    )
