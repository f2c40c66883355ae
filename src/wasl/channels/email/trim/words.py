"""The words by which mail programs, in some twenty-five languages, introduce what they quote and what they sign."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Marks that are not seen: direction, joiners, soft hyphens, and the vowel signs and tatweel of Arabic.
_UNSEEN = re.compile(
    "[\u00ad\u061c\u0640\u064b-\u0652\u0670\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]+"
)
_SPACES = re.compile("[\u00a0\u2007\u202f\u3000]")
LONGEST = 2_000
"""Letters of a line that are kept when it is made bare."""


def bare(text: str) -> str:
    """A line as it is recognised: without what is not seen, spaces as spaces, ends trimmed."""
    return _seen(text).strip()


def bare_lines(lines: Sequence[str]) -> list[str]:
    """The same of all lines of a text, at a fraction of the cost."""
    return [line[:LONGEST].strip() for line in _seen("\n".join(lines)).split("\n")]


def _seen(text: str) -> str:
    return text if text.isascii() else _SPACES.sub(" ", _UNSEEN.sub("", text))


def phrases(*lines: str) -> frozenset[str]:
    """A set of what stands between strokes."""
    return frozenset(phrase for line in lines for phrase in line.split("|"))


_WORD = re.compile(r"[^\W\d_]+")


def of(text: str) -> set[str]:
    """The words of a text in lower case; looking these up in a set is what keeps trimming cheap."""
    return set(_WORD.findall(text.lower()))


# "On … wrote:", one word of each verb. Arabic and its kin stand with and without the feminine ending.
WROTE = phrases(
    "wrote|writes|écrit|ecrit|écrivait|scritto|scrive|scriveva|scrisse|كتب|كتبت|كتابة|كتبه",
    "schrieb|schrieben|geschrieben|schreibt|escribió|escribio|escrito|escriure|escreveu|schreef|geschreven",
    "skrev|skriver|kirjoitti|skrifaði|napisał|napisała|napisali|pisze|napsal|napsala|napísal|napísala",
    "написал|написала|пишет|писал|писала|пише|написав|написа|писа|napisao|napisala|scris|írta|έγραψε",
    "yazdı|כתב|כתבה|نوشت|نوشته|menulis|viết",
)
# Languages that write no spaces between words.
WROTE_UNSPACED = ("写道", "寫道", "写到", "写了", "のメール", "書きました", "작성", "เขียนว่า")

# How such a line may begin; most are ordinary words too, so a date has to follow in the same line.
INTRO = re.compile(
    r"(?:on|at|le|il|il giorno|in data|am|el|em|a|op|den|på|dnia|w dniu|dne|dňa|pe|în|la|στις|vào|pada|ti"
    r"|в|tarihinde|vom|af|þann|na|u|ke|ma|to|pe|su|la|in|date|data|"
    r"في|فى|بتاريخ|يوم|بـ|در|בתאריך|ביום|ב-?)(?![^\W\d_])",
    re.IGNORECASE,
)

FROM, DATE, TO, COPY, SUBJECT, MORE = range(6)
"""What a header line says."""

_HEADERS: dict[int, str] = {
    FROM: "from|de|expéditeur|da|mittente|من|من طرف|المرسل|von|absender|van|afzender|från|fra|frá|lähettäjä|od"
    "|nadawca|от|від|от кого|από|kimden|gönderen|de la|feladó|מאת|از|发件人|寄件者|寄件人|差出人|보낸 사람"
    "|보낸사람"
    "|remitente|remetente|odesílatel|odosielateľ|dari|från|từ|จาก|expeditor|pošiljatelj|från",
    DATE: "sent|date|date sent|sent at|envoyé|envoyé le|date d'envoi|inviato|inviato il|data|data invio"
    "|تاريخ الإرسال"
    "|التاريخ|تاريخ|تم الإرسال|أرسلت|الإرسال|أرسل|المرسلة|تاريخ الارسال|أرسل في|gesendet|datum|gesendet am"
    "|verzonden|datum|verzonden op|enviado|enviado el|fecha|enviada em|enviada|enviado em|data de envio"
    "|skickat|sendt|dato|sent|lähetetty|päivämäärä|päiväys|wysłano|data wysłania|отправлено|дата|надіслано"
    "|odesláno|odoslané|dátum|gönderildi|gönderme tarihi|tarih|elküldve|dátum|trimis|στάλθηκε|ημερομηνία"
    "|נשלח|תאריך"
    "|ارسال|تاریخ|发送时间|发送日期|日期|时间|日期時間|寄件日期|傳送時間|送信日時|日付|보낸 날짜|날짜"
    "|terkirim|tanggal|ngày|đã gửi|poslano",
    TO: "to|à|pour|destinataire|a|destinatario|إلى|الى|إلي|المستلم|an|empfänger|aan|til|till|vastaanottaja"
    "|do|dla|adresat"
    "|кому|до|komu|kime|alıcı|címzett|către|catre|προς|אל|به|收件人|收件者|宛先|받는 사람|받는사람|para"
    "|destinatário|kepada|đến|za|k"
    "|pro|para|för",
    COPY: "cc|copie|copie à|copia|c.c|نسخة|نسخة إلى|نسخة الى|ccn|bcc|cci|kopie|kopie (cc)|kopia|kopio|dw"
    "|копия|копія|kopi"
    "|bilgi|másolatot kap|κοιν|עותק|抄送|副本|參照|참조|con copia|cópia|رونوشت",
    SUBJECT: "subject|objet|sujet|oggetto|الموضوع|موضوع|العنوان|betreff|onderwerp|asunto|assunto|emne|ämne"
    "|aihe|temat|тема"
    "|předmět|predmet|konu|tárgy|subiect|θέμα|נושא|主题|主旨|主題|件名|제목|perihal|subjek|chủ đề|efni"
    "|assumpte|zadeva|naslov",
    MORE: "reply-to|reply to|répondre à|rispondi a|risposta|الرد على|الرد إلى|رد إلى|antwort an"
    "|responder a|responder"
    "|antwoord aan|importance|priority|importanza|priorità|importanta|wichtigkeit|importancia|الأهمية"
    "|attachments"
    "|pièces jointes|allegati|anhänge|المرفقات|organization|organisation|message-id|svara till|svar til",
}
HEADER: dict[str, int] = {word: what for what, words in _HEADERS.items() for word in words.split("|")}
HEADER_LONGEST = max(map(len, HEADER))

# Between dashes: "-----Original Message-----".
ORIGINAL = phrases(
    "original message|original mail|original e-mail|original email|original appointment|reply message",
    "message d'origine|message d’origine|message original|message initial|e-mail d'origine|courriel d'origine",
    "rendez-vous d'origine|courrier d'origine|mail original|messaggio originale|messaggio di origine"
    "|e-mail originale",
    "appuntamento originale|الرسالة الأصلية|الرسالة الاصلية|رسالة أصلية|رسالة اصلية|الرساله الاصليه"
    "|البريد الأصلي",
    "ursprüngliche nachricht|originalnachricht|original-nachricht|originalmail|ursprünglicher termin",
    "mensaje original|correo original|mensagem original|missatge original|oorspronkelijk bericht",
    "oorspronkelijke bericht|originalmeddelande|ursprungligt meddelande|original meddelelse"
    "|oprindelig meddelelse",
    "opprinnelig melding|oprindelig besked|alkuperäinen viesti|oryginalna wiadomość|wiadomość oryginalna",
    "исходное сообщение|оригинальное сообщение|первоначальное сообщение|вихідне повідомлення"
    "|оригінальне повідомлення",
    "původní zpráva|pôvodná správa|özgün ileti|orijinal mesaj|orjinal mesaj|eredeti üzenet|mesaj original"
    "|mesajul original",
    "αρχικό μήνυμα|ההודעה המקורית|הודעה מקורית|پیام اصلی|pesan asli|tin nhắn gốc|thư gốc|原始邮件|原始郵件"
    "|原邮件|元のメッセージ",
    "오리지널 메시지|원본 메시지|원본 메일|originalna poruka|izvorna poruka",
)
FORWARDED = phrases(
    "forwarded message|forwarded mail|forwarded email|forwarded by|begin forwarded message"
    "|forwarded conversation",
    "message transféré|message réexpédié|message transmis|courriel transféré|début du message transféré",
    "début du message réexpédié|e-mail transféré|messaggio inoltrato|inizio messaggio inoltrato"
    "|messaggio inoltrata",
    "inizio del messaggio inoltrato|رسالة معاد توجيهها|رسالة تمت إعادة توجيهها|رسالة محولة",
    "الرسالة المعاد توجيهها|بداية الرسالة المحولة|بدء الرسالة المحولة|الرسالة المحولة|رسالة موجهة|بدء رسالة محولة",
    "بداية الرسالة المعاد توجيهها|بدء الرسالة المعاد توجيهها|بريد معاد توجيهه|البريد المعاد توجيهه",
    "weitergeleitete nachricht|anfang der weitergeleiteten nachricht|weitergeleitete mail"
    "|weitergeleitete e-mail",
    "mensaje reenviado|inicio del mensaje reenviado|mensagem encaminhada|mensagem reencaminhada"
    "|missatge reenviat",
    "início da mensagem encaminhada|início da mensagem reenviada|doorgestuurd bericht"
    "|begin doorgestuurd bericht",
    "vidarebefordrat meddelande|vidarebefordrat brev|videresendt besked|videresendt melding"
    "|videresendt meddelelse",
    "välitetty viesti|przekazana wiadomość|wiadomość przekazana|treść przekazanej wiadomości"
    "|пересылаемое сообщение",
    "пересланное сообщение|переслане повідомлення|přeposlaná zpráva|preposlaná správa|yönlendirilen ileti"
    "|iletilen mesaj",
    "iletilmiş mesaj|továbbított üzenet|mesaj redirecționat|mesaj redirectionat|προωθημένο μήνυμα"
    "|הודעה שהועברה",
    "پیام هدایت شده|پیام ارسال شده|pesan terusan|转发的邮件|转发邮件|轉寄的郵件|转寄邮件"
    "|転送されたメッセージ|전달된 메시지|전달된 메일",
)
# Lines that help desks put above what they send, so that answers can be told apart.
ABOVE_THIS = phrases(
    "reply above this line|type your reply above this line|please type your reply above this line",
    "write above this line|répondez au-dessus de cette ligne|veuillez répondre au-dessus de cette ligne",
    "répondre au-dessus de cette ligne|rispondere sopra questa linea|rispondi sopra questa riga",
    "rispondere sopra questa riga|scrivere sopra questa riga|اكتب ردك فوق هذا السطر"
    "|الرجاء الرد فوق هذا السطر|الرد فوق هذا السطر",
    "antworten sie oberhalb dieser linie|bitte antworten sie oberhalb dieser linie"
    "|responda por encima de esta línea",
    "responda acima desta linha|antwoord boven deze regel|svara ovanför denna rad",
)
