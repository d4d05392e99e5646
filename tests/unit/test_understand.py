"""What people mean who text us: keywords however they are typed, clear free text, and what must not be taken for either."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.keywords import ALONE, HELP, START, STOP
from consent.understand import LONGEST, Meaning, understand

PAGE = Path(__file__).parents[2] / "docs" / "sms-keywords.md"

CLEAR = [
    # English
    "please stop texting me", "Stop texting me!!", "STOP TEXTING ME I already paid", "pls stop messaging us", "stop messaging",
    "Stop sending me texts", "stop sending these messages please", "stop the texts", "stop all texts", "quit texting me", "Stop spamming me",
    "Thanks for the great service. Please stop texting me.", "wrong number, stop texting me", "I said stop texting me",
    "don't text me", "Don’t text me anymore", "do not contact me again", "never text this number again", "dont message me ever again",
    "don't send me any more messages", "no more texts", "No more messages please", "no further texts please",
    "remove me", "Remove me from your list", "please remove my number from your list", "take me off your list", "take me off this list!",
    "delete my number from your list", "unsubscribe me", "please unsubscribe me", "I want to unsubscribe", "I'd like to opt out", "opt me out",
    "How do I unsubscribe?", "I revoke my consent", "I no longer wish to receive texts", "I don't want to receive any more messages",
    "I don't want your texts", "will you stop texting me", "Could you please stop messaging me?", "can you stop sending me texts please",
    "I want to opt out of your texts", "how can I opt out of these messages?", "Unsubscribe me from this list please", "leave me alone", "lose my number", "Reply STOP to opt out", "stop to unsubscribe", "enough spam",
    "unsubscribe from all", "Unsubscribe from your texts", "opt out of all texts", "Stop sending me this", "stop sending these please",
    "STOP - wrong number", "Wrong number, stop", "I said STOP", "Unsuscribe", "unsubcribe me",
    # French
    "ne m'écrivez plus", "Ne m’écrivez plus SVP", "m'écrivez plus", "arrêtez de m'écrire", "Arretez de m'ecrire!", "arrête de me texter",
    "arrêtez de m'envoyer des textos", "arrêtez vos messages", "cessez de m'envoyer des messages", "cessez vos textos svp", "stop aux sms",
    "stop les pubs", "ne me contactez plus", "ne me textez plus", "ne m'envoyez plus de messages", "Ne m’envoyez plus rien",
    "je ne veux plus recevoir de textos", "je veux plus recevoir vos messages", "Je souhaite ne plus recevoir de messages",
    "je ne veux plus de messages", "plus aucun message svp", "désabonnez-moi", "Veuillez me désabonner", "je veux me désabonner",
    "désinscrivez-moi de votre liste", "retirez-moi de la liste", "enlevez-moi de votre liste", "veuillez me retirer de votre liste",
    "supprimez mon numéro", "je retire mon consentement", "laissez-moi tranquille", "Fichez-moi la paix!",
    "désabonne-moi", "Désinscris-moi svp", "enlève-moi de ta liste", "Je me désabonne", "je me désinscris de votre liste",
    "Ne plus recevoir de messages", "ne plus recevoir",
]  # fmt: skip
NOT_STOP = [
    # English
    "don't stop", "Don't stop texting me, I like it", "please don't unsubscribe me", "do not remove me from your list", "stop by at 5?",
    "I'll stop by tomorrow", "can I cancel my booking?", "cancel my booking please", "please cancel", "Cancel?", "I want to cancel the pickup",
    "Stop. Leave the machine at the gate.", "the bus stop is closed", "is there a stop on the way", "we stopped the engine",
    "stop texting me at night", "Stop texting me before 8 please", "don't text me until I'm back", "don't text me about the deposit, I paid",
    "stop sending texts so early", "stop texting my wife", "don't send the truck", "don't send messages to my office, use this number",
    "I unsubscribed by mistake, unsubscribe me was an accident", "no more fuel in the tank", "no more than two machines", "the end of the week",
    "end of rental?", "I quit my job, need an extension", "remove the bucket please", "remove me from the booking", "take me off the lease",
    "how do I stop the engine?", "the machine won't stop", "who is this?", "wrong number", "STOP at gate 4", "stop 5", "I can't stop these texts",
    "thanks!", "ok", "5pm works", "👍", "", "   ", "?", "end?", "yes please", "the text messages are great", "help me with the invoice",
    "stop sending me the wrong invoice", "unsubscribe from the insurance", "opt out of the damage waiver", "wrong number of machines, stop by later",
    "I said stop at gate 4", "stop everything on site until noon", "unsubscribed", "you said stop", "stop everything", "arrêtez tout",
    "why did you stop texting me?", "Why'd you stop sending me texts", "I got no more messages since Friday", "I get no more messages",
    "you stop texting me and then you call", "I want to opt out of the insurance", "opt me out of the damage waiver",
    "remove us from the list of operators", "don't message me back, I'm driving", "no more texts since Monday", "don't leave me alone with this",
    # French
    "vous ne m'écrivez plus", "pourquoi vous ne m'écrivez plus ?", "je ne reçois plus aucun message", "on ne reçoit plus aucun texto",
    "je m'arrête à 5 h", "je passe à l'arrêt d'autobus", "n'arrêtez pas de m'écrire", "ne me désabonnez pas", "ne m'enlevez pas de la liste",
    "arrêtez-vous au dépôt", "annuler ma réservation", "Je veux annuler", "annuler svp", "je voudrais plus de messages", "plus de textos",
    "ne m'écrivez pas avant 9 h", "ne m'écrivez plus la nuit", "ne me contactez pas aujourd'hui", "arrêtez de m'écrire si tôt",
    "retirez la pelle demain", "enlevez-moi ce godet", "le moteur s'arrête", "arrêt moteur", "mauvais numéro", "il y a trop de messages", "fin du contrat",
    "oui merci", "arrêtez le moteur", "stop au dépôt à 17 h", "je me suis désabonné par erreur", "je ne me désabonne pas", "si je me désabonne, je perds mon rabais ?", "ne me désabonne pas",
    "enlève-moi cette pelle", "on va tout arrêter demain", "arrêtez tout le chantier", "je préfère ne plus recevoir la pelle demain",
]  # fmt: skip
VISIBLE = ["don't stop", "stop by at 5?", "stop texting me at night", "wrong number", "plus de textos", "je m'arrête à 5 h", "I can't stop these texts"]  # fmt: skip


@pytest.mark.parametrize("dress", ["{}", " {}\n", "{}.", "{}!!!", "«{}»", "{} 🛑", "🙏{}🙏", "​{}﻿", "“{}”"])
@pytest.mark.parametrize("words", [STOP, START, HELP], ids=["stop", "start", "help"])
def test_a_keyword_counts_whatever_stands_around_it(words: dict[str, str], dress: str) -> None:
    meaning = {id(STOP): Meaning.STOP, id(START): Meaning.START, id(HELP): Meaning.HELP}[id(words)]
    for word, language in words.items():
        for typed in (word, word.upper(), word.title()):
            understood = understand(dress.format(typed))
            assert (understood.meaning, understood.keyword, understood.language) == (meaning, word, language)


@pytest.mark.parametrize(
    ("typed", "keyword"),
    [
        ("ARRÊT", "arret"), ("arrêtez !", "arretez"), ("Désabonner", "desabonner"), ("DÉSABONNEZ-MOI", "desabonnez moi"), ("ARRE\u0302T", "arret"),
        ("S​T​O​P", "stop"), ("ＳＴＯＰ", "stop"), ("S.T.O.P.", "stop"), ("s t o p", "stop"), ("stoooppp", "stop"), ("Opt-Out", "opt out"),
        ("stop stop STOP", "stop"), ("STOP please", "stop"), ("please stop", "stop"), ("stop svp", "stop"), ("Stop it!", "stop"), ("STOP NOW", "stop"),
        ("s'il vous plaît arrêtez", "arretez"), ("stop, merci", "stop"), ("unsubscribe please", "unsubscribe"), ("just stop", "stop"), ("Reply STOP", "stop"),
    ],
)  # fmt: skip
def test_a_keyword_is_known_however_it_is_typed(typed: str, keyword: str) -> None:
    assert (understand(typed).meaning, understand(typed).keyword) == (Meaning.STOP, keyword)


@pytest.mark.parametrize("text", CLEAR)
def test_free_text_that_means_it_is_obeyed(text: str) -> None:
    assert understand(text).meaning is Meaning.STOP
    assert understand(text).language == (
        "fr" if CLEAR.index(text) >= CLEAR.index("ne m'écrivez plus") else "en"
    )


@pytest.mark.parametrize("text", NOT_STOP)
def test_what_can_be_read_otherwise_is_not(text: str) -> None:
    assert understand(text).meaning in (Meaning.UNCLEAR, Meaning.OTHER)


@pytest.mark.parametrize("text", VISIBLE)
def test_what_smells_of_it_is_for_a_person_to_look_at(text: str) -> None:
    assert understand(text).meaning is Meaning.UNCLEAR


@given(st.text(max_size=300))
def test_no_text_is_too_strange(text: str) -> None:
    assert understand(text).meaning in Meaning


def test_a_long_text_costs_no_more_than_a_long_message() -> None:
    assert understand("don t " * 100_000 + "stop").meaning is not Meaning.STOP
    assert understand("stop " * LONGEST).meaning is Meaning.STOP


def test_every_keyword_is_on_the_page() -> None:
    page = PAGE.read_text()
    for words in (STOP, START, HELP):
        for word in words:
            assert f"`{word}`" in page, word
    listed = {
        word
        for line in page.splitlines()
        if line.startswith("| ")
        for word in re.findall(r"`([a-z ]+)`", line)
    }
    assert listed >= ALONE
