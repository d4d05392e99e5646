"""Which columns of the doors hold sealed text: in, nothing; out, PLACES, for `consent/sealed_places.py`."""

from consent.sealed_places import SealedPlace

PLACES = (SealedPlace("config.SecondFactor", "sealed", written_by=("config.second_factor",)),)
