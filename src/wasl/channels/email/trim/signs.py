"""The lines below what a person wrote: what their telephone says of itself, disclaimers, footers of programs."""

from __future__ import annotations

import re

from wasl.channels.email.trim import words

_MAX = 160
_LINK = re.compile(r"[\](<]{0,3}(?:https?://|aka\.ms/)[^\s>)]*[>)]{0,2}", re.IGNORECASE)
_EDGES = " \t*_<>()[]{}\"'“”«»|.!~-–—…·•"

# Whose device: "my", in the languages that say it. After one of these, anything is a device.
_MINE = (
    r"my|mon|ma|mes|mio|mia|miei|meinem|meiner|mein|mi|mis|meu|minha|mijn|m'n|min|mitt|mit|mojego|mojej"
    r"|moje|moj[ií]"
    r"|моего|моей|мого|мойого|mého|mojho|cihazımdan|我的|من هاتفي|من جوالي|من موبايلي|من جهازي|من الهاتف"
)
_DEVICE = (
    r"iphone|ipad|ipod|ios|imac|macbook|mac|apple|android|samsung|galaxy|huawei|honor|xiaomi|redmi|poco"
    r"|oppo|vivo|realme"
    r"|oneplus|nokia|lumia|htc|lg|sony|xperia|motorola|pixel|blackberry|alcatel|wiko|tecno|infinix|tablet"
    r"|tablette"
    r"|tablette|smartphone|phone|cellphone|cell|mobile|mobil\w*|m[óo]vil|celular|cellulare|telefono"
    r"|téléphone|telefon\w*"
    r"|telemóvel|handy|gsm|teléfono|телефон\w*|смартфон\w*|mail|mailbox|airmail|inbox|spark|outlook|yahoo\w*"
    r"|gmail|hotmail|aol|proton\w*|tuta\w*|thunderbird|windows|orange|sfr|bouygues|libero|virgilio|tiscali"
    r"|alice"
    r"|fastweb|aruba|web\.de|gmx|t-online|k-9|bluemail|blue mail|edison|superhuman|zoho|fairmail|aquamail"
    r"|boxer|superhuman|shortwave|nine|maildroid|tuta|mail\.ru|яндекс\w*|почт\w*|yandex|qq|netease|foxmail|webmail|e-?mail|posteo|mailo|fastmail"
    r"|laposte|mailspring|postbox|emclient|em client|canary|newton|mymail|my mail|workspace|tutanota|mailbird"
    r"|هاتف\w*|جوال\w*|موبايل\w*|جهاز\w*|[اأآ]ي ?فون|[اأآ]ي ?باد|ال[اأآ]ي ?فون|ال[اأآ]ي ?باد|سامسونج"
    r"|سامسونغ|غالاكسي|جالاكسي"
    r"|جلاكسي|هواوي|شاومي|هونر|[اأ]ندرويد|بريد\w*|ياهو|Yahoo|[اأ]وتلوك|تطبيق\w*|لوحي|نوكيا"
    r"|手机|郵件|邮件|メール|휴대폰"
)
# "Sent from", "Envoyé depuis", "أرسلت من": the verb, then one of its prepositions.
_SENT = (
    r"(?:this (?:message|e-?mail) was )?(?:sent|posted|composed|written|typed|dictated)(?: \w+)? (?:from"
    r"|via|with|using|by|on|through)"
    r"|(?:message |mail |e-mail |courriel )?(?:envoyée?|expédiée?|écrite?|rédigée?"
    r"|transmise?)(?: \w+)? (?:de|depuis|à partir d[eu']|à partir|via|avec|du|d['’])"
    r"|(?:messaggio |mail |e-mail )?(?:inviat[oa]|spedit[oa]|scritt[oa]|mandat[oa])(?: \w+)? (?:da|dal"
    r"|dall['’]|dalla|dallo|con|tramite|via|mediante|col)"
    r"|(?:diese (?:nachricht|e-?mail|mail) wurde )?(?:gesendet|verschickt|versendet|verfasst"
    r"|geschickt)(?: \w+)? (?:von|vom|mit|über|via|aus)"
    r"|(?:diese (?:nachricht|e-?mail|mail) wurde )?(?:von|mit|vom|über) (?:meinem|meiner|mein|unterwegs)"
    r"|(?:mensaje |correo )?(?:enviad[oa]|escrit[oa])(?: \w+)? (?:desde|con|por|via|vía|mediante|de|do|da"
    r"|a partir d[eoa]|a través d[eo]l?|pelo|pela|através d[eoa]|via|com|meu|mi)"
    r"|enviat (?:des de|amb)"
    r"|(?:verzonden|verstuurd|gestuurd)(?: \w+)? (?:vanaf|vanuit|met|via|van|door|vanop)"
    r"|(?:skickat|sänt|sendt|sent)(?: \w+)? (?:från|fra|med|via)|lähetetty|sent úr"
    r"|wysłan[oey](?: \w+)? (?:z|ze|przez|za pomocą)|отправлено(?: \w+)? (?:с|из|через|со|от)"
    r"|надіслано (?:з|із|через)"
    r"|odesláno|odoslané|posláno|trimis (?:de pe|din|de la|prin)|στάλθηκε από|poslano (?:s|sa|iz)|gönderen"
    r"|(?:هذه الرسالة )?(?:تم ال[إا]رسال|تم [إا]رساله|تم [إا]رسالها|تم [إا]رسال هذه الرسالة"
    r"|تم [إا]رسال هذا البريد|[أا]رسلت هذه الرسالة|[أا]رسلت|[أا]رسل|مرسلة?|الرسالة مرسلة"
    r"|مرسل هذا البريد)(?: \w+)? (?:من|بواسطة|عبر|باستخدام|عن طريق|من خلال)"
    r"|נשלח (?:מ|באמצעות)|ارسال شده (?:از|با)|فرستاده شده (?:از|با)|dikirim dari|được gửi từ|đã gửi từ"
    r"|(?:发自|發自|來自|来自|從|从)"
)
_MOBILE = re.compile(
    rf"(?:{_SENT})\W{{0,3}}[^,.;:?!]{{0,35}}?(?<!\w)(?:{_DEVICE})\w{{0,5}}(?!\w).{{0,80}}"
    rf"|(?:{_SENT})\W{{0,3}}(?:{_MINE})(?!\w)[^,.;:?!]{{0,35}}"
    rf"|(?:{_SENT})\W{{0,3}}(?:{_MINE}) \S{{2,15}}, (?:{_DEVICE})(?!\w)[^,.;:?!]{{0,40}}"
    r"|sent from (?:an?|the) [^,.;:?!]{1,40}"
    r"|provenance ?: .{1,60}"
    r"|(?:发自|發自|來自|来自|從我的|从我的).{1,40}"
    r"|.{0,40}(?:から送信|에서 보냄|gönderildi|küldve|傳送|传送|发送)"
    r"|\w{0,20} ?from (?:my )?(?:mobile|i-?phone|i-?pad|android|phone|cell|blackberry)(?: \w{1,12})?"
    r"|von (?:meinem|meiner) .{1,40} gesendet.{0,20}"
    r"|(?:get|download|obtenir|obtenez|téléchargez?|télécharger|ottieni|scarica|obtener|obtenga|obtén"
    r"|descargar|obter"
    r"|obtenha|baixe|baixar|holen sie sich|laden sie|download|hent|hämta|pobierz|скачать|скачайте"
    r"|завантажити|stáhnout"
    r"|az|nabavite|obțineți|الحصول على|احصل على|تنزيل|获取|取得|下載) (?:l['’]application )?(?:the |o )?\W{0,3}"
    r"(?:outlook|yahoo|bluemail|spark|gmail|mail|aol|protonmail|proton).{0,60}"
    r"|outlook (?:für|voor|для|for|pour|per) .{1,30}"
    r"|yahoo mail ?[:;] .{1,90}|(?:yahoo|aol) (?:mail|courriel).{0,20}[:：].{1,60}"
    r"|(?:iphone|ipad|android)(?:['’]\w+)? .{0,20}(?:gönderildi|küldve|נשלח)",
    re.IGNORECASE,
)

