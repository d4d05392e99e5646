"""The control API under /_sandbox/. JSON comes in, orders are carried out, JSON goes out."""
