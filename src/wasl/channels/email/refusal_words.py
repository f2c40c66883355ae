"""The words of refusals, in many programs and languages, and the reason that each gives (see `refusals`).

The order of a table is what is more certain first; every entry was met in real reports.
"""

from __future__ import annotations

import re

from wasl.channels.base import Reason

Table = tuple[tuple[Reason, re.Pattern[str]], ...]


def _table(*rows: tuple[Reason, str]) -> Table:
    return tuple((reason, re.compile(pattern)) for reason, pattern in rows)


def _words(*phrases: str) -> str:
    return "|".join(phrases)


CERTAIN = _table(
    (Reason.OTHER, r'pipe to \||"\|[/i]|\bprocmail\b|x-unix;'),
    (Reason.UNREACHABLE, r"not found, try again|name server reply|servfail|server failure"),
    (
        Reason.INSECURE,
        r"\btlsa\b|\bdane\b|mta-sts|certificate[^.;]{0,40}(?:not trusted|expired|verif|invalid|fail|mismatch)",
    ),
    (
        Reason.UNWANTED,
        _words(
            r"domain of sender",
            r"recipient(?:['’]s)? preferences|badmailfrom|allowed rcpthosts",
            r"sender(?:'s)?(?: e-?mail)?(?: address| domain)? .{0,60}(?:reject|denied|invalid|not exist"
            r"|refused|not allowed|black|verif)",
            r"(?:mail ?from|sending|envelope)(?: address| domain| ip)?[^.;]{0,60}(?:reject|denied|invalid"
            r"|not exist|listed|refused|not allowed|reputation|verif)",
            r"sender (?:verif|callout)",
            r"(?:invalid|null|empty envelope|fully qualified[^.;]{0,30}) senders?\b|[ée]metteur invalide",
            r"not accept(?:ing)? (?:e-?)?mail from|accepting mail from your|mail from not owned",
            r"(?:find|resolve|verify|determine)[^.;]{0,20}(?:your|sender|purported)",
            r"administrative prohibition|\bbatv\b|members?-only|closed mailing list|not subscribed",
            r"unroute?able sender",
            r"my name was rejected",
            r"helo.{0,30}(?:reject|invalid|denied|refused)",
            r"unverif\w*able sending",
            r"invalid ip for",
            r"(?:invalid|no|missing|bad)\b.{0,20}\b(?:rdns|ptr|reverse dns)",
            r"reverse dns",
            r"\bptr\b.{0,20}record",
            r"ip name lookup failed",
            r"may not be mail exchanger",
        ),
    ),
    (
        Reason.NOT_NOW,
        _words(
            r"(?:temporarily|temporary) (?:deferred|rate)",
            r"gr[ea]y-?list",
            r"rate[ -]?limit",
            r"throttl",
            r"frequency limited",
            r"(?:daily|hourly|relay|sending)[^.;]{0,20}(?:quota|limit)",
            r"too many (?:connections|messages|e?mails|recipients|concurrent|sessions|invalid|errors|smtp)",
            r"receiving (?:mail )?(?:at a rate|too)",
            r"unusual sending activity|(?:messages|e?mails) (?:that )?(?:they can|can be) (?:receive|sent?)",
            r"unusual(?:ly high)? rate|too fast|(?:send|sending|receiving) rate|per (?:hour|minute|second)\b",
        ),
    ),
    (
        Reason.BAD_MESSAGE,
        _words(
            r"headers? too (?:large|long|big)",
            r"duplicate headers?",
            r"multiple\b.{0,30}\b(?:from|subject|headers?|date|message-id)\b",
            r"not rfc ?\d{3,4}",
            r"(?:8-?bit|non-ascii|improper).{0,40}header",
            r"(?:line|lines) (?:too long|limit|length)",
            r"bare (?:lf|cr|line)",
            r"malformed (?:message|mime|header)",
            r"missing.{0,20}header",
        ),
    ),
    (
        Reason.MAILBOX_FULL,
        _words(
            r"(?:mail ?box|inbox|mail ?folder|mail ?drop|account|user|recipient|maildir"
            r"|mailstore)\b[^.;]{0,40}\b(?:is |was )?full\b",
            r"(?:mail ?box|account|user|inbox|mail ?folder|mail ?drop)[^.;]{0,60}(?:exceed|over"
            r"|beyond)[^.;]{0,40}(?:quota|size|limit|storage|space|allowed|capacity)",
            r"over (?:its |the |their |his |disk |mail |storage )*quota",
            r"overquota",
            r"quota[^.;]{0,30}(?:exceed|full|violat|reached|exhausted)",
            r"exceed\w*[^.;]{0,30}(?:quota|storage|disk|mailbox|mail ?box)",
            r"(?:insufficient|not enough|no|out of)(?: disk| storage| mailbox| mail| free)* space",
            r"insufficient (?:disk|mailbox) storage",
            r"storage (?:limit|quota|space|allocation)",
            r"disk (?:is )?full",
            r"mailbox full",
            r"full mailbox|disc quota|too much mail data|too many messages on|space has been used up",
            r"shutoffquota",
            r"bo[iî]te (?:aux lettres |de r[ée]ception |mail "
            r"|e-mail )?(?:du destinataire )?(?:est )?(?:pleine|satur[ée]e)",
            r"quota (?:d[ée]pass[ée]|superat|exc[ée]d|überschritten)",
            r"espace (?:disque|de stockage)[^.;]{0,20}(?:insuffisant|d[ée]pass)",
            r"casella[^.;]{0,30}(?:piena|esaurit)",
            r"spazio[^.;]{0,30}(?:esaurito|insufficiente)",
            r"(?:صندوق|علبة|بريد)[^.؛]{0,30}(?:ممتل|مكتمل)",
            r"تجاوز[^.؛]{0,20}(?:الحصة|الحد|المساحة)",
            r"postfach[^.;]{0,30}voll",
            r"buz[óo]n[^.;]{0,30}llen",
            r"caixa[^.;]{0,30}cheia",
            r"メールボックス[^。]{0,20}(?:一杯|いっぱい|容量|満)",
            r"容量[^。]{0,10}超",
            r"переполнен",
        ),
    ),
    (
        Reason.ADDRESS_UNKNOWN,
        _words(
            r"user(?: ?name)?[^.;]{0,40}(?:unknown|not found|not exist|not known|invalid|inactive|disabled"
            r"|suspended)",
            r"unknown (?:user|recipient|address|local|mail ?box|account|name|host|domain|to address)",
            r"no such (?:user|recipient|mail ?box|address|person|account|domain|host|local|name)",
            r"(?:recipient|user|account|mail ?box|address|e-?mail|login|name|group|inbox|alias"
            r"|customer)\b[^.;]{0,80}(?:not found|n[o']t exist|does ?n[o']t exist|unknown|is invalid"
            r"|not valid|no longer|not recogni[sz]ed|not known|not listed|disabled|inactive|suspended"
            r"|deactivated|discontinued|locked|not active|closed|moved|couldn't be found"
            r"|could not be found|unavailable|not available|removed|deleted|incorrect)",
            r"invalid final|invalid (?:to |e-?mail )?(?:recipient|address|mail ?box|user|domain"
            r"|destination|e-?mail)",
            r"(?:no|not a|isn't a|not) (?:valid|known|local) (?:recipient|mail ?box|user|address|account)",
            r"is not (?:a )?(?:valid|known|listed|registered)",
            r"not our customer|not an active|can'?t accept user|missing home directory|(?:bad"
            r"|valid)rc?e?pt?(?:ient)?to list",
            r"(?:inactive|suspended|disabled|frozen|deactivated|archived|terminated) (?:account|user"
            r"|mail ?box|recipient)",
            r"(?:destinataire|recipient) archiv|archived recipient|user is terminated|no account\b"
            r"|undeliverable address",
            r"name or service not known|illegal host|domain must exist|replaced by|rejected: account"
            r"|mail ?box unavai",
            r"recipient ?not ?found",
            r"recipnotfound",
            r"address not found",
            r"bad (?:destination|address|recipient)",
            r"malformed (?:recipient )?address",
            r"incorrectly constructed",
            r"domain(?: name)?[^.;]{0,80}(?:not found|n[o']t exist|couldn't be found|could not be found"
            r"|unknown|invalid|receive e?mail|accept e?mail)",
            r"host (?:unknown|not known)",
            r"host\b.{0,80}not found(?!, try)",
            r"nxdomain",
            r"unroute?able (?:address|mail domain)",
            r"no (?:mx|mail exchanger|mail ?hosts?|relevant answers)",
            r"relevant mx records? point",
            r"null mx",
            r"deliver to destination domain|ambiguous recipient|no transport provider",
            r"find a(?:ny)? (?:mail exchanger|gateway|host|mx)",
            r"not accept (?:e-?)?mail",
            r"doesn't have an? .{0,40}account",
            r"may not exist",
            r"(?:has|have) moved",
            r"does ?(?:not|n[o']t) exist",
            r"no longer (?:on|in|at|valid|exist|employ|work|with|avail|accept)",
            r"check if address is correct",
            r"possibly incorrect",
            r"user doesn't",
            r"introuvable",
            r"(?:utilisateur|destinataire|adresse|bo[iî]te|compte)[^.;]{0,60}(?:inconnu|invalide"
            r"|n['’]existe|erron[ée]|d[ée]sactiv)",
            r"inconnu",
            r"n['’]existe (?:pas|plus)",
            r"(?:utente|destinatario|indirizzo|casella|account)[^.;]{0,60}(?:sconosciut|inesistente"
            r"|non esiste|non trovat|non valid|errat|disattivat|disabilitat)",
            r"sconosciut",
            r"inesistente",
            r"non esiste",
            r"غير (?:موجود|معروف|صالح|صحيح)",
            r"لا يوجد|لم يتم العثور|تعذر العثور",
            r"unbekannt|existiert nicht|nicht (?:gefunden|bekannt|vorhanden)|konnte nicht gefunden",
            r"no existe|desconocid|no se (?:encontr|encuentra)",
            r"n[ãa]o existe|desconhecid|n[ãa]o encontrad",
            r"見つかりません|見つからない|存在しません|存在しない|リストにありません|あて先不明|宛先不明",
            r"неизвест|не существует|не найден|нет такого",
            r"不存在|找不到|ikke fundet|finns inte|neexistuje|nie istnieje",
        ),
    ),
    (Reason.UNREACHABLE,
        r"not found, try again|message expired|retry tim|too many hops|all hosts have been failing"
    ),
    (
        Reason.INSECURE,
        _words(
            r"(?:starttls|tls|encryption|ssl)[^.;]{0,60}(?:required|must|mandatory|fail|not (?:available"
            r"|offered|supported)|handshake)",
            r"(?:require|must|need)[^.;]{0,40}(?:starttls|\btls\b|encrypt)",
        ),
    ),
    (
        Reason.UNWANTED,
        _words(
            r"\bspam",
            r"junk ?mail|unsolicited|\bbulk\b|\bube\b|unwanted",
            r"virus|malware|phish|trojan|infected|suspicious|dangerous|potential(?:ly)? (?:security|harm)",
            r"black ?-?list|block ?-?list|deny ?list|\bblocked\b|dnsbl|\brbl\b|\(bl\)|bloqu[ée]",
            r"reputation|dmarc|\bspf\b|dkim|unauthenticated|required authentication"
            r"|authentication (?:required|level|requirements)|authrequired|authenticat|authentification",
            r"client host rejected|host rejected|\bip\b[^.;]{0,20}(?:rejected|denied|refused)",
            r"relay(?:ing)?[^.;]{0,30}(?:denied|not (?:permitted|allowed)|prohibit|refused|rejected"
            r"|disallowed)",
            r"(?:configured|permitted|allowed|authori[sz]ed|unable|attempt\w*) to relay",
            r"insecure mail relay|not relayed|relay access",
            r"polic(?:y|ies)\b",
            r"(?:content|attachment)s?[^.;]{0,40}(?:reject|refus|denied|block|not (?:allowed|accepted"
            r"|permitted))",
            r"(?:reject|refus|block)\w*[^.;]{0,20}\bcontent",
            r"access (?:is |was )?denied|denied by|forbidden|prohibited|restricted|not (?:authori[sz]ed"
            r"|permitted|allowed)\b",
            r"(?:message|mail|e-?mail)s?[^.;]{0,30}(?:rejected|refused|not accepted|rejet[ée]|rifiutat"
            r"|abgelehnt|rechazad)",
            r"not a member|permission to post|not (?:be )?accepted|permanently deferred|non autoris",
            r"use the smtp server of",
            r"complain|unacceptable|\bbanned\b|(?:message|mail|content|attachment|spam) filter|filtered",
            r"ind[ée]sirable|pourriel|posta indesiderata|غير مرغوب|مزعج|محظور|مرفوض",
            r"迷惑メール|受信拒否|ウイルス|спам|заблокирован",
        ),
    ),
    (
        Reason.UNREACHABLE,
        _words(
            r"connection (?:timed out|refused|reset|closed|lost)|lost connection|no route to host",
            r"not been collected|(?:not delivered|undeliverable) within|loop count|cannot be reached"
            r"|resolve route",
        ),
    ),
    (
        Reason.TOO_LARGE,
        _words(
            r"(?:message|mail|e-?mail|size|length|attachment|data)\b[^.;]{0,50}(?:too (?:large|big)"
            r"|exceed\w*[^.;]{0,40}(?:limit|max|size|length|allowed))",
            r"exceed\w*[^.;]{0,40}(?:message|mail|maximum|fixed|size)[^.;]{0,20}(?:size|length|limit)",
            r"(?:size|length) (?:limit )?exceed",
            r"too (?:large|big)\b",
            r"larger than|bigger than",
            r"trop (?:grand|volumineux|gros)|taille[^.;]{0,30}(?:d[ée]pass|maximale)",
            r"troppo grande|dimensioni?[^.;]{0,30}(?:superat|massim)|supera[^.;]{0,20}dimension",
            r"حجم[^.؛]{0,30}(?:كبير|يتجاوز|أكبر)|zu gro[sß]|demasiado grande|muito grande|サイズ[^。]{0,20}超",
        ),
    ),
)  # fmt: skip

