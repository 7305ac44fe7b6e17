"""Texts for synthetic pages: what people write by hand into documents, and what is printed around it.

Patterns hold a `d` for each random digit, so that the classes 0 to 9 are drawn about equally often.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

PATTERNS: dict[str, tuple[str, ...]] = {
    "mark": ("d", "d", "d", "d", "dd", "dd", "dd", "d.d", "d/dd", "dd/dd", "dd%", "d,d", "dd.d", "d+d"),
    "small": ("d", "d", "d", "dd"),
    "total": ("dd", "dd", "ddd", "dd/ddd", "ddd/ddd", "dd.d", "dd %", "d.dd", "dddd"),
    "quantity": ("d", "d", "dd", "dd", "ddd", "d kg", "dd kg", "ddd g", "dx", "d.d", "d/d", "d m", "dd pcs"),
    "amount": (
        *("d.dd", "dd.dd", "dd.dd", "ddd.dd", "d,dd", "dd,dd", "ddd,dd", "d,ddd", "dd,ddd", "d.ddd", "dddd", "ddd"),
        *("d,ddd.dd", "d.ddd,dd", "ddd/-", "dddd/-", "$dd", "$d.dd", "$ddd.dd", "ddd-", "dd,dd,ddd", "dd", "ddd.-"),
        *("d ddd,dd", "dd EUR", "Rs ddd", "Rs.dddd/-", "dd.dd EUR", "=ddd=", "ddd dd", "d ddd", "-dd.dd", "+ddd"),
    ),
    "date": (
        *("dd/dd/dddd", "dd/dd/dd", "dd-dd-dd", "dd-dd-dddd", "dd.dd.dddd", "dd.dd.dd", "d/d/dd", "d.d.dd", "d/dd/dd"),
        *("dddd-dd-dd", "dddd/dd/dd", "dd dd dd", "dd.d.", "d/d", "dd/dd", "dd May dddd", "d June", "dd.dd", "Oct dd"),
    ),
    "phone": (
        *("ddd-ddd-dddd", "dddddddddd", "dddddddddd", "ddddd ddddd", "(ddd) ddd-dddd", "dd dd dd dd dd", "ddd dddd"),
        *("+dd ddd ddd ddd", "ddd-dddd", "ddd.ddd.dddd", "ddddd/dddddd", "dd-dddddd", "dddd ddd ddd", "dddd-dddd"),
    ),
    "code": (
        *("dddd", "ddddd", "dddddd", "ddddddd", "dddddddd", "A-ddd", "dd/ddd", "dd-dd-dd", "BSddd", "ddAdd", "K dddd"),
        *("dd-dddd", "E ddd", "dddd dddd", "MAddddd", "ddd/dd", "No ddd", "#ddd", "dddd-d", "ddd", "ddd-ddd"),
    ),
    "time": ("dd:dd", "dd:dd", "d:dd", "dd.dd", "dd:dd pm", "d am", "dd-dd", "dd h dd", "d:dd:dd", "dddd"),
    "measure": (
        *("dd.d", "d.dd", "ddd", "dd", "d,d", "ddd/dd", "dd kg", "ddd ml", "dd cm", "dd C", "d.ddd", "dddd", "dd.dd"),
        *("-d.d", "dd mm", "ddd V", "d.d m", "dd%", "dxd", "ddxdd", "dd+dd", "d*dd"),
    ),
    "plain": ("d", "d", "dd", "dd", "ddd", "ddd", "dddd", "ddddd", "dddddd", "dddddddd", "dddddddddd"),
    "postcode": ("ddddd", "dddddd", "ddd dd", "dddd", "ddddd-dddd", "ddd-dddd", "dd-ddd", "dddd AB"),
}
"""What is written by hand, by the column or field it stands in."""

_NAMES = (
    "Anna Peter Maria Jose Nguyen Kumar Singh Ravi Sunita Ahmed Fatima Omar Chen Wei Li Ivan Olga Marta Lucas "
    "Emma Jan Eva Paul Karl Hans Greta Marco Giulia Luca Sofia Pedro Ana Joao Amina Kofi Ama Thabo Yuki Hana Kim "
    "Park Minh Linh Priya Arjun Deepa Tom Jack Mary Susan David Sarah Mohan Gupta Sharma Khan Ali Hassan Smith "
    "Brown Muller Schmidt Rossi Silva Costa Kowalski Novak Dupont Martin Bernard Garcia Lopez Perez Santos Reyes "
    "Cruz Tan Wong "
)
NAMES = tuple(_NAMES.split())

_ITEMS = (
    "milk bread eggs rice sugar oil tea coffee soap salt flour apples onions tomato fish meat butter cheese paper "
    "pens books paint nails wire pipe cement sand bricks timber screws tape labour transport repair service fuel "
    "rent water gas bulb battery tyre filter shirt shoes cloth thread cups plates chairs table lamp cable hose "
    "glue brush stamps "
)
ITEMS = tuple(_ITEMS.split())

REMARKS = ("ok", "yes", "no", "abs", "pass", "fail", "nil", "paid", "due", "ab", "OK", "N/A", "good", "late", "done")

FIELDS: tuple[tuple[str, str], ...] = (
    *(("Name", "name"), ("Full name", "name"), ("Surname", "name"), ("Father's name", "name"), ("Address", "words")),
    *(("Date", "date"), ("Date of birth", "date"), ("DOB", "date"), ("Valid until", "date"), ("Expiry date", "date")),
    *(("Phone", "phone"), ("Mobile no.", "phone"), ("Tel.", "phone"), ("Fax", "phone"), ("Contact No.", "phone")),
    *(("Age", "small"), ("No. of children", "small"), ("Class", "small"), ("Grade", "mark"), ("Roll No.", "code")),
    *(("Student ID", "code"), ("Account number", "code"), ("Ref.", "code"), ("Order no.", "code"), ("PIN", "code")),
    *(("Registration No.", "code"), ("Passport No.", "code"), ("Serial number", "code"), ("Policy no.", "code")),
    *(("City", "words"), ("Country", "words"), ("State", "words"), ("Postcode", "postcode"), ("ZIP", "postcode")),
    *(("Amount", "amount"), ("Total", "amount"), ("Rs.", "amount"), ("Sum", "amount"), ("Tax", "amount")),
    *(("Price", "amount"), ("Fee", "amount"), ("Balance", "amount"), ("Time", "time"), ("Arrival", "time")),
    *(("Height (cm)", "measure"), ("Weight (kg)", "measure"), ("Temp.", "measure"), ("BP", "measure")),
    *(("km", "measure"), ("Odometer", "code"), ("Signature", "signature"), ("Occupation", "words")),
    *(("Room", "plain"), ("Page", "small"), ("Score", "mark"), ("Marks", "mark"), ("Quantity", "quantity")),
    *(
        ("Nom", "name"),
        ("Prénom", "name"),
        ("Date de naissance", "date"),
        ("Téléphone", "phone"),
        ("Montant", "amount"),
    ),
    *(("Code postal", "postcode"), ("N°", "code"), ("Datum", "date"), ("Vorname", "name"), ("PLZ", "postcode")),
    *(("Betrag", "amount"), ("Kontonummer", "code"), ("Unterschrift", "signature"), ("Geburtsdatum", "date")),
    *(("Nombre", "name"), ("Fecha", "date"), ("Cantidad", "quantity"), ("Importe", "amount"), ("Firma", "signature")),
    *(("Cognome", "name"), ("Data", "date"), ("Importo", "amount"), ("CAP", "postcode"), ("Imię", "name")),
    *(
        ("Numer", "code"),
        ("Kwota", "amount"),
        ("Naam", "name"),
        ("Bedrag", "amount"),
        ("Nome", "name"),
        ("Valor", "amount"),
    ),
)
"""Printed label of a field and what is written into it."""

SECTIONS = (
    *("Personal details", "SECTION A", "Part 1", "1. Applicant", "2. Payment", "For office use only", "B. Declaration"),
    *("Particulars", "III. Results", "Details of the order", "Bank details", "Medical history", "Angaben zur Person"),
    *("Observations", "Section 4: Income", "EXAMINER'S USE", "Datos personales", "PART II", "5. Attachments", "C"),
)

TITLES = (
    *("APPLICATION FORM", "Registration", "INVOICE", "CASH MEMO", "Delivery note", "ANSWER BOOK", "Marks sheet"),
    *(
        "Time sheet",
        "Attendance register",
        "Log sheet",
        "RECEIPT",
        "Quotation",
        "STATEMENT",
        "Order form",
        "Mathematics",
    ),
    *(
        "Test 3",
        "Worksheet 12",
        "Score card",
        "Rechnung",
        "FACTURE",
        "Factura",
        "Class 5 B",
        "Visitor book",
        "Inventory",
    ),
    *("Laboratory report", "Form 27-A", "Quiz 2019", "Final examination 2018", "Inspection report", "Tax return 1040"),
)

HEADERS: dict[str, tuple[str, ...]] = {
    "index": ("No.", "S.No", "#", "Nr.", "Sl. No.", "N°", "Q.", ""),
    "name": ("Name", "Student", "Player", "Nom", "Particulars", "Name of candidate", "Team"),
    "item": ("Item", "Description", "Particulars", "Article", "Bezeichnung", "Product", "Details"),
    "words": ("Remarks", "Notes", "Description", "Place", "Subject"),
    "mark": (
        "Q1",
        "Q2",
        "Marks",
        "Test",
        "Max 10",
        "Unit 1",
        "Oral",
        "Theory",
        "I",
        "II",
        "Obtained",
        "(a)",
        "20",
        "10",
    ),
    "small": ("Qty", "Set", "Age", "1", "2", "3", "Class", "A", "B", "Day"),
    "total": ("Total", "Sum", "TOTAL", "Grand total", "%", "100", "Summe"),
    "quantity": ("Qty", "Quantity", "Menge", "Units", "Qté", "Pcs"),
    "amount": ("Amount", "Rate", "Price", "Rs.", "EUR", "Debit", "Credit", "Betrag", "Montant", "Balance", "$"),
    "date": ("Date", "Datum", "Fecha", "Due", "D.O.B."),
    "phone": ("Phone", "Mobile", "Tel.", "Contact"),
    "code": ("Roll No.", "Code", "ID", "Ref.", "Account", "Reg. No.", "Vehicle"),
    "time": ("Time", "In", "Out", "Start", "End", "Von", "Bis"),
    "measure": ("Temp.", "Value", "kg", "mm", "Reading", "pH", "Length", "Result", "km"),
    "plain": ("No.", "Points", "Count", "Score", "Page"),
    "signature": ("Sign.", "Signature", "Initials", "Visa"),
    "tick": ("P/A", "Yes", "No", "OK", "Mon", "Tue", "1", "2", "3"),
    "printed": ("Code", "Unit price", "Max", "Item no.", "Subject"),
    "blank": ("", "Remarks", "Office"),
}
"""Printed headings of a table's columns, by what stands in the column."""

