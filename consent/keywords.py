"""The words and turns of phrase by which people leave, return or ask, in English and French, as plain lower-case ASCII. Pure.

STOP: Twilio's default list, the FCC's (47 CFR 64.1200(a)(10): stop, quit, end, revoke, opt out, cancel, unsubscribe), CTIA's, and what
French-speaking Canada uses. docs/sms-keywords.md has them as a table; a test compares the two.
"""

import re
from collections.abc import Mapping

# A message of this one word (or these two), with any punctuation around it. The value is the language.
STOP: Mapping[str, str] = {
    **dict.fromkeys(
        ("stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out", "remove", "remove me"),
        "en",
    ),
    **dict.fromkeys(
        (
            "arret", "arrete", "arretez", "arreter", "desabonner", "desabonnement", "desabonnez moi", "me desabonner", "desinscrire",
            "desinscription", "desinscrivez moi", "me desinscrire", "annuler", "retirez moi",
        ),
        "fr",
    ),
}  # fmt: skip
START: Mapping[str, str] = {
    **dict.fromkeys(("start", "unstop", "yes", "subscribe", "resubscribe", "optin", "opt in"), "en"),
    **dict.fromkeys(("oui", "commencer", "reprendre", "reabonner", "reabonnez moi", "me reabonner"), "fr"),
}
HELP: Mapping[str, str] = {
    **dict.fromkeys(("help", "info"), "en"),
    **dict.fromkeys(("aide", "infos", "aidez moi"), "fr"),
}
# With a «please» these are about a booking as likely as about our messages: alone they count, in company they don't.
ALONE = frozenset({"cancel", "end", "quit", "revoke", "remove", "annuler", "yes", "oui"})
# What may stand around a keyword and changes nothing.
POLITE = re.compile(
    r"\b(?:please|pls|plz|thanks|thank you|thx|ok|okay|hi|hello|hey|just|now|right now|immediately|already|it|this|reply|text|"
    r"svp|stp|s il (?:vous|te) plait|merci|bonjour|allo|maintenant|tout de suite|ca|cela|repondez|repondre)\b"
)

_THEM = r"(?:texts?|text messages?|messages?|msgs?|sms|spam|notifications?|reminders?|alerts?|promos?|promotions?|offers|ads?|advertis\w+|marketing)"
_THEM_FR = r"(?:textos?|messages?|sms|spam|notifications?|rappels?|alertes?|promos?|promotions?|offres|pubs?|publicites?|communications?)"
_US = r"(?:me|us|this number|my (?:number|phone|cell))"
# The end of a sentence, or what may follow without making it about something else.
_OVER = r"(?=$| (?:please|pls|plz|now|anymore|any more|again|ever|thanks|thank you|asap|immediately|to (?:me|us|this number|my (?:number|phone|cell))|from)\b)"
_OUT = rf"(?=$| (?:please|pls|plz|now|thanks|thank you|asap)\b| (?:of|from)(?: your| these| those| all| the| this)*(?: mailing| text| sms)? (?:lists?|service|{_THEM})\b)"
_FINI = r"(?=$| (?:svp|stp|s il|merci|maintenant|a ce numero|sur|de votre part)\b)"

