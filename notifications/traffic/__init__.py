"""How much went through, by the minute, hour and day: in, attempts and messages that ended; out, a small table of counts.

`fold` brings it up to date each minute, `rebuild` makes it anew, `read` gives the figures of a period. Nothing on the street
writes here (docs/decisions/0020-traffic-is-folded-afterwards.md).
"""
