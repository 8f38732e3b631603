"""HubSpot: contacts, companies, deals as API v3 objects, and the contacts' merge audit."""

from __future__ import annotations

from pathlib import Path

from seeds.sample.exports.files import write_jsonl
from seeds.sample.world import World


def prepare(world: World) -> None:
    """Put the flat export tables."""
    world.run(
        """
        create or replace table hubspot_contacts as
        select
            cast(c.contact_number as varchar) as id,
            case when c.is_upper then upper(c.email) else c.email end as email,
            phone_text(c.phone, c.phone_style) as phone,
            p.first_name as firstname,
            p.last_name as lastname,
            case when c.has_address then p.street end as address,
            case when c.has_address then p.postal_code end as zip,
            p.city,
            'Finland' as country,
            case
                when c.is_lead then 'lead'
                when o.orders >= 4 then 'evangelist'
                when o.orders >= 1 then 'customer'
                else 'subscriber'
            end as lifecyclestage,
            case when not c.is_second then
                case when not c.is_lead then p.loyalty_id end
            end as loyalty_id,
            case when p.is_registered and not c.is_second and not c.is_lead
                then 'u' || p.contact_number end as web_user_id,
            case when c.is_lead then k.client_id end as web_client_id,
            case when c.has_persona then p.persona_id end as persona,
            case when p.opted_out_at < (select "end" from window_bounds) then 'true' else 'false'
            end as hs_email_optout,
            case when (p.has_email_consent or c.is_lead)
                and p.opted_out_at >= (select "end" from window_bounds)
                then 'true' else 'false' end as email_opt_in,
            case when p.has_sms_consent then 'true' else 'false' end as sms_opt_in,
            case when c.has_birth_year then cast(p.birth_year as varchar) end as birth_year,
            m.merged_ids as hs_merged_object_ids,
            c.created_at,
            -- Opting out changes the contact.
            case when p.opted_out_at < (select "end" from window_bounds)
                then greatest(c.updated_at, p.opted_out_at) else c.updated_at end as updated_at,
            c.contact_number in (select merged_number from contact_merges) as archived,
            c.person
        from contacts as c
        inner join people as p on c.person = p.person
        left join (select person, count(*) as orders from orders group by person) as o
            on c.person = o.person
        left join (
            select e.person, arg_min(e.user_pseudo_id, e.event_timestamp) as client_id
            from events as e
            where e.event_name = 'generate_lead' and e.is_consented
            group by e.person
        ) as k on c.person = k.person
        left join (
            select
                surviving_number,
                string_agg(cast(merged_number as varchar), ';' order by merged_number) as merged_ids
            from contact_merges
            group by surviving_number
        ) as m on c.contact_number = m.surviving_number and not c.is_second
        order by c.created_at, c.contact_number
        """
    )


def prepare_changes(world: World) -> None:
    """Put `hubspot_contact_changes`: contacts that changed since the export, sent again.

    Called when `hubspot_contacts` is damaged, so that the newer version carries the damage.
    """
    world.run(
        """
        create or replace table hubspot_contact_changes as
        select c.* replace (
            case
                when c.lifecyclestage = 'subscriber' and lot(cast(c.id as bigint), 21) < 200
                    then 'lead'
                else c.lifecyclestage
            end as lifecyclestage,
            w."end" - cast(c.id as bigint) % 1500 * 1000000 as updated_at
        )
        from hubspot_contacts as c
        cross join window_bounds as w
        where not c.archived and lot(cast(c.id as bigint), 21) < 400
        order by c.id
        """
    )


def write(world: World, folder: Path) -> None:
    """Write the five files."""
    end = world.calendar.end
    for table, name, delivered_at in (
        ("hubspot_contacts", "contacts", end),
        ("hubspot_contact_changes", "contacts_changes", end + 3_600_000_000),
    ):
        write_jsonl(world, _contacts(table), folder / f"{name}.jsonl", delivered_at)
    write_jsonl(
        world,
        """
        select
            cast(company_number as varchar) as id,
            {
                name: name, domain: domain, industry: industry, country: 'Finland',
                createdate: utc_text_ms(created_at), hs_lastmodifieddate: utc_text_ms(created_at),
                hs_object_id: cast(company_number as varchar)
            } as properties,
            utc_text_ms(created_at) as createdAt,
            utc_text_ms(created_at) as updatedAt,
            false as archived
        from companies
        order by company_number
        """,
        folder / "companies.jsonl",
        end,
    )
    write_jsonl(
        world,
        """
        select
            cast(deal_number as varchar) as id,
            {
                dealname: 'Tarjous ' || deal_number, pipeline: 'default', dealstage: stage,
                amount: cast(amount as varchar), deal_currency_code: 'EUR',
                closedate: utc_text_ms(closed_at), createdate: utc_text_ms(created_at),
                hs_lastmodifieddate: utc_text_ms(created_at),
                hs_is_closed: case when stage like 'closed%' then 'true' else 'false' end,
                hs_is_closed_won: case when stage = 'closedwon' then 'true' else 'false' end
            } as properties,
            utc_text_ms(created_at) as createdAt,
            utc_text_ms(created_at) as updatedAt,
            false as archived,
            {
                contacts: {results: case when contact_number is null then [] else
                    [{id: cast(contact_number as varchar), type: 'deal_to_contact'}] end},
                companies: {results: [
                    {id: cast(company_number as varchar), type: 'deal_to_company'}
                ]}
            } as associations
        from deals
        order by created_at, deal_number
        """,
        folder / "deals.jsonl",
        end,
    )
    write_jsonl(
        world,
        """
        select
            surviving_number as "canonical-vid",
            merged_number as "vid-to-merge",
            merged_at // 1000 as "timestamp",
            '901' as "entity-id",
            901 as "user-id",
            4 as "num-properties-moved"
        from contact_merges
        order by merged_at, merged_number
        """,
        folder / "contact_merge_audit.jsonl",
        end,
    )


def _contacts(table: str) -> str:
    return f"""
    select
        id,
        {{
            email: email, phone: phone, firstname: firstname, lastname: lastname,
            address: address, zip: zip, city: city, country: country,
            lifecyclestage: lifecyclestage, loyalty_id: loyalty_id,
            web_user_id: web_user_id, web_client_id: web_client_id, persona: persona,
            hs_email_optout: hs_email_optout, email_opt_in: email_opt_in,
            sms_opt_in: sms_opt_in, birth_year: birth_year,
            hs_merged_object_ids: hs_merged_object_ids,
            createdate: utc_text_ms(created_at), lastmodifieddate: utc_text_ms(updated_at),
            hs_object_id: id
        }} as properties,
        utc_text_ms(created_at) as createdAt,
        utc_text_ms(updated_at) as updatedAt,
        archived
    from {table}
    order by created_at, id
    """
