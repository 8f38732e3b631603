"""Who lives in the sample: people, households, devices and the cookies on them.

A person's `latent` is their underlying satisfaction (mean 0, deviation 1); it decides, with what
they then meet, how they score surveys, whether they come back, and whether they leave.
"""

from __future__ import annotations

import numpy as np

from seeds.sample import vocabulary as words
from seeds.sample.world import DAY, SECOND, Array, World, only_if, repeat_index, texts, weighted

#: Share of visitors by browser on a phone, a desktop and a tablet.
BROWSERS = texts(["Safari", "Chrome", "Samsung Internet", "Edge", "Firefox"])
BROWSER_WEIGHTS = ((0.42, 0.44, 0.14, 0.0, 0.0), (0.12, 0.56, 0.0, 0.2, 0.12), (0.7, 0.3, 0, 0, 0))
PROSPECTS_PER_CUSTOMER = 3
#: Share of customers who were given a number that somebody else had before, where one is free.
RECYCLED_NUMBERS = 0.1

#: Per persona: share, missions per reference window, basket size, satisfaction, store share.
PERSONA_TRAITS = {
    "family_shopper": (0.27, 2.6, 2.4, 0.10, 0.45),
    "bargain_hunter": (0.24, 2.4, 1.7, -0.30, 0.25),
    "brand_enthusiast": (0.15, 3.0, 1.6, 0.55, 0.30),
    "convenience_seeker": (0.21, 2.0, 1.4, 0.05, 0.12),
    "gift_buyer": (0.13, 1.3, 1.9, 0.0, 0.40),
}


def make_people(world: World) -> None:
    """Draw people and households; puts `people`."""
    rng = world.rng("people")
    customers = world.settings.customers
    size = customers * (1 + PROSPECTS_PER_CUSTOMER)
    number = np.arange(1, size + 1)
    is_customer = number <= customers
    traits = np.array(list(PERSONA_TRAITS.values()))
    persona = weighted(rng, traits[:, 0], size)

    # Households: some neighbours in number share address, mostly surname, and often a tablet.
    starts = (rng.random(size) < 0.11) & is_customer
    follows = np.concatenate([[False], starts[:-1]]) & is_customer
    third = np.concatenate([[False], follows[:-1]]) & (rng.random(size) < 0.3) & is_customer
    member = follows | third
    household = np.cumsum(~member)
    household_size = np.bincount(household, minlength=household.max() + 1)[household]
    head = np.flatnonzero(~member)[household - 1]

    language = np.where(rng.random(size) < 0.86, "fi", "en").astype(object)
    first = texts(words.FIRST_NAMES)[rng.integers(0, len(words.FIRST_NAMES), size)]
    last = texts(words.LAST_NAMES)[rng.integers(0, len(words.LAST_NAMES), size)]
    last = np.where(member & (rng.random(size) < 0.8), last[head], last)
    city = weighted(rng, [c[3] for c in words.CITIES], size)[head]
    street = texts(words.STREETS)[rng.integers(0, len(words.STREETS), size)][head]
    house = rng.integers(1, 90, size)[head]
    postal = rng.integers(10, 990, size)[head]
    domain = texts(words.MAIL_DOMAINS)[weighted(rng, [5, 3, 2, 1], size)]

    joined = np.where(
        rng.random(size) < 0.72,
        world.calendar.start - rng.integers(20, 1500, size) * DAY,
        world.calendar.start
        + (rng.random(size) * 0.9 * world.settings.days * DAY).astype(np.int64),
    )
    joined += rng.integers(0, DAY, size)
    latent = rng.normal(0, 1, size) + traits[persona, 3]
    churns = is_customer & (rng.random(size) < np.clip(0.13 - 0.07 * latent, 0.02, 0.5))
    left = np.where(
        churns,
        world.calendar.start
        + ((0.2 + 0.6 * rng.random(size)) * world.settings.days * DAY).astype(np.int64),
        world.calendar.end,
    )
    is_contact = is_customer & (rng.random(size) < 0.9)
    is_registered = is_contact & (rng.random(size) < 0.72)
    is_member = is_contact & (rng.random(size) < 0.58)
    has_email_consent = is_contact & (rng.random(size) < 0.71)
    subscriber = 1_000_000 + unique_numbers(rng, size, 9_000_000)
    prefix = texts(["40", "41", "44", "45", "50"])[rng.integers(0, 5, size)]
    phone = texts([f"+358{p}{n}" for p, n in zip(prefix, subscriber, strict=True)])
    _recycle_numbers(world, phone, np.flatnonzero(is_customer), joined, left)

    world.put(
        "people",
        {
            "person": number - 1,
            "person_id": texts([f"p{n:07d}" for n in number]),
            "household_id": texts([f"h{n:07d}" for n in household]),
            "household_size": household_size,
            "is_customer": is_customer,
            "persona": persona,
            "persona_id": texts(words.PERSONAS)[persona],
            "language": language,
            "first_name": first,
            "last_name": last,
            "email": texts(
                [
                    f"{_plain(f)}.{_plain(s)}{n}@{d}"
                    for f, s, n, d in zip(first, last, number, domain, strict=True)
                ]
            ),
            "phone": phone,
            "street": texts([f"{s} {h}" for s, h in zip(street, house, strict=True)]),
            "postal_code": texts(
                [
                    f"{words.CITIES[c][2]}{p:03d}"
                    for c, p in zip(city.tolist(), postal.tolist(), strict=True)
                ]
            ),
            "city": texts([c[0] for c in words.CITIES])[city],
            "region": texts([c[1] for c in words.CITIES])[city],
            "birth_year": np.clip(rng.normal(1981, 14, size), 1940, 2008).astype(np.int64),
            "joined_at": joined,
            "left_at": left,
            "is_churner": churns,
            "latent": latent,
            "missions": traits[persona, 1] * np.exp(rng.normal(-0.12, 0.5, size)),
            "basket": traits[persona, 2],
            "store_share": traits[persona, 4],
            "is_contact": is_contact,
            "contact_number": np.where(is_contact, 50_000 + number, 0),
            "is_registered": is_registered,
            "is_member": is_member,
            "loyalty_id": only_if(is_member, texts([f"K{7_000_000 + 13 * n}" for n in number])),
            "tier": texts(["bronze", "silver", "gold"])[weighted(rng, [6, 3, 1], size)],
            "has_email_consent": has_email_consent,
            "has_sms_consent": is_contact & (rng.random(size) < 0.4),
            "refuses_analytics": rng.random(size) < 0.15,
        },
    )


