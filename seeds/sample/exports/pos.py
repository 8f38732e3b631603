"""Tills: receipts, their lines, and the text messages that ask how the visit was."""

from __future__ import annotations

from pathlib import Path

from seeds.sample.exports.files import write_csv
from seeds.sample.vocabulary import STORES
from seeds.sample.world import World


def prepare(world: World) -> None:
    """Put the flat export tables: sales, and a return as a receipt of its own."""
    world.run(
        """
        create or replace table pos_receipts as
        with sales as (
            select
                'R' || o.order_number as receipt_id,
                o.order_number,
                false as is_return,
                o.store_id,
                'T' || (1 + o.order_number % 4) as till_id,
                o.ordered_at as sold_at_us,
                o.total as total_amount,
                o.tax as vat_amount,
                o.discount as discount_amount,
                o.payment_method,
                o.loyalty_id,
                o.cashier_id,
                cast(null as varchar) as original_receipt_id,
                cast(null as varchar) as return_reason,
                o.person
            from orders as o
            where o.channel = 'store'
        ),

        returns as (
            select
                'X' || r.refund_number as receipt_id,
                s.order_number,
                true as is_return,
                s.store_id,
                s.till_id,
                r.refunded_at as sold_at_us,
                -r.amount as total_amount,
                -cast(round(r.amount * 25.5 / 125.5, 2) as decimal(12, 2)) as vat_amount,
                0 as discount_amount,
                s.payment_method,
                s.loyalty_id,
                s.cashier_id,
                case when r.refund_number % 5 > 0 then s.receipt_id end as original_receipt_id,
                r.reason as return_reason,
                s.person
            from refunds as r
            inner join sales as s on r.order_number = s.order_number
        ),

        -- What was bought before the window comes back in its first weeks: the till knows the
        -- receipt, the exports have it not.
        members as (
            select person, loyalty_id, row_number() over (order by person) - 1 as number
            from people where loyalty_id is not null
        ),

        older as (
            select
                'X' || (800000 + row_number() over (order by d.day_at, s.store_id)) as receipt_id,
                cast(null as bigint) as order_number,
                true as is_return,
                s.store_id,
                'T1' as till_id,
                d.day_at + 43200000000
                + cast(21600000000 * draw('older hour' || s.store_id || d.day_at) as bigint)
                    as sold_at_us,
                -cast(round(12 + 70 * draw('older amount' || s.store_id || d.day_at), 2)
                    as decimal(12, 2)) as total_amount,
                'card' as payment_method,
                'R0' || cast(10000 + 80000 * draw('older receipt' || s.store_id || d.day_at)
                    as bigint) as original_receipt_id,
                case when draw('older card' || s.store_id || d.day_at) < 0.5
                    then cast(floor(draw('older member' || s.store_id || d.day_at)
                        * (select count(*) from members)) as bigint) end as member_number
            from (
                select unnest(range(b.start, b.start + 14 * 86400000000, 86400000000)) as day_at
                from window_bounds as b
            ) as d
            cross join (select unnest($stores) as store_id) as s
            where draw('older' || s.store_id || d.day_at) < 0.15
        )

        select * from sales
        union all
        select * from returns
        union all
        select o.receipt_id, o.order_number, o.is_return, o.store_id, o.till_id, o.sold_at_us,
            o.total_amount, cast(round(o.total_amount * 25.5 / 125.5, 2) as decimal(12, 2)), 0,
            o.payment_method, m.loyalty_id, 'cash001', o.original_receipt_id, 'changed_mind',
            m.person
        from older as o left join members as m on o.member_number = m.number
        order by sold_at_us, receipt_id
        """,
        stores=list(STORES),
    )
    world.run(
        """
        create or replace table pos_receipt_lines as
        select
            r.receipt_id,
            l.line_number,
            l.product_id as sku,
            l.product_name,
            case when r.is_return then -l.quantity else l.quantity end as quantity,
            l.unit_price,
            case when r.is_return then -l.discount else l.discount end as discount_amount,
            case when r.is_return then -l.line_total else l.line_total end as line_total,
            cast(round(
                case when r.is_return then -l.line_total else l.line_total end * 25.5 / 125.5, 2
            ) as decimal(12, 2)) as vat_amount,
            l.unit_cost,
            r.sold_at_us
        from pos_receipts as r
        inner join order_lines as l on r.order_number = l.order_number
        left join refunds as f on r.is_return and 'X' || f.refund_number = r.receipt_id
        where not r.is_return or f.is_whole or l.line_number = 1
        order by r.sold_at_us, r.receipt_id, l.line_number
        """
    )
    world.run(
        """
        create or replace table pos_sms_feedback as
        select
            'F' || lpad(cast(m.number as varchar), 6, '0') as feedback_id,
            'R' || m.order_number as receipt_id,
            o.store_id,
            phone_text(p.phone, 0) as phone,
            o.loyalty_id,
            p.language,
            case when m.is_delivered then 'delivered' else 'failed' end as delivery_status,
            m.sent_at as sent_at_us,
            case when m.is_delivered and m.answers then m.received_at end as received_at_us,
            case when m.is_delivered and m.answers
                then m.score || coalesce(' ' || m.open_text, '') end as message,
            m.person
        from store_messages as m
        inner join orders as o on m.order_number = o.order_number
        inner join people as p on m.person = p.person
        order by m.number
        """
    )


def write(world: World, folder: Path) -> None:
    """Write a file of receipts and of lines per month, and one of messages."""
    for month in world.calendar.months:
        write_csv(
            world,
            f"""
            select receipt_id, store_id, till_id, local_text(sold_at_us) as sold_at,
                'EUR' as currency, total_amount, vat_amount, discount_amount, payment_method,
                loyalty_id, cashier_id, original_receipt_id, return_reason
            from pos_receipts where local_month(sold_at_us) = '{month}'
            order by sold_at_us, receipt_id
            """,
            folder / f"receipts_{month}.csv",
            world.calendar.month_end(month),
        )
        write_csv(
            world,
            f"""
            select * exclude (sold_at_us) from pos_receipt_lines
            where local_month(sold_at_us) = '{month}'
            order by sold_at_us, receipt_id, line_number
            """,
            folder / f"receipt_lines_{month}.csv",
            world.calendar.month_end(month),
        )
    write_csv(
        world,
        """
        select feedback_id, receipt_id, store_id, phone, loyalty_id, language, delivery_status,
            local_text(sent_at_us) as sent_at, local_text(received_at_us) as received_at, message
        from pos_sms_feedback order by sent_at_us, feedback_id
        """,
        folder / "sms_feedback.csv",
        world.calendar.end,
    )
