"""The words a sample business is made of: in, nothing; out, names, places and machines of New Brunswick and beyond.

Nobody is meant: telephone numbers have the exchange 555, e-mail addresses end in domains reserved by RFC 2606.
"""

from typing import NamedTuple


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = {
    "en": _words(
        "Emma Liam Olivia Noah Charlotte Jack Amelia William Sophie Benjamin Hannah Lucas Abigail Owen Grace Henry Claire "
        "Samuel Megan Daniel Erin Thomas Rachel Andrew Heather Ryan Nicole Scott Tara Gordon"
    ),
    "fr": _words(
        "Émilie Luc Chloé Mathieu Zoé Rémi Josée Étienne Mélanie Gilles Noémie Réjean Sylvie André Hélène Benoît "
        "Geneviève Yvon Monique Félix Céline Normand Renée Jérôme Lise Marc-André Solange Théo Ginette Pascal"
    ),
}
LAST_NAMES = {
    "en": _words(
        "Smith MacDonald Murphy Steeves Campbell Wilson Brown Taylor Jones O’Brien Stewart Fraser Thompson Clark Reid "
        "Sullivan Hanson Fowler Keith Colpitts Crossman Lutz Dobson Geldart Tingley Horsman Bannister Ward Kelly Doyle"
    ),
    "fr": _words(
        "LeBlanc Cormier Gallant Arsenault Richard Robichaud Doiron Landry Gaudet Bourque Melanson Thériault Boudreau "
        "Léger Hébert Savoie Haché Doucet Caissie Belliveau Comeau Godin Losier Mazerolle Ouellette Pelletier Roy "
        "Saulnier Vautour Maillet"
    ),
}
TRADES = {
    "en": (
        "Excavation",
        "Landscaping",
        "Construction",
        "Paving",
        "Roofing",
        "Contracting",
        "Forestry",
        "Marine Works",
    ),
    "fr": (
        "Excavation",
        "Aménagement",
        "Construction",
        "Pavage",
        "Toitures",
        "Entreprises",
        "Foresterie",
        "Travaux Marins",
    ),
}
STREETS = (
    "Main Street",
    "Mountain Road",
    "rue Champlain",
    "chemin Gorge",
    "Elmwood Drive",
    "rue Acadie",
    "Coverdale Road",
    "avenue Morton",
    "Lewisville Road",
    "rue du Moulin",
    "Killam Drive",
    "boulevard Dieppe",
    "Salisbury Road",
    "Hillsborough Road",
    "rue Amirault",
    "Caledonia Road",
)

ZONES = ("America/Moncton", "America/Halifax", "America/Toronto", "America/Vancouver")


class City(NamedTuple):
    name: str
    province: str
    zone: int  # in ZONES
    share: int  # of 100 customers


CITIES = (
    City("Moncton", "NB", 0, 26),
    City("Dieppe", "NB", 0, 12),
    City("Riverview", "NB", 0, 8),
    City("Saint John", "NB", 0, 9),
    City("Fredericton", "NB", 0, 9),
    City("Shediac", "NB", 0, 5),
    City("Bathurst", "NB", 0, 4),
    City("Edmundston", "NB", 0, 3),
    City("Miramichi", "NB", 0, 3),
    City("Halifax", "NS", 1, 5),
    City("Amherst", "NS", 1, 2),
    City("Charlottetown", "PE", 1, 2),
    City("Toronto", "ON", 2, 4),
    City("Ottawa", "ON", 2, 3),
    City("Vancouver", "BC", 3, 5),
)
# Canadian area codes, home first: with the exchange 555, ten thousand numbers each.
AREA_CODES = _words(
    "506 428 902 782 709 879 416 647 437 613 343 905 289 365 519 226 548 705 249 807 514 438 450 579 418 581 367 819 873 "
    "204 431 306 639 403 587 780 825 604 778 236"
)
TAGS = (
    ("Contractor", "#2563eb"),
    ("Municipality", "#0d9488"),
    ("VIP", "#b45309"),
    ("Farm", "#4d7c0f"),
    ("Late payer", "#b91c1c"),
    ("Newcomer", "#7c3aed"),
)


class Machine(NamedTuple):
    category: str
    make: str
    model: str
    rate: int  # dollars a day


MACHINES = (
    Machine("excavator", "Caterpillar", "305 CR", 460),
    Machine("excavator", "John Deere", "85G", 690),
    Machine("excavator", "Kubota", "KX040-4", 420),
    Machine("excavator", "Komatsu", "PC138", 840),
    Machine("loader", "Bobcat", "S650", 345),
    Machine("loader", "Kubota", "SVL75-2", 410),
    Machine("loader", "Caterpillar", "926M", 780),
    Machine("loader", "Case", "580SN", 520),
    Machine("dozer", "John Deere", "450K", 890),
    Machine("lift", "Genie", "GS-1930", 155),
    Machine("lift", "JLG", "450AJ", 395),
    Machine("lift", "Skyjack", "SJIII 3219", 150),
    Machine("telehandler", "Manitou", "MT 1135", 560),
    Machine("telehandler", "JLG", "1055", 610),
    Machine("compaction", "Wacker Neuson", "WP1550", 75),
    Machine("compaction", "Bomag", "BW 120", 310),
    Machine("power", "Generac", "MLT6SM", 120),
    Machine("power", "Atlas Copco", "QAS 60", 240),
    Machine("trailer", "Load Trail", "XH 20", 130),
    Machine("pump", "Godwin", "CD150M", 265),
)
SUBJECTS = (
    "Machine does not start",
    "Hydraulic hose leaks",
    "Can we keep the machine two days longer?",
    "Question about the invoice",
    "Wrong attachment was delivered",
    "Please move the delivery to the afternoon",
    "The gate code of the yard does not work",
    "Need a copy of the contract",
    "Low battery on the lift",
    "Question about the damage waiver",
)
