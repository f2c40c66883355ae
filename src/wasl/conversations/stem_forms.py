"""Words of correspondence with customers whose forms no rule brings together: each line one word, folded.

Broken plurals and verbs in Arabic; irregular verbs and plurals in French, Italian and English.
"""

from typing import Final

_ARABIC = """\
فاتوره فواتير
طلب طلبيه طلبات طلبيات يطلب تطلب نطلب مطلوب
مشكله مشاكل مشكلات
رساله رسايل
عنوان عناوين
طرد طرود
سعر اسعار تسعير
رقم ارقام
حساب حسابات
بضاعه بضايع
بطاقه بطاقات بطايق
صوره صور
لون الوان
مراه مرايا
حجم احجام
مقاس مقاسات مقاييس
قطعه قطع
صندوق صناديق
كرتون كراتين
منتج منتجات
سلعه سلع
ملف ملفات
موعد مواعيد
يوم ايام
شهر اشهر شهور
سنه سنوات سنين اعوام
ساعه ساعات
اسبوع اسابيع
فرع فروع
محل محلات
متجر متاجر
سوق اسواق
شركه شركات
بنك بنوك
مبلغ مبالغ
مال اموال
دفعه دفعات
عرض عروض
خصم خصومات
كوبون كوبونات
قسيمه قسايم
رابط روابط
رمز رموز
كلمه كلمات
اسم اسماء اسامي
هاتف هواتف
جهاز اجهزه
شاحن شواحن
كتاب كتب
قلم اقلام
ثوب ثياب اثواب
حذاء احذيه
قميص قمصان
فستان فساتين
صحن صحون
طبق اطباق
كاس كووس
فنجان فناجين
كوب اكواب
وعاء اوعيه
اناء اواني انيه
ابريق اباريق
سجاده سجاد سجاجيد
مصباح مصابيح
كرسي كراسي
طاوله طاولات
هديه هدايا
زبون زباين
عميل عملاء
موظف موظفين موظفون
مدير مدراء
سايق سايقين
مندوب مناديب مندوبين
خطا اخطاء
عيب عيوب
كسر مكسور مكسوره انكسر انكسرت تكسر
تلف تالف تالفه اتلف
نقص ناقص ناقصه
ضمان ضمانات
شرط شروط
سياسه سياسات
خدمه خدمات
سوال اسيله
جواب اجوبه
رد ردود
طريقه طرق
خيار خيارات
سبب اسباب
حل حلول
بلد بلاد بلدان
مدينه مدن
منطقه مناطق
شارع شوارع
باب ابواب
وثيقه وثايق
عقد عقود
وصل ايصال ايصالات
وصول وصلت وصلني وصلتني يصل تصل يصلني تصلني توصلت سيصل ستصل
توصيل يوصل توصل وصلوا
ارسال ارسل ارسلت ارسلتم يرسل ترسل نرسل سارسل ارسلوا مرسل مرسله ترسلوا ترسلون
شحن شحنه شحنات يشحن تشحن شحنت شحنتم مشحون شحنها
دفع دفعت يدفع ادفع ندفع مدفوع مدفوعه مدفوعات
استلام استلمت استلم يستلم تستلم مستلم استلمها
ارجاع ارجع ارجعت ارجعه يرجع ترجع استرجاع استرجع مرتجع مرتجعات مرجوع
استرداد استرد استردت يسترد
الغاء الغي الغيت يلغي تلغي نلغي ملغي الغوا
استبدال استبدل استبدلت يستبدل تبديل ابدل تبدل
تاخير تاخر تاخرت متاخر متاخره يتاخر تتاخر
تسليم سلم سلمت يسلم تسلم مسلم تسلموا
تاكيد اكد اكدت يوكد توكد موكد
تعديل عدل عدلت يعدل تعدل
تغيير غير غيرت يغير تغير تغيرت
تسجيل سجل سجلت يسجل مسجل
شراء اشتري اشتريت يشتري مشتريات مشتراه اشتريته اشتريتها
سداد سدد سددت يسدد
احتياج احتاج يحتاج نحتاج تحتاج
وعد وعدت وعدتم وعدتموني وعدتمونا
"""