# One of these words is in every line above; looking for them first spares most lines the pattern.
_STEMS = words.phrases(
    "sent|posted|composed|written|typed|dictated|envoyé|envoyée|expédié|expédiée|écrit|écrite|rédigé",
    "rédigée|transmis|provenance|inviato|inviata|spedito|spedita|scritto|scritta|mandato|mandata|gesendet",
    "verschickt|versendet|verfasst|geschickt|meinem|meiner|unterwegs|enviado|enviada|escrito|escrita",
    "enviat|verzonden|verstuurd|gestuurd|skickat|sänt|sendt|lähetetty|wysłano|wysłane|wysłany|отправлено",
    "надіслано|odesláno|odoslané|posláno|trimis|στάλθηκε|poslano|gönderen|gönderildi|küldve|الإرسال",
    "الارسال|إرساله|إرسالها|ارساله|ارسالها|إرسال|ارسال|أرسلت|ارسلت|أرسل|ارسل|مرسلة|مرسل|الرسالة|נשלח|ارسال",
    "فرستاده|dikirim|gửi|mobile|iphone|ipad|android|phone|cell|blackberry|outlook|yahoo|bluemail|spark",
    "gmail|mail|aol|protonmail|proton",
)
_STEMS_UNSPACED = (
    "发",
    "發",
    "傳送",
    "传送",
    "送信",
    "보냄",
    "來自",
    "来自",
    "從我",
    "从我",
    "获取",
    "iPhone",
)

