"""The CRM's picture of people: contacts, second records, merges, companies and deals.

A person may be several contacts: forms are filled anew, with another e-mail or a typing mistake.
Some of these were merged by staff; the rest are planted in `defects.records`.
"""

from __future__ import annotations

import numpy as np

from seeds.sample.people import unique_numbers
from seeds.sample.world import DAY, SECOND, World, texts, weighted

SECOND_RECORD_FROM = 900_000
MERGED_SHARE = 0.6


def make_contacts(world: World) -> None:
    """Draw contacts, second records and merges; puts `contacts`, `contact_merges`."""
    rng = world.rng("crm")
    people = world.get("people")
    leads = world.fetch(
        """
        select e.person, min(e.event_timestamp) as asked_at
        from events as e
        inner join people as p on e.person = p.person
        where e.event_name = 'generate_lead' and not p.is_contact
        group by e.person
        order by e.person
        """
    )
    lead = np.asarray(leads["person"])
    owners = np.flatnonzero(people["is_contact"])
    person = np.concatenate([owners, lead])
    created = np.concatenate([people["joined_at"][owners], np.asarray(leads["asked_at"])])
    created = np.where(np.arange(len(person)) >= len(owners), created + 20 * SECOND, created)
    known = created < world.calendar.end
    person, created = person[known], created[known]
    size = len(person)
    is_lead = ~people["is_contact"][person].astype(bool)

    twice = np.flatnonzero(~is_lead & (rng.random(size) < 0.04))
    second_at = np.minimum(
        np.maximum(created[twice], world.calendar.start)
        + (rng.random(len(twice)) * 0.6 * world.settings.days * DAY).astype(np.int64),
        world.calendar.end - DAY,
    )
    number = np.concatenate(
        [
            np.where(is_lead, 50_000 + person + 1, people["contact_number"][person]),
            SECOND_RECORD_FROM + np.arange(len(twice)),
        ]
    )
    rows = np.concatenate([np.arange(size), twice])
    second = np.arange(len(rows)) >= size
    # How the second record differs: private mail, a slip of the finger, or only a phone number.
    differs = np.where(second, weighted(rng, [0.5, 0.3, 0.2], len(rows)), -1)
    email = people["email"][person[rows]].copy()
    email[differs == 0] = [f"oma.{e}" for e in email[differs == 0]]
    email[differs == 1] = [e.replace("@", "1@", 1) for e in email[differs == 1]]
    email[differs == 2] = None
    phone = people["phone"][person[rows]].copy()
    # Some of a family give the number of the one who heads it.
    household = people["household_id"]
    head = np.searchsorted(household, household, side="left")[person[rows]]
    borrows = (head != person[rows]) & (rng.random(len(rows)) < 0.15)
    phone[borrows] = people["phone"][head[borrows]]
    phone[~second & (rng.random(len(rows)) < 0.22)] = None
    phone[second & (differs != 2) & (rng.random(len(rows)) < 0.3)] = None
    phone[np.concatenate([is_lead, np.zeros(len(twice), dtype=bool)])] = None
    created = np.concatenate([created, second_at])
    world.put(
        "contacts",
        {
            "contact_number": number,
            "person": person[rows],
            "is_lead": is_lead[rows],
            "is_second": second,
            "email": email,
            "phone": phone,
            "phone_style": rng.integers(0, 4, len(rows)),
            "is_upper": rng.random(len(rows)) < 0.03,
            "created_at": created,
            "updated_at": np.minimum(
                np.maximum(created, world.calendar.start)
                + (rng.random(len(rows)) * 0.5 * world.settings.days * DAY).astype(np.int64),
                world.calendar.end - 3600 * SECOND,
            ),
            "has_persona": (rng.random(len(rows)) < 0.72) & ~second & ~is_lead[rows],
            "has_birth_year": rng.random(len(rows)) < 0.6,
            "has_address": rng.random(len(rows)) < 0.7,
        },
    )
    merged = rng.random(len(twice)) < MERGED_SHARE
    world.put(
        "contact_merges",
        {
            "surviving_number": people["contact_number"][person[twice[merged]]],
            "merged_number": SECOND_RECORD_FROM + np.flatnonzero(merged),
            "person": person[twice[merged]],
            "merged_at": np.minimum(
                second_at[merged] + rng.integers(3600, 20 * 86400, int(merged.sum())) * SECOND,
                world.calendar.end - 3600 * SECOND,
            ),
        },
    )


def make_companies(world: World) -> None:
    """Trade customers: companies and deals; puts `companies`, `deals`."""
    rng = world.rng("companies")
    people = world.get("people")
    count = max(3, world.settings.customers // 80)
    created = world.calendar.start - rng.integers(30, 900, count) * DAY
    world.put(
        "companies",
        {
            "company_number": 8000 + np.arange(count),
            "name": texts([f"Yritys {n:03d} Oy" for n in range(count)]),
            "domain": texts([f"yritys{n:03d}.example" for n in range(count)]),
            "industry": texts(["RETAIL", "CONSTRUCTION", "EDUCATION", "HOSPITAL_HEALTH_CARE"])[
                rng.integers(0, 4, count)
            ],
            "created_at": created,
        },
    )
    deals = count * 2
    owner = rng.integers(0, count, deals)
    contact = rng.choice(np.flatnonzero(people["is_contact"]), deals)
    opened = world.calendar.start + (rng.random(deals) * 0.8 * world.settings.days * DAY).astype(
        np.int64
    )
    stage = weighted(rng, [0.3, 0.45, 0.25], deals)
    world.put(
        "deals",
        {
            "deal_number": 12_000 + unique_numbers(rng, deals, 8000),
            "company_number": 8000 + owner,
            "contact_number": people["contact_number"][contact],
            "person": contact,
            "stage": texts(["qualifiedtobuy", "closedwon", "closedlost"])[stage],
            "amount": np.round(np.exp(rng.normal(7.4, 0.8, deals)), 2),
            "created_at": opened,
            "closed_at": np.minimum(
                opened + rng.integers(2, 40, deals) * DAY, world.calendar.end + 20 * DAY
            ),
        },
    )