def _recycle_numbers(
    world: World, phone: Array, customers: Array, joined: Array, left: Array
) -> None:
    """Give some who join the number of one who has left, as operators do; changes `phone`."""
    rng = world.rng("recycled numbers")
    leaving = customers[left[customers] < world.calendar.end]
    leaving = leaving[np.argsort(left[leaving], kind="stable")]
    joining = customers[rng.random(len(customers)) < RECYCLED_NUMBERS]
    joining = joining[np.argsort(joined[joining], kind="stable")]
    # Each who joins takes the number of the first who left before and whose number is still free.
    taken = 0
    for person in joining.tolist():
        if taken < len(leaving) and left[leaving[taken]] < joined[person]:
            if leaving[taken] != person:
                phone[person] = phone[leaving[taken]]
            taken += 1


def make_devices(world: World) -> None:
    """Give people phones, computers, shared tablets and apps; puts `devices`, `device_users`."""
    rng = world.rng("devices")
    people = world.get("people")
    size = len(people["person"])
    has_phone = rng.random(size) < 0.93
    has_desktop = (rng.random(size) < 0.55) | ~has_phone
    has_app = (people["is_registered"] == 1) & has_phone & (rng.random(size) < 0.45)
    household = people["household_id"]
    is_head = np.concatenate([[True], household[1:] != household[:-1]])
    shares = is_head & (people["household_size"] > 1) & (rng.random(size) < 0.7)

    owners, kinds = [], []
    for sort, mask in enumerate((has_phone, has_desktop, shares, has_app)):
        owners.append(np.flatnonzero(mask))
        kinds.append(np.full(int(mask.sum()), sort))
    # One tablet stands in the Helsinki store: many people log in on it.
    owners.append(np.array([0]))
    kinds.append(np.array([4]))
    owner, kind = np.concatenate(owners), np.concatenate(kinds)
    order = np.lexsort((kind, owner))
    owner, kind = owner[order], kind[order]
    count = len(owner)
    form = np.select([kind == 1, (kind == 2) | (kind == 4)], [1, 2], 0)
    browser = np.empty(count, dtype=object)
    for number, weights in enumerate(BROWSER_WEIGHTS):
        at = np.flatnonzero(form == number)
        browser[at] = BROWSERS[weighted(rng, weights, len(at))]
    apple = (browser == "Safari") | ((kind == 3) & (rng.random(count) < 0.4))
    phone_system = np.where(apple, "iOS", "Android")
    desktop_system = np.where(apple, "Macintosh", "Windows")
    is_app = kind == 3

    world.put(
        "devices",
        {
            "device": np.arange(count),
            "owner": owner,
            "is_app": is_app,
            "is_shared": (kind == 2) | (kind == 4),
            "is_kiosk": kind == 4,
            "category": texts(["mobile", "desktop", "tablet"])[form],
            "browser": only_if(~is_app, browser),
            "browser_version": only_if(
                ~is_app, texts(["138.0", "139.0", "140.0", "26.0"])[rng.integers(0, 4, count)]
            ),
            "operating_system": np.where(form == 1, desktop_system, phone_system).astype(object),
            "system_version": texts(["26.0", "26.1", "17", "16"])[rng.integers(0, 4, count)],
            "app_version": only_if(
                is_app, texts(["5.1.0", "5.2.0", "5.2.1"])[rng.integers(0, 3, count)]
            ),
            "reset_rate": np.where(browser == "Safari", 0.6, 0.2) * (~is_app),
            "refuses_analytics": people["refuses_analytics"][owner] & (kind != 4),
        },
    )

    # Who uses what: own devices by habit, the family's tablet a little, the store's rarely.
    own = np.flatnonzero(kind != 4)
    shared = np.flatnonzero(kind == 2)
    extra = people["household_size"][owner[shared]] - 1
    followers, position = repeat_index(extra)
    visitors = np.flatnonzero(
        (people["is_registered"] == 1) & (people["city"] == "Helsinki") & (rng.random(size) < 0.1)
    )
    kiosk = np.flatnonzero(kind == 4)
    device = np.concatenate([own, shared[followers], np.repeat(kiosk, len(visitors))])
    person = np.concatenate([owner[own], owner[shared][followers] + position + 1, visitors])
    habit = np.array([1.0, 0.5, 0.35, 0.9, 0.08])[kind[device]]
    order = np.lexsort((device, person))
    world.put(
        "device_users",
        {
            "person": person[order],
            "device": device[order],
            "weight": (habit * np.exp(rng.normal(0, 0.4, len(device))))[order],
        },
    )


