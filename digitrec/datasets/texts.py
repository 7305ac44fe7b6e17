"""Words, numbers and labels as they stand on pages."""

import numpy as np

_WORDS = (
    "the name date total sum page test exam class sheet number phone order note list price code student school "
    "answer question math digits data write first second result box form field please sign address city street "
    "time hour day week month year amount bill item size room grade score roll section subject paper hand written "
    "sample zero one two three four five six seven eight nine ten hello world thanks john maria nguyen anna peter "
    "university of and for with from this that each row column line title mr ms dr no id cm kg milk bread eggs "
    "cheese apples rice water coffee tea butter sugar flour monday tuesday friday sunday january march april june "
    "august call mom meeting buy pay send read homework chapter exercise solve find let then where because equal "
    "left right area length speed mass energy force velocity sample temp volume weight cost tax net gross paid "
    "cash card bank account branch payee rupees dollars euro only balance due invoice receipt customer service "
    "delivery seller quantity unit rate discount round game team player points wins home away goals nom prenom "
    "adresse rue ville montant euros lundi jeudi datum ort strasse betrag summe klasse seite aufgabe und der die "
    "das mit nicht rechnung fecha nombre calle ciudad pagina firma hola gracias lista precio casa uno dos tres "
    "nota nome via data totale pagare numero telefon adres data imie hej tack och science history physics biology "
    "english project plan idea key lab experiment trial mean max min avg std"
)
WORDS = _WORDS.split()

_LABELS = (
    "Name:|Date:|Page|Total|Student ID|Roll No.|Please write the digits|Phone|Address|City|Signature|Section|"
    "No.|Class|Score|Invoice|Amount|Figure|Notebook|MATHEMATICS|Marks|Marks obtained|Max. marks|Question|Q. No.|"
    "Sub total|Tax|Qty|Description|Unit price|Date of birth|First name|Last name|Zip code|Telephone|E-mail|Yes|"
    "No|For office use only|Examiner|Pay|or bearer|Rupees|Account number|Customer|Order no.|Time|Room|"
    "Grand total|Instructions|Remarks|PAYMENT SLIP|STATEMENT|COPY|PAID|RECEIVED|www.example.com|Copyright|"
    "All rights reserved|(a)|(b)|i)|ii)|Answer|Result|Nom :|Prénom :|Montant|Unterschrift|Datum|Straße|Fecha|"
    "Firma|Importe|Teacher's signature|Subject|Semester|Score sheet|Round|Team|Player|Mon|Tue|Wed|Thu|Fri|Sat|"
    "Sun|January|October|Cash|Change|Thank you!|VAT|Item|Worksheet"
)
LABELS = _LABELS.split("|")

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def word(rng: np.random.Generator) -> str:
    """Return a word as people write it by hand: small, with a capital, all capitals, or of random letters."""
    how, text = rng.random(), pick(rng, WORDS)
    if how < 0.18:
        return text.upper()
    if how < 0.42:
        return text.capitalize()
    if how < 0.5:
        return "".join(LETTERS[i] for i in rng.integers(0, 26, int(rng.integers(2, 9))))
    return text


def number(rng: np.random.Generator) -> str:
    """Return a number, amount, date, time, telephone number, fraction or code, with digits 0 to 9 alike."""
    how = rng.random()
    if how < 0.4:
        return _digits(rng, int(rng.integers(1, 7)))
    if how < 0.55:
        return f"{_digits(rng, int(rng.integers(1, 5)))}{pick(rng, ['.', ',', '.'])}{_digits(rng, 2)}"
    if how < 0.7:
        mark = pick(rng, ["/", "-", ".", " "])
        return mark.join((_digits(rng, 2), _digits(rng, 2), _digits(rng, int(rng.choice([2, 4])))))
    if how < 0.78:
        return f"{_digits(rng, 2)}:{_digits(rng, 2)}"
    if how < 0.88:
        return " ".join(_digits(rng, int(n)) for n in rng.integers(2, 5, int(rng.integers(2, 5))))
    return f"{_digits(rng, int(rng.integers(1, 4)))}{pick(rng, ['%', '/', '-', 'x', ')', '.', ' cm', ' kg'])}"


def printed(rng: np.random.Generator, digits: bool = True) -> str:
    """Return what forms, books and bills print in one place; with `digits` false, without digits."""
    how = rng.random()
    if how < 0.3 or (not digits and how < 0.6):
        text = " ".join(pick(rng, WORDS) for _ in range(int(rng.integers(1, 7))))
        case = rng.random()
        return (
            text.upper() if case < 0.2 else text.title() if case < 0.35 else text.capitalize() if case < 0.7 else text
        )
    if how < 0.55 or not digits:
        return pick(rng, LABELS)
    if how < 0.62:
        return f"{pick(rng, LABELS)} {number(rng)}"
    if how < 0.68:
        return f"{int(rng.integers(1, 100))}{pick(rng, ['.', ')', '', ':'])}"
    if how < 0.92:
        return pick(rng, ["", "", "", "$", "€", "Rs. ", "No. ", "#"]) + number(rng)
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789#%&()-+="
    return "".join(signs[i] for i in rng.integers(0, len(signs), int(rng.integers(1, 7))))


def pick(rng: np.random.Generator, options: list[str]) -> str:
    """Return one of the options, each as likely."""
    return options[int(rng.integers(len(options)))]


def _digits(rng: np.random.Generator, count: int) -> str:
    return "".join(map(str, rng.integers(0, 10, count).tolist()))
