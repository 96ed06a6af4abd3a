"""What nodes cost by the hour, and what a run has cost."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Final, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_MONEY: Final = re.compile(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*([A-Z]{3})\s*")


class Money(BaseModel):
    """An amount in a currency (ISO 4217, three letters)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


def _money(value: object) -> object:
    if isinstance(value, Money):
        return value
    if found := _MONEY.fullmatch(str(value)):
        return Money(amount=Decimal(found[1]), currency=found[2])
    raise ValueError(f"{value!r}: write an amount and its currency, as 200 EUR")


Cash: TypeAlias = Annotated[Money, BeforeValidator(_money)]


class Prices(BaseModel):
    """Of one hour of one node, by its kind."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    spot: Cash | None = None
    on_demand: Cash | None = Field(default=None, alias="on-demand")

    def of(self, kind: str) -> Money | None:
        """Of that kind of node; whatever is not known to be cheap is as on demand."""
        return self.spot if kind == "spot" else self.on_demand

    def given(self) -> Iterator[Money]:
        """Those that are."""
        yield from (price for price in (self.spot, self.on_demand) if price)

    def cost(self, hours: Mapping[str, float]) -> dict[str, float]:
        """Of so many hours of nodes by kind, by currency; nothing where no price is given."""
        money: dict[str, float] = {}
        for kind, count in hours.items():
            if price := self.of(kind):
                money[price.currency] = money.get(price.currency, 0.0) + count * float(price.amount)
        return money