def assign_devices(world: World, person: Array, topic: str, app_only: Array) -> Array:
    """Choose a device for each visit of a person.

    Args:
        world: The world, with `device_users`.
        person: One person number per visit.
        topic: Name of the draw.
        app_only: Visits that must be by app, where the person has it.

    Returns:
        A device number per visit.
    """
    rng = world.rng(topic)
    users = world.get("device_users")
    is_app = world.get("devices")["is_app"][users["device"]].astype(bool)
    size = len(world.get("people")["person"])
    chosen = _draw_by_owner(users["person"], users["weight"], users["device"], size, person, rng)
    app_device = np.full(size, -1)
    app_device[users["person"][is_app]] = users["device"][is_app]
    with_app = app_only & (app_device[person] >= 0)
    return np.where(with_app, app_device[person], chosen)


def make_cookies(world: World, device: Array, started: Array) -> Array:
    """Decide which cookie each visit carries, with resets in between; puts `cookies`.

    Args:
        world: The world, with `devices`.
        device: Device per visit.
        started: Start of each visit in UTC microseconds.

    Returns:
        A cookie number per visit.
    """
    rng = world.rng("cookies")
    devices = world.get("devices")
    rate = devices["reset_rate"] * world.settings.activity
    resets = np.minimum(rng.poisson(rate), 3)
    span = world.calendar.end - world.calendar.start
    moments = np.sort(
        np.where(
            np.arange(3) < resets[:, None],
            world.calendar.start + (rng.random((len(resets), 3)) * span).astype(np.int64),
            np.iinfo(np.int64).max,
        ),
        axis=1,
    )
    epoch = (moments[device] <= started[:, None]).sum(axis=1)
    key, cookie = np.unique(device * 4 + epoch, return_inverse=True)
    first = np.full(len(key), np.iinfo(np.int64).max)
    np.minimum.at(first, cookie, started)
    owner_joined = world.get("people")["joined_at"][devices["owner"][key // 4]]
    is_customer = world.get("people")["is_customer"][devices["owner"][key // 4]]
    known_before = (key % 4 == 0) & (owner_joined < world.calendar.start)
    known_before &= is_customer | (key % 16 == 0)
    born = np.where(known_before, np.minimum(owner_joined, first), first)
    lead = unique_numbers(rng, len(key), 2_000_000_000)
    is_app = devices["is_app"][key // 4].astype(bool)
    web = [f"{n}.{s}" for n, s in zip(lead.tolist(), (born // SECOND).tolist(), strict=True)]
    app = [f"{n:08x}{s:024x}" for n, s in zip(lead.tolist(), born.tolist(), strict=True)]
    world.put(
        "cookies",
        {
            "cookie": np.arange(len(key)),
            "device": key // 4,
            "client_id": np.where(is_app, texts(app), texts(web)),
            "born_at": born,
            "is_new": ~known_before,
        },
    )
    return cookie.astype(np.int64)


def _draw_by_owner(
    owners: Array, weights: Array, values: Array, size: int, wanted: Array, rng: np.random.Generator
) -> Array:
    """Draw a value per wanted owner from that owner's weighted list (owners sorted)."""
    total = np.cumsum(weights)
    last = np.searchsorted(owners, np.arange(size), side="right")
    first = np.searchsorted(owners, np.arange(size), side="left")
    base = np.where(first > 0, total[np.maximum(first - 1, 0)], 0.0)
    mass = np.where(last > first, total[np.maximum(last - 1, 0)], 0.0) - base
    target = base[wanted] + rng.random(len(wanted)) * mass[wanted]
    at = np.searchsorted(total, target, side="right")
    return values[np.clip(at, first[wanted], last[wanted] - 1)]


def unique_numbers(rng: np.random.Generator, size: int, below: int) -> Array:
    """Different numbers in random order: one from each of `size` equal stretches."""
    stretch = max(1, below // max(1, size))
    return rng.permutation(size) * stretch + rng.integers(0, stretch, size)


def _plain(name: str) -> str:
    return name.lower().translate(str.maketrans("äöåé", "aoae")).replace("-", "")