LETTERS = "abcdefghijkmnoprstuvwxyz"


def pick(rng: np.random.Generator, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
    """Return one of the options, each as likely as the others or by its weight (which need not sum to 1)."""
    if weights is None:
        return options[int(rng.integers(len(options)))]
    return options[int(np.searchsorted(np.cumsum(weights), rng.random() * sum(weights), side="right"))]


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number between two positive limits whose logarithm is uniform; `low` if the limits are reversed."""
    return low if high <= low else float(np.exp(rng.uniform(np.log(low), np.log(high))))


def digits(rng: np.random.Generator, count: int) -> str:
    """Return so many random digits."""
    return "".join(str(digit) for digit in rng.integers(0, 10, count))


def fill(rng: np.random.Generator, pattern: str) -> str:
    """Return a pattern with a random digit in place of each `d`."""
    return "".join(str(rng.integers(0, 10)) if char == "d" else char for char in pattern)


def value(rng: np.random.Generator, kind: str) -> str:
    """Return a number, date, amount ... as people write it in a field of this kind (a key of PATTERNS)."""
    if kind == "date" and rng.random() < 0.25:
        day, month, year = int(rng.integers(1, 32)), int(rng.integers(1, 13)), int(rng.integers(1950, 2026))
        between = pick(rng, "/.-")
        return f"{day:02d}{between}{month:02d}{between}{year if rng.random() < 0.5 else year % 100:02d}"
    return fill(rng, pick(rng, PATTERNS[kind]))


def words(rng: np.random.Generator, count: int) -> str:
    """Return so many words as people write them on lists."""
    return " ".join(pick(rng, ITEMS) for _ in range(count))


def name(rng: np.random.Generator) -> str:
    """Return a person's name of one or two words, at times with an initial or in capitals."""
    parts = [pick(rng, NAMES) for _ in range(1 if rng.random() < 0.4 else 2)]
    if len(parts) == 2 and rng.random() < 0.25:
        parts[0] = parts[0][0] + "."
    text = " ".join(parts)
    return text.upper() if rng.random() < 0.25 else text


def remark(rng: np.random.Generator) -> str:
    """Return a short word without digits as it stands in a cell that could hold a number."""
    if rng.random() < 0.4:
        return pick(rng, REMARKS)
    return "".join(pick(rng, LETTERS) for _ in range(int(rng.integers(2, 6))))


def sentence(rng: np.random.Generator, length: int) -> str:
    """Return a line of print about so many characters long, with a number here and there."""
    parts: list[str] = []
    while sum(map(len, parts)) + len(parts) < length:
        share = rng.random()
        if share < 0.08:
            parts.append(fill(rng, pick(rng, PATTERNS[pick(rng, ("plain", "amount", "date", "mark"))])))
        elif share < 0.5:
            parts.append(pick(rng, PROSE))
        else:
            parts.append(pick(rng, ITEMS))
    return " ".join(parts)


_PROSE = (
    "the of and to in a is that for it as was with be by on not he his this are or had at from which but have an "
    "they you were their one all we can her has there been if more when will would who so no der die und das von "
    "mit le la et les des que el los para shall must within under section question candidate answer write figure "
    "result method "
)
PROSE = tuple(_PROSE.split())
