"""Defects in the records of CRM, shop, tills, service, surveys and mailings."""

from __future__ import annotations

from seeds.sample.defects.ledger import ADDED, NATURAL, REMOVED, Ledger
from seeds.sample.exports import hubspot
from seeds.sample.surveys import EXQ_ITEMS
from seeds.sample.world import DAY

PLACEHOLDER_EMAIL = "ei.ole@eiole.example"


def plant(ledger: Ledger) -> None:
    """Plant them all."""
    _contacts(ledger)
    hubspot.prepare_changes(ledger.world)
    _backwards(ledger)
    _deals_and_tickets(ledger)
    _orders(ledger)
    _service(ledger)
    _surveys(ledger)
    _mailings(ledger)


def _change(ledger: Ledger, table: str, key: str, where: str, assignment: str) -> int:
    """Pick rows of a flat export table by key and change them."""
    found = ledger.pick(f"select {key} as key from {table} where {where}")
    ledger.world.run(f"update {table} set {assignment} where {key} in (select key from hit)")
    return found


def _contacts(ledger: Ledger) -> None:
    table = "hubspot_contacts"
    ledger.pick(
        """
        select id as key from hubspot_contacts as h
        where not archived and id in (
            select cast(contact_number as varchar) from contacts where is_second
        )
        """
    )
    ledger.record(
        "unmerged_second_record", "CRM01", "A person has a second contact that nobody merged.",
        "hubspot.contacts", "key", kind=NATURAL,
    )  # fmt: skip
    ledger.pick(
        """
        select id as source_id, cast(950000 + row_number() over (order by id) as varchar) as key
        from hubspot_contacts
        where not archived and email is not null and lot(cast(id as bigint), 1) < 110
        """
    )
    ledger.world.run(
        """
        insert into hubspot_contacts
        select c.* replace (
            h.key as id,
            upper(c.email[1:1]) || c.email[2:] as email,
            null as phone, null as loyalty_id, null as web_user_id, null as hs_merged_object_ids,
            'lead' as lifecyclestage,
            c.updated_at as created_at
        )
        from hubspot_contacts as c inner join hit as h on c.id = h.source_id
        order by h.key
        """
    )
    ledger.record(
        "repeated_email", "CRM01", "An import makes a second contact with the same e-mail.",
        "hubspot.contacts", "key", kind=ADDED, of="select count(*) from hubspot_contacts",
    )  # fmt: skip

    alive = "not archived and cast(id as bigint) < 900000"
    for defect, check, low, high, assignment, what in (
        ("test_address", "CRM02", 0, 50, "email = 'test' || id || '@test.example'",
         "A tester's contact is left in the CRM."),
        ("invalid_address", "CRM02", 50, 110, "email = replace(email, '@', '(at)')",
         "An address is not an e-mail address."),
        ("placeholder_address", "CRM02", 110, 190, f"email = '{PLACEHOLDER_EMAIL}'",
         "Staff type one placeholder address for many customers."),
        ("unfilled_fields", "CRM03", 190, 320,
         "lifecyclestage = null, lastname = null, city = null, country = null",
         "An import leaves required fields empty."),
        ("unknown_loyalty_format", "CRM03", 320, 350, "loyalty_id = null",
         "The loyalty number of a member is missing in the CRM."),
    ):  # fmt: skip
        extra = " and loyalty_id is not null" if "loyalty" in defect else ""
        _change(
            ledger, table, "id",
            f"{alive}{extra} and lot(cast(id as bigint), 2) between {low} and {high - 1}",
            assignment,
        )  # fmt: skip
        ledger.record(
            defect, check, what, "hubspot.contacts", "key",
            of=f"select count(*) from hubspot_contacts where {alive}",
        )  # fmt: skip

    # Numbers change hands: a customer gets the number that a former customer gave up.
    ledger.pick(
        """
        with former as (
            select person, phone, row_number() over (order by person) as n
            from people where is_churner and is_contact
        ),

        newer as (
            select person, row_number() over (order by person desc) as n
            from people
            where is_contact and not is_churner and lot(person, 3) < 60
        )

        select cast(p.contact_number as varchar) as key, former.phone, newer.person,
            former.person as former_person
        from newer
        inner join former on newer.n = former.n
        inner join people as p on newer.person = p.person
        """
    )
    ledger.world.run(
        "update hubspot_contacts set phone = h.phone from hit as h"
        " where hubspot_contacts.id = h.key"
    )
    ledger.record(
        "reused_phone", "CRM01", "A phone number belongs to a new customer now.",
        "hubspot.contacts", "key", scope={"identifier": "phone"},
    )  # fmt: skip

    ledger.pick(
        """
        select h.id as key from hubspot_contacts as h
        where h.web_client_id is not null and h.lifecyclestage = 'lead'
            and lot(cast(h.id as bigint), 4) < 1500
        """
    )
    ledger.world.run("delete from hubspot_contacts where id in (select key from hit)")
    ledger.record(
        "lead_without_contact", "REC05", "A newsletter form's lead never reaches the CRM.",
        "hubspot.contacts", "key", kind=REMOVED,
    )  # fmt: skip