_DISCLAIMER = words.phrases(
    "confidential|confidentiality|privileged|intended|recipient|recipients|unauthorised|unauthorized",
    "addressee|error|sender|delete|disclaimer|attachments|attachment|disclosure|disclose|distribution",
    "liability|liable|prohibited|confidentiel|confidentiels|confidentielle|confidentielles|confidentialité",
    "destinataire|destinataires|jointes|erreur|expéditeur|détruire|supprimer|diffusion|divulgation",
    "exclusif|interdite|autorisée|riservato|riservata|riservate|riservati|riservatezza|confidenziale",
    "confidenziali|destinatario|destinatari|allegati|allegato|errore|vietato|vietata|mittente|cancellarlo",
    "cancellare|distruggere|eliminare|gdpr|divulgazione|vertraulich|vertrauliche|vertraulichen|empfänger",
    "adressat|anhänge|irrtümlich|löschen|unbefugte|weitergabe|vernichten|absender|confidencial",
    "confidenciales|destinatario|destinatário|adjuntos|anexos|prohibida|proibida|eliminar|remitente",
    "remetente|divulgación|divulgação|vertrouwelijk|geadresseerde|bijlagen|verwijderen|openbaarmaking",
    "afzender|konfidentiell|konfidentiellt|mottagare|poufne|poufna|adresata|konfidencjalne",
    "конфиденциальная|конфиденциальную|gizli|gizlidir",
)
_DISCLAIMER_PARTS = (
    "سري",
    "المرسل إليه",
    "للمرسل",
    "المستلم",
    "الخطأ",
    "خطأ",
    "إبلاغ",
    "إخطار",
    "مرفق",
    "إفشاء",
    "المصرح",
)
_FOOTER_WORDS = words.phrases(
    "virenfrei|because|perché|car",
    "avast|avg|virus|viruses|viren|antivirus|malware|unsubscribe|printing|imprimer|environnement|stampare|ambiente|البيئة|الفيروسات",
)
_FOOTER = re.compile(
    r"(?:virus-free|(?:garanti )?sans virus|(?:mail )?priv[oa] di virus|senza virus|virenfrei|libre de virus"
    r"|خال[يٍ]? من الفيروسات).{0,60}"
    r"|.{0,80}(?:avast|avg)(?:\.com)?\W{0,40}"
    r"|.{0,40}(?:checked|scanned|v[ée]rifi[ée]e?|analys[ée]e?|controllat[ao]|geprüft|überprüft|analizad[ao]|فحص)"
    r".{0,60}(?:virus|antivirus|malware|الفيروسات|viren).{0,60}"
    r"|(?:you received this message because|to unsubscribe from this group|vous recevez ce message car"
    r"|hai ricevuto questo messaggio perch).{0,120}"
    r"|(?:please )?consider the environment before printing.{0,80}"
    r"|(?:avant d['’]imprimer|pensez? à l['’]environnement|prima di stampare|rispetta l['’]ambiente"
    r"|فكر في البيئة|حافظ على البيئة|يرجى مراعاة البيئة).{0,120}",
    re.IGNORECASE,
)


_ONLY_LINK = re.compile(r"[(<\[]{0,2}(?:https?://|www\.)[^\s<>()]+[)>\]]{0,2}|<#[\w-]+>", re.IGNORECASE)


def is_mobile(line: str) -> bool:
    """Whether a `bare` line is what a program adds by itself: "Sent from my iPhone", "Get Outlook for iOS"."""
    if not 5 < len(line) < _MAX + 200 or not _may_be_mobile(line):
        return False
    said = _LINK.sub(" ", line[: _MAX + 200]).replace("[", " ").replace("]", " ").strip(_EDGES)
    return len(said) <= _MAX and _MOBILE.fullmatch(said) is not None and _ends(said)


def _may_be_mobile(line: str) -> bool:
    if not _STEMS.isdisjoint(words.of(line)):
        return True
    return not line.isascii() and any(stem in line for stem in _STEMS_UNSPACED)


def _ends(said: str) -> bool:
    """A device's line is one phrase; a sentence that goes on after it, with a question, is somebody's."""
    return "?" not in said and "؟" not in said and len(said.split()) <= 16


def is_footer(line: str) -> bool:
    """Whether a `bare` line is one that a program or a mailing list puts below."""
    if len(line) < 8 or _FOOTER_WORDS.isdisjoint(words.of(line[:300])):
        return False
    said = line[:300].strip(_EDGES)
    return (
        _FOOTER.fullmatch(said) is not None
        or _FOOTER.fullmatch(_LINK.sub(" ", said).strip(_EDGES)) is not None
    )


def is_link(line: str) -> bool:
    """Whether a `bare` line is nothing but a link, as some programs put below what they say of themselves."""
    return len(line) < 200 and _ONLY_LINK.fullmatch(line) is not None


def is_disclaimer(paragraph: str) -> bool:
    """Whether a paragraph is the notice of a legal department: long, and full of its words."""
    if len(paragraph) < 100:
        return False
    paragraph = paragraph[:3000]
    said = len(_DISCLAIMER & words.of(paragraph))
    if not paragraph.isascii():
        said += sum(part in paragraph for part in _DISCLAIMER_PARTS)
    return said >= 3