LIKELY = _table(
    (Reason.OTHER, r"internal (?:software |server )?error|software error|configuration error"),
    (
        Reason.NOT_NOW,
        _words(
            r"service[^.;]{0,30}(?:unavailable|not available|refus)",
            r"not accepting (?:connections|messages|mail)",
            r"(?:system|server|service|host)[^.;]{0,20}(?:busy|overload|load|maintenance)",
            r"insufficient (?:system )?(?:resources|storage)|out of memory|resources temporarily",
            r"(?<!not going to )try (?:again|later)|try it again|come back later|please retry"
            r"|temporarily (?:unavailable|suspended|reject|refus|block)",
            r"(?:r[ée])?essayer|plus tard|riprov|pi[ùu] tardi|لاحق|sp[äa]ter|m[áa]s tarde|mais tarde",
        ),
    ),
    (
        Reason.UNREACHABLE,
        _words(
            r"connect(?:ion|ing)?[^.;]{0,80}(?:tim|refused|reset|closed|lost|dropped|fail)",
            r"lost connection|timed? ?out|timeout|no route|unreachable|not reachable|not responding|no answer",
            r"network (?:is |error|problem)|(?:name|dns) (?:service|server|error|lookup|query|failure)"
            r"|socket error",
            r"retr(?:y|ies)[^.;]{0,20}(?:timeout|exceed|exhaust)|too many hops|hop count|\bloop"
            r"|maximum allowed times",
            r"expired|too long|giving up|failing for a long|for (?:the last )?\d+ ?(?:days|hours|seconds)"
            r"|failed \d+ attempts|undelivered for",
            r"(?:establish|requests?|could not|unable|cannot|couldn't)[^.;]{0,30}connect"
            r"|not found, try again|deferred|host not found",
            r"d[ée]lai[^.;]{0,30}(?:d[ée]pass|expir)|injoignable|non raggiungibile|scadut|تعذر الاتصال"
            r"|انتهت المهلة|nicht erreichbar|接続",
        ),
    ),
    (Reason.TOO_LARGE, _words(r"size limit|message size")),
    (
        Reason.BAD_MESSAGE,
        _words(
            r"syntax|malformed|rfc ?\d{3,4}|\bmime\b|message format|data format|conversion|encoding"
            r"|illegal|not compliant"
        ),
    ),
    (
        Reason.ADDRESS_UNKNOWN,
        _words(
            r"(?:recipient|rcpt|destinataire|destinatario)[^.;]{0,40}(?:reject|not accepted|refus|invalid)"
            r"|address(?:es)? rejected|unknown|not found"
        ),
    ),
    (Reason.UNWANTED, _words(r"reject|refus|denied|block|spamhaus|spamcop|sorbs|not welcome")),
)  # fmt: skip