# Free text that means it. Each is looked for anywhere in a sentence.
CLEAR: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (language, re.compile(pattern))
    for language, pattern in (
        ("en", rf"\b(?:stop|quit|cease) (?:texting|messaging|contacting|spamming|bothering|harassing|writing(?: to)?) {_US}\b"),
        ("en", rf"\b(?:stop|quit|cease) (?:texting|messaging|spamming|contacting){_OVER}"),
        ("en", rf"\b(?:stop|quit|cease) (?:sending |with |all |the |these |those |your |any |me |us )*{_THEM}{_OVER}"),
        ("en", rf"\b(?:do not|dont|don t|never) (?:ever )?(?:text|message|sms|contact|write|write to|spam|bother) {_US}\b"),
        ("en", rf"\b(?:do not|dont|don t|never) (?:ever )?send (?:me |us )?(?:any |more |these |your |other )*{_THEM}{_OVER}"),
        ("en", rf"\b(?:no more|no further|enough) (?:of )?(?:the |these |your )?{_THEM}{_OVER}"),
        ("en", rf"\bi (?:do not|dont|don t|no longer) (?:want|wish|need)(?: to)?(?: get| receive| recieve| have)? (?:any |more |these |your |other )*{_THEM}{_OVER}"),
        ("en", rf"\b(?:remove|take|delete) {_US}(?: (?:off|from)(?: of)?(?: your| the| this| all)*(?: mailing| text| sms| contact| marketing)? (?:lists?|texts?|messages){_OVER}|$)"),
        ("en", rf"\b(?:opt me out|i (?:want|wish|would like|d like|choose|am asking) to (?:opt out|unsubscribe)|unsubscribe (?:me|us|this number)|how (?:do|can) i (?:unsubscribe|opt out)){_OUT}"),
        ("en", rf"^(?:please )?(?:unsubscribe from|opt out of) (?:(?:all|everything)$|(?:all |your |these |the )*{_THEM}{_OVER})"),
        ("en", r"^un(?:suscribe|subcribe|subscibe|subsribe|subscrib|suscrib)(?: me)?$"),
        ("en", r"\b(?:stop|quit) sending (?:me |us )?(?:this|that|these|those)(?: please)?$"),
        ("en", r"^(?:i said stop|stop wrong (?:number|person)|wrong (?:number|person)(?: please)? stop)(?: please)?$"),
        ("en", r"\b(?:i )?(?:revoke|withdraw) (?:my |all )?consent\b"),
        ("en", r"\b(?:leave me alone|lose my number)\b"),
        ("en", r"^(?:reply |text )?stop to (?:opt out|end|unsubscribe|quit|cancel|stop)(?: texts?| messages?)?$"),
        ("fr", r"\b(?:arretez?|arreter|cessez?|cesser) (?:de |d )?(?:m |me |nous )(?:ecrire|texter|contacter|spammer|harceler|deranger|importuner|achaler)\b"),
        ("fr", rf"\b(?:arretez?|arreter|cessez?|cesser|stop) (?:de |d )?(?:m |me |nous )?(?:envoyer |envoi )?(?:de |d |des |les |vos |ces |tes |tous |aux )*{_THEM_FR}{_FINI}"),
        ("fr", r"\b(?:ne )?(?:m|me|nous) (?:ecrivez|ecris|textez|texte|contactez|contacte|derangez|derange|achalez|achale) (?:plus|pas)\b"),
        ("fr", rf"\b(?:ne )?(?:m|me|nous) (?:envoyez|envoie|envoies) (?:plus|pas) (?:rien|(?:de |d |aucun |ces |vos |des )*{_THEM_FR}){_FINI}"),
        ("fr", rf"\b(?:ne )?(?:veux|souhaite|desire|voudrais|aimerais) (?:plus|ne plus|pas|ne pas) (?:recevoir|avoir) (?:de |d |des |vos |ces |les |aucun |tes )*{_THEM_FR}{_FINI}"),
        ("fr", rf"\bne (?:veux|souhaite|desire) (?:plus|pas) (?:de |d |vos |ces |aucun )*{_THEM_FR}{_FINI}"),
        ("fr", rf"\bplus (?:aucun|jamais de) {_THEM_FR}{_FINI}"),
        ("fr", r"\b(?:desabonnez?|desinscri(?:vez|s)|retirez?|enlevez?|supprimez?|rayez?) (?:moi|nous)(?: (?:de|d) (?:votre|ta|la|cette|vos|toutes?)(?: les| vos)? listes?|(?: svp| stp)?$)"),
        ("fr", r"\bje me (?:desabonne|desinscris)(?=$| (?:svp|merci|de (?:votre|vos|cette|la|ces|toutes)))"),
        ("fr", rf"^ne plus (?:rien )?recevoir(?: (?:de |d |des |vos |ces |les )*{_THEM_FR})?{_FINI}"),
        ("fr", r"\b(?:me|nous) (?:desabonner|desinscrire)\b|\b(?:me|nous) (?:retirer|enlever|rayer|supprimer) de (?:votre|la|cette|vos) listes?\b"),
        ("fr", r"\b(?:retirez|enlevez|supprimez|effacez) (?:mon|ce) numero\b"),
        ("fr", r"\b(?:je )?(?:retire|revoque) mon consentement\b"),
        ("fr", r"\b(?:laissez|fichez|foutez|laisse|fiche|fous) (?:moi )(?:tranquille|la paix)\b"),
    )
)  # fmt: skip
# Before one of them: it is not asked for. «I can't stop these texts», «please don't remove me», «n'arrêtez pas».
NEGATED = re.compile(
    r"\b(?:not|dont|don t|didnt|didn t|never|cannot|cant|can t|wont|won t|n|ne)(?: \w+){0,1}$"
)
# Nor where it is told or asked: «why did you stop texting me?», «I get no more messages», «vous ne m'écrivez plus».
TOLD = re.compile(
    r"\b(?:(?:why|when|did|since|if|pourquoi|quand|si|depuis)(?: \w+){0,3}|i|we|(?<!will )(?<!would )(?<!can )(?<!could )you|get|got|getting|gets|receive|received|receiving|have|had|see|"
    r"there (?:are|were)|vous|tu|on|ils|recois|recoit|recevons|recevez|recu|ai|as|avons|avez|il y a)$"
)  # fmt: skip
UNDONE = re.compile(
    r"\b(?:mistake|accident\w*|by error|erreur|pas (?:me )?desabonn\w+|(?:desabonnez|retirez|enlevez)(?: \w+)? pas)\b"
)
# After one of them: it is asked for at some hours, or about some thing.
QUALIFIED = re.compile(
    r"\b(?:before|after|at|during|between|until|till|when|while|if|unless|about|so (?:early|late|much|many|often)|on|in the|every|twice|tonight|"
    r"today|tomorrow|back|yet|later|here|driving|busy|avant|apres|pendant|entre|quand|lorsque|si|sauf|au sujet|a propos|la nuit|le soir|le matin|demain|aujourd hui|"
    r"a \d|aussi (?:tot|tard|souvent)|tant|trop)\b"
)  # fmt: skip
# What a person should look at, though nothing follows by itself.
SUSPECT = re.compile(
    r"\b(?:sto+p\w*|unsub\w*|opt(?:ed|ing)? ?out|remove|quit|revoke|consent|spam\w*|harass\w*|leave me|wrong (?:number|person)|no more|"
    r"do not (?:text|message|contact)|don ?t (?:text|message|contact)|who is this|"
    r"arret\w*|cess\w+|desabonn\w*|desinscri\w*|retir\w+|enleve\w*|consentement|harcel\w*|mauvais numero|pas le bon numero|tranquille|plus de|c est qui)\b"
)  # fmt: skip
