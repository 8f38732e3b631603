"""Words of the demo retailer: names, places, products, campaigns, what people write.

Constants only. Domains are reserved ones (RFC 2606); names and numbers are drawn at random, and any
likeness is chance.
"""

from __future__ import annotations

from dataclasses import dataclass

FIRST_NAMES = (
    "Aino", "Eino", "Helmi", "Väinö", "Sofia", "Leo", "Eevi", "Oliver", "Lilja", "Elias",
    "Olivia", "Onni", "Isla", "Eetu", "Venla", "Noel", "Aada", "Toivo", "Ella", "Oiva",
    "Anna", "Mikko", "Kaisa", "Juha", "Päivi", "Timo", "Minna", "Jari", "Sari", "Antti",
    "Riikka", "Ville", "Hanna", "Petri", "Katja", "Tuomas", "Johanna", "Lauri", "Emma", "Niko",
    "Äiti-Maija", "Björn", "Astrid", "John", "Mary", "Ahmed", "Olena", "Thi", "Pekka", "Liisa",
)  # fmt: skip
LAST_NAMES = (
    "Korhonen", "Virtanen", "Mäkinen", "Nieminen", "Mäkelä", "Hämäläinen", "Laine", "Heikkinen",
    "Koskinen", "Järvinen", "Lehtonen", "Lehtinen", "Saarinen", "Salminen", "Heinonen", "Niemi",
    "Heikkilä", "Kinnunen", "Salonen", "Turunen", "Salo", "Laitinen", "Tuominen", "Rantanen",
    "Karjalainen", "Jokinen", "Mattila", "Savolainen", "Lahtinen", "Ahonen", "Lindström", "Öhman",
    "Smith", "Nguyen", "Ivanova", "Hassan", "Ojala", "Leppänen", "Hiltunen", "Väisänen",
)  # fmt: skip
MAIL_DOMAINS = ("posti.example", "sahkoposti.example", "mail.example", "tyo.example")
STREETS = (
    "Mannerheimintie", "Hämeenkatu", "Kauppakatu", "Puistotie", "Rantatie", "Koulukatu",
    "Asemakatu", "Kirkkokatu", "Pihlajatie", "Koivutie", "Satamakatu", "Länsitie",
)  # fmt: skip
#: City, region, first two digits of its postal code, weight.
CITIES = (
    ("Helsinki", "Uusimaa", "00", 24.0),
    ("Espoo", "Uusimaa", "02", 12.0),
    ("Tampere", "Pirkanmaa", "33", 11.0),
    ("Vantaa", "Uusimaa", "01", 10.0),
    ("Oulu", "North Ostrobothnia", "90", 9.0),
    ("Turku", "Southwest Finland", "20", 9.0),
    ("Jyväskylä", "Central Finland", "40", 7.0),
    ("Kuopio", "North Savo", "70", 6.0),
    ("Lahti", "Päijät-Häme", "15", 6.0),
    ("Rovaniemi", "Lapland", "96", 6.0),
)
STORES = ("HEL1", "HEL2", "TRE1", "OUL1", "TKU1")

PERSONAS = (
    "family_shopper",
    "bargain_hunter",
    "brand_enthusiast",
    "convenience_seeker",
    "gift_buyer",
)


@dataclass(frozen=True)
class Product:
    """One article of the range."""

    product_id: str
    name_fi: str
    category: str
    price: float
    cost: float