def _backwards(ledger: Ledger) -> None:
    _change(
        ledger, "hubspot_contact_changes", "id",
        "lifecyclestage in ('customer', 'evangelist') and lot(cast(id as bigint), 21) < 60",
        "lifecyclestage = 'lead'",
    )  # fmt: skip
    ledger.record(
        "lifecycle_backwards", "CRM04", "A customer becomes a lead again.", "hubspot.contacts",
        "key", window=(ledger.world.calendar.end - DAY, ledger.world.calendar.end),
        of="select count(*) from hubspot_contact_changes",
    )  # fmt: skip


def _deals_and_tickets(ledger: Ledger) -> None:
    _change(ledger, "deals", "deal_number", "lot(deal_number, 5) < 500", "contact_number = null")
    ledger.record("deal_without_contact", "CRM05", "A deal has no contact.", "hubspot.deals", "key")
    _change(
        ledger, "deals", "deal_number", "lot(deal_number, 6) < 500",
        f"closed_at = created_at - 3 * {DAY}",
    )  # fmt: skip
    ledger.record(
        "deal_closed_early", "CRM06", "A deal is closed before it was created.", "hubspot.deals",
        "key",
    )  # fmt: skip
    _change(ledger, "zendesk_tickets", "id", "lot(id, 7) < 220", "requester_id = null")
    ledger.record(
        "ticket_without_requester", "CRM05", "A ticket has no requester.", "zendesk.tickets", "key",
        of="select count(*) from zendesk_tickets",
    )  # fmt: skip
    _change(
        ledger, "zendesk_tickets", "id",
        "status in ('solved', 'closed') and lot(id, 8) < 200", "assignee_id = null",
    )  # fmt: skip
    ledger.record(
        "solved_without_agent", "CRM06", "A ticket is solved but had no agent.",
        "zendesk.tickets", "key", of="select count(*) from zendesk_tickets",
    )  # fmt: skip


def _orders(ledger: Ledger) -> None:
    ledger.pick(
        "select order_number * 100 + line_number as key, order_number, line_number"
        " from shopify_lines where lot(order_number * 10 + line_number, 9) < 40"
    )
    ledger.world.run(
        """
        update shopify_lines set quantity = case when h.key % 2 = 0 then 0 else -1 end
        from hit as h
        where shopify_lines.order_number = h.order_number
            and shopify_lines.line_number = h.line_number
        """
    )
    ledger.record(
        "odd_quantity", "CRM07", "A line that is no return has a quantity of 0 or less.",
        "shopify.orders.line_items", "key", of="select count(*) from shopify_lines",
    )  # fmt: skip
    ledger.pick("select id as key, order_number from shopify_orders where lot(id, 10) < 30")
    ledger.world.run(
        "delete from shopify_lines where order_number in (select order_number from hit)"
    )
    ledger.record(
        "order_without_lines", "CRM07", "An order has no lines.", "shopify.orders", "key",
        of="select count(*) from shopify_orders",
    )  # fmt: skip
    _change(
        ledger, "shopify_orders", "id", "lot(id, 11) < 45",
        "test = true, email = 'testi@kauppa.example'",
    )  # fmt: skip
    ledger.record(
        "test_order", "REC02", "Staff place orders through the test gateway.", "shopify.orders",
        "key", of="select count(*) from shopify_orders",
    )  # fmt: skip
    ledger.pick("select order_number as key from orders where person = 0")
    ledger.record(
        "counter_account", "CRM08", "One account of the counter buys for many customers.",
        "orders", "key", kind=NATURAL, scope={"person_id": "p0000001"},
    )  # fmt: skip
    _change(
        ledger, "pos_receipts", "receipt_id",
        "loyalty_id is not null and lot(order_number, 12) < 200",
        "loyalty_id = 'K9' || loyalty_id[3:]",
    )  # fmt: skip
    ledger.record(
        "unknown_loyalty_id", "REC07", "A loyalty number on a receipt is unknown to the CRM.",
        "pos.receipts", "key",
        of="select count(*) from pos_receipts where loyalty_id is not null",
    )  # fmt: skip


def _service(ledger: Ledger) -> None:
    _change(
        ledger, "call_centre_contacts", "contact_ref",
        "ticket_id is not null and channel = 'phone' and lot(case_number, 13) < 800",
        "ticket_id = null",
    )  # fmt: skip
    ledger.record(
        "call_without_ticket", "REC08", "A call that an agent took has no ticket.",
        "call_centre.contacts", "key",
        of="select count(*) from call_centre_contacts where channel = 'phone'"
        " and agent_id is not null",
    )  # fmt: skip