_FRENCH = """\
colis colissimo
neuf neuve neufs neuves
beau belle beaux belles
nouveau nouvelle nouveaux nouvelles
vieux vieille vieilles
dommage endommage endommagee endommages
envoyer envoi envois envoie envoient envoye
payer paiement paiements payement paie paient paye
livrer livraison livraisons livreur livre livree livrez
rembourser remboursement remboursements rembourse
recevoir recu recus recue recues recoit recois recevrai reception
acheter achat achats achete
vendre vente ventes vendu vendue vendeur
casser casse cassee casses cassees cassent
annuler annulation annulations annule
echanger echange echanges
retourner retour retours
reclamer reclamation reclamations
commander commande commandes
reparer reparation reparations
facturer facture factures facturation
prix prix
travail travaux
cheval chevaux
journal journaux
animal animaux
cadeau cadeaux
carreau carreaux
oeil yeux
pouvoir peux peut peuvent pourrais pourriez pouvez
vouloir veux veut voulez voudrais
expedier expedition expeditions expedie
mettre mis mise mettez
perdre perdu perdue perdus perte
prendre pris prise prenez
ouvrir ouvert ouverte ouverts
attendre attente attends attendu
repondre reponse reponses repondu
confirmer confirmation confirme
manquer manque manquant manquante
abimer abime abimee abimes
"""

_ITALIAN = """\
spedire spedizione spedizioni spedito spedita spediti spedite spedisce
pagare pagamento pagamenti pagato pagata paghi paga
consegnare consegna consegne consegnato consegnata consegnati
rimborsare rimborso rimborsi rimborsato
ricevere ricevuto ricevuta ricevuti ricevute
acquistare acquisto acquisti acquistato acquistata
ordinare ordine ordini ordinato ordinata
rompere rotto rotta rotti rotte
annullare annullamento annullato annullata
cambiare cambio cambi cambiato
restituire restituzione reso resi restituito
reclamare reclamo reclami
riparare riparazione riparazioni riparato
fatturare fattura fatture fatturazione
perdere perso persa persi perdita
aprire aperto aperta aperti
rispondere risposta risposte risposto
prendere preso presa
mettere messo messa
scegliere scelto scelta scelte
inviare invio inviato inviata inviati
mancare manca mancano mancante mancanti
danneggiare danno danni danneggiato danneggiata danneggiati
confermare conferma confermato confermata
ritardare ritardo ritardi
arrivare arrivo arriva arrivato arrivata arrivati
uomo uomini
paio paia
uovo uova
attendere attesa atteso
scontare sconto sconti scontato
sostituire sostituzione sostituito sostituita
piatto piatti
tazza tazze
"""

_ENGLISH = """\
pay paid payment payments payable
send sent sender
buy bought buyer
break broke broken
lose lost loss
deliver delivery deliveries delivered
refund refunds refunded
ship shipment shipments shipped shipping
receive receipt receipts received
choose chose chosen choice
take took taken
give gave given
come came
get got gotten
find found
tell told
sell sold
write wrote written
speak spoke spoken
wear wore worn
tear tore torn
steal stole stolen
freeze froze frozen
leave left
keep kept
bring brought
catch caught
think thought
forget forgot forgotten
begin began begun
go went gone
know knew known
make made
mean meant
meet met
see saw seen
stick stuck
reply replies replied
cancel cancelled canceled cancellation cancelling
invoice invoices invoiced
apologise apologize apology apologies
colour color
grey gray
foot feet
tooth teeth
mouse mice
man men
woman women
leaf leaves
wife wives
half halves
scarf scarves
cheque check cheques checks
programme program programmes programs
child children
knife knives
shelf shelves
glass glasses
person people
damage damaged damages
fault faulty faults
complain complaint complaints
replace replacement replacements
"""

FORMS: Final = {language: forms.strip() for language, forms in
                {"ar": _ARABIC, "fr": _FRENCH, "it": _ITALIAN, "en": _ENGLISH}.items()}  # fmt: skip
