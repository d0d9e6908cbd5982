"""The number series: the last lock a transaction takes, and the shortest."""

from chassis.db import Transaction


async def reserve_numbers(
    tx: Transaction, series: str, *, year: int, count: int
) -> range:
    """Take the next `count` numbers; given back if the transaction rolls back."""
    last: int = await tx.fetchval(
        """
        INSERT INTO number_series (series, year, last_number) VALUES ($1, $2, $3)
        ON CONFLICT (series, year) DO UPDATE
        SET last_number = number_series.last_number + EXCLUDED.last_number
        RETURNING last_number
        """,
        series,
        year,
        count,
    )
    return range(last - count + 1, last + 1)