def _surveys(ledger: Ledger) -> None:
    table, name = "questback_responses_purchase", "questback.responses"
    all_rows = f"select count(*) from {table}"
    number = "cast(respondent_id[3:] as bigint)"
    for defect, check, low, high, condition, assignment, what in (
        ("nps_off_scale", "SUR01", 0, 120, "nps is not null", "nps = '11'",
         "An NPS answer is 11."),
        ("csat_off_scale", "SUR01", 120, 190, "csat is not null", "csat = '0'",
         "A CSAT answer is 0."),
        ("speeder", "SUR03", 190, 480, "true", "completed_at_us = started_at_us + 7000000",
         "Answered in seven seconds."),
        ("answered_before_invited", "SUR05", 480, 600, "true",
         f"started_at_us = started_at_us - 9 * {DAY},"
         f" completed_at_us = completed_at_us - 9 * {DAY}",
         "Answered before the invitation was sent."),
        ("no_invitation", "REC06", 600, 800, "true", "invitation_id = 'P9' || invitation_id[3:]",
         "The response's invitation is unknown."),
    ):  # fmt: skip
        _change(
            ledger, table, "respondent_id",
            f"{condition} and lot({number}, 14) between {low} and {high - 1}", assignment,
        )  # fmt: skip
        ledger.record(defect, check, what, name, "key", scope={"survey": "purchase"}, of=all_rows)
    ledger.pick(
        f"select respondent_id, 'd' || respondent_id as key from {table}"
        f" where lot({number}, 15) < 250"
    )
    ledger.world.run(
        f"""
        insert into {table}
        select r.* replace (
            h.key as respondent_id,
            r.started_at_us + 5400000000 as started_at_us,
            r.completed_at_us + 5400000000 as completed_at_us
        )
        from {table} as r inner join hit as h on r.respondent_id = h.respondent_id
        order by h.key
        """
    )
    ledger.record(
        "answered_twice", "SUR02", "One respondent answered the same survey twice.", name, "key",
        kind=ADDED, scope={"survey": "purchase"}, of=all_rows,
    )  # fmt: skip
    items = ", ".join(f"exq_{item:02d} = '4'" for item in range(1, EXQ_ITEMS + 1))
    _change(
        ledger, "questback_responses_relationship", "respondent_id",
        f"lot({number}, 16) < 500 and is_complete", items,
    )  # fmt: skip
    ledger.record(
        "straight_liner", "SUR04", "All twelve items have the same answer.", name, "key",
        scope={"survey": "relationship"},
        of="select count(*) from questback_responses_relationship",
    )  # fmt: skip


def _mailings(ledger: Ledger) -> None:
    # One letter went to an old list: those who had opted out got it too.
    ledger.pick(
        """
        with letter as (
            select * from mailings
            where mailing = (select cast(count(*) * 0.8 as bigint) from mailings)
        )

        select
            'M9' || lpad(cast(p.person as varchar), 7, '0') as key,
            p.person,
            l.campaign_id,
            l.campaign_name,
            l.sent_at
        from people as p
        cross join letter as l
        where p.opted_out_at < l.sent_at and p.is_contact and lot(p.person, 17) < 4000
        """
    )
    ledger.world.run(
        """
        insert into email_campaigns_events
        select
            (select max(message_event) from email_campaigns_events)
            + row_number() over (order by h.key, e.event desc),
            h.campaign_id,
            h.campaign_name,
            h.key,
            e.event,
            h.sent_at + e.delay,
            p.email,
            cast(p.contact_number as varchar),
            null,
            h.person
        from hit as h
        inner join people as p on h.person = p.person
        cross join (values ('sent', 1000000), ('delivered', 21000000)) as e(event, delay)
        """
    )
    ledger.record(
        "opted_out_mailed", "PRI05", "A letter goes to contacts who had opted out.",
        "email_campaigns.events", "key", kind=ADDED,
    )  # fmt: skip
    ledger.pick(
        """
        select message_event as key from email_campaigns_events
        where event = 'delivered' and campaign_id = (
            select campaign_id from mailings
            where mailing = (select cast(count(*) * 0.5 as bigint) from mailings)
        )
        """
    )
    ledger.world.run(
        "delete from email_campaigns_events where message_event in (select key from hit)"
    )
    ledger.record(
        "deliveries_missing", "REC09", "A letter was sent, yet nothing says it was delivered.",
        "email_campaigns.events", "key", kind=REMOVED,
    )  # fmt: skip
    ledger.pick(
        "select distinct date || '|google_ads-old' as key, date from ad_spend_rows"
        " where platform = 'google_ads' and lot(date_diff('day', date '2020-01-01',"
        " cast(date as date)), 18) < 2500"
    )
    ledger.world.run(
        """
        insert into ad_spend_rows
        select date, 'google_ads', 'google_ads-old', 'vanha_kampanja_2025', 'google', 'cpc',
            'EUR', 9.5, 410, 14
        from hit order by date
        """
    )
    ledger.record(
        "spend_without_visits", "ATT08", "A forgotten campaign costs money and brings no visit.",
        "ad_spend.spend", "key", kind=ADDED, scope={"campaign": "vanha_kampanja_2025"},
    )  # fmt: skip