_RANGE = (
    ("ulkoilu", (("Retkeilyreppu 40 l", 119.0), ("Teltta kahdelle", 249.0), ("Makuupussi", 89.9),
                 ("Kuoritakki", 179.0), ("Vaelluskengät", 149.0), ("Termospullo", 29.9),
                 ("Otsalamppu", 39.9), ("Retkikeitin", 69.9))),
    ("koti", (("Kahvinkeitin", 99.0), ("Pyyhesarja", 34.9), ("Villapeitto", 79.0),
              ("Pöytävalaisin", 59.0), ("Keittiöveitsi", 44.9), ("Matto 140×200", 129.0),
              ("Maljakko", 39.0), ("Lakanasetti", 54.9))),
    ("lapset", (("Kurahaalari", 49.9), ("Talvihaalari", 99.0), ("Palikkasarja", 24.9),
                ("Potkulauta", 79.0), ("Lastenpyörä", 189.0), ("Reppu kouluun", 39.9),
                ("Villasukat 3 paria", 14.9), ("Pehmolelu", 19.9))),
    ("vaatteet", (("Merinopaita", 64.9), ("Farkut", 79.9), ("Untuvatakki", 199.0),
                  ("Pipo", 24.9), ("Huivi", 34.9), ("Sadetakki", 89.0), ("T-paita", 19.9),
                  ("Villapaita", 99.0))),
    ("elektroniikka", (("Kuulokkeet", 129.0), ("Älykello", 219.0), ("Kaiutin", 89.0),
                       ("Puhelimen kuori", 19.9), ("Latausasema", 39.9), ("Varavirtalähde", 49.9),
                       ("Näppäimistö", 69.0), ("Robotti-imuri", 349.0))),
)  # fmt: skip
CATEGORIES = tuple(category for category, _ in _RANGE)
PRODUCTS = tuple(
    Product(f"P{100 * c + n + 101}", name, category, price, round(price * (0.46 + 0.02 * n), 2))
    for c, (category, articles) in enumerate(_RANGE)
    for n, (name, price) in enumerate(articles)
)
GUIDES = ("kayttoonotto", "asennus", "koot-ja-mitat", "takuu")
CARE_ARTICLES = ("villa", "kuoritakki", "kengat", "teltta", "untuva")
SEARCH_TERMS = (
    "kuoritakki", "makuupussi", "villapaita", "lastenpyörä", "kuulokkeet", "lahja", "tent",
    "winter jacket", "reppu", "alennus", "pipo", "kahvinkeitin",
)  # fmt: skip
CAMPAIGNS = (
    "kesale_2026",
    "koulun_alku_2026",
    "syyskampanja_2026",
    "black_weeks_2026",
    "uutiskirje_viikko",
    "brandi_yleinen",
    "hakusana_tuotteet",
    "kanta_asiakas_edut",
)
CAMPAIGN_PAGES = ("kesale", "koulun-alku", "syyskampanja", "black-weeks")

PAYMENT_METHODS = ("card", "paytrail", "klarna", "mobilepay")

RETURN_REASONS = ("faulty", "wrong_size", "changed_mind", "late")

SURVEY_CAUSES = ("price", "delivery", "service", "selection", "usability", "quality")
EMOTIONS = ("joy", "trust", "surprise", "neutral", "frustration", "anger", "disappointment")

#: Comments by tone (0 negative, 1 neutral, 2 positive) and language (0 Finnish, 1 English).
COMMENTS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        (
            "Toimitus myöhästyi, eikä kukaan kertonut siitä mitään.",
            "Maksaminen ei onnistunut puhelimella, sivu antoi virheen kolme kertaa.",
            "Jonotin puhelimessa ikuisuuden; pettynyt.",
            "Tuote oli rikki; palautus on hankalaa.",
            "Sivusto on sekava; en löydä etsimääni.",
            "Hinta oli kassalla eri kuin tuotesivulla!",
        ),
        (
            "Delivery was late and nobody told me.",
            "Checkout failed on my phone three times.",
            "I waited in the phone queue for ages.",
            "The product was broken and the return is a pain.",
        ),
    ),
    (
        (
            "Ihan ok, ei erityistä sanottavaa.",
            "Peruskauppa; valikoima voisi olla laajempi.",
            "Toimitus kesti vähän, mutta perille tuli.",
        ),
        ("It was fine.", "Average service, average price.", "Okay, though sizes run small."),
    ),
    (
        (
            "Nopea toimitus ja ystävällinen palvelu, kiitos!",
            "Helppo tilata, suosittelen lämpimästi.",
            "Myymälän henkilökunta auttoi erinomaisesti.",
            "Laadukkaat tuotteet; ostan toistekin.",
            "Hoito-ohjeet olivat todella hyödylliset.",
        ),
        (
            "Fast delivery and friendly service, thank you!",
            "Easy to order, would recommend.",
            "Great quality; I will buy again.",
        ),
    ),
)

#: Topic of a request: id, Finnish subject, English subject, IVR menu choice, weight.
TOPICS = (
    ("delivery", "Missä tilaukseni on?", "Where is my order?", "1", 34.0),
    ("return", "Haluan palauttaa tuotteen", "I want to return a product", "2", 24.0),
    ("payment", "Maksu ei onnistu", "Payment does not work", "3", 12.0),
    ("product", "Kysymys tuotteesta", "Question about a product", "4", 18.0),
    ("loyalty", "Kanta-asiakkuus", "Loyalty programme", "5", 7.0),
    ("other", "Muu asia", "Other matter", "9", 5.0),
)
