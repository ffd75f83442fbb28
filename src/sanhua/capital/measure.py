"""Measure 会计计量: what is carried, as dated movements of layers; prospective only, at cost.

    development   开发支出             capitalised spending until the asset is available for use
    cost          无形资产账面原值     from that day, or from the day of purchase
    amortisation  累计摊销             straight line by month from the month available
    impairment    无形资产减值准备     never reversed
    inventory     存货账面原值
    write_down    存货跌价准备         to net realisable value; reversed up to what was provided

A month's amortisation is posted on its last day: the base divided by the months left, to the fen;
the last month takes the remainder, the month derecognised has none. A change of estimate holds from
its own month, an impairment from the month after it. On one day cost comes first, then disposals,
estimates, the month's amortisation, and impairment tests last.

Entries of a lists under `measurement` of an asset file (each with `date` and `judged`):

    estimates    `months` the whole life from the first month amortised, `residual` the new rate
    impairments  `amount` the loss, or `recoverable` the recoverable amount that it follows from
    disposals    `reason` disposal | lapse | sale | other (default disposal, for stock sale),
                 `share` (default 100%), `proceeds` without VAT: what they leave over the carrying
                 amount is the gain or loss; those of a sale of stock are revenue (CAS 14), refused
    nrv          `price`, `cost_to_finish`, `cost_to_sell`, `tax`

Not built, and refused: methods other than the straight line, impairment or disposal of development
before it is available (the ERP's own write-off counts). A recoverable amount is an input.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from sanhua.capital.recognise import AssetCard, Correction, Outcome, Recognition, Route, Use, named
from sanhua.capital.voucher import AccountingPolicy, Voucher, account_of, role_of
from sanhua.kernel import ids
from sanhua.kernel.errors import Citation, Diagnostic, Invalid, Severity
from sanhua.kernel.ledger import Book, Entry, Line
from sanhua.kernel.money import EXACT, Money
from sanhua.kernel.ports import Rules, Uow
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period, add_months, parse_day


class Layer(StrEnum):
    DEVELOPMENT = "development"
    COST = "cost"
    AMORTISATION = "amortisation"
    IMPAIRMENT = "impairment"
    INVENTORY = "inventory"
    WRITE_DOWN = "write_down"


class Kind(StrEnum):
    """Why a layer moved; the 其中 rows of tables A and B."""

    SPENT = "spent"
    TRANSFERRED = "transferred"  # development becomes an intangible
    PURCHASED = "purchased"
    DEVELOPED = "developed"
    PROCESSED = "processed"
    OTHER_IN = "other_in"
    CHARGED = "charged"  # amortisation, impairment or write-down of the period
    REVERSED = "reversed"  # a write-down taken back
    DISPOSED = "disposed"
    LAPSED = "lapsed"
    SOLD = "sold"
    OTHER_OUT = "other_out"
    CORRECTED = "corrected"  # a period that was over, put right later


@dataclass(frozen=True, slots=True)
class Movement:
    """`amount` is what it adds to the layer; `source` is the voucher or memo behind it.

    A correction stands on the last day of the period concerned; `decided` is the day on which it
    was made, `why` its kind (audit, event, error).
    """

    day: date
    layer: Layer
    kind: Kind
    amount: Money
    source: str
    decided: date | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Carrying:
    """One asset's movements until a day, in the order they took effect."""

    asset: str
    title: Text
    route: Route
    use: Use
    currency: str
    movements: tuple[Movement, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    proceeds: Mapping[tuple[date, Kind], Money] = field(
        default_factory=dict[tuple[date, Kind], Money]
    )  # of disposals, without VAT

    def balance(self, layer: Layer, before: date) -> Money:
        """The layer's balance at the start of the day `before`."""
        return self._sum(m for m in self.movements if m.layer is layer and m.day < before)

    def moved(self, layer: Layer, period: Period, kinds: Iterable[Kind] = tuple(Kind)) -> Money:
        """What `kinds` added to the layer in the period."""
        wanted = frozenset(kinds)
        return self._sum(
            m for m in self.movements if m.layer is layer and m.day in period and m.kind in wanted
        )

    def carried(self, before: date) -> Money:
        """The carrying amount on all balance-sheet lines at the start of the day `before`."""
        less = (Layer.AMORTISATION, Layer.IMPAIRMENT, Layer.WRITE_DOWN)
        return self._sum(
            Movement(m.day, m.layer, m.kind, -m.amount, m.source) if m.layer in less else m
            for m in self.movements
            if m.day < before
        )

    def _sum(self, movements: Iterable[Movement]) -> Money:
        return Money.sum((m.amount for m in movements), self.currency)


def carry(
    card: AssetCard, recognition: Recognition, policy: AccountingPolicy, rules: Rules, on: date
) -> Carrying:
    """The movements of the asset's layers until and including `on`.

    A later day only adds movements. Raises Invalid measure.* where the card asks for what the
    standards refuse.
    """
    measured = _Measuring(card, recognition, policy, rules, on)
    if card.use is Use.SALE:
        measured.stock()
    else:
        measured.intangible()
    return Carrying(
        recognition.asset,
        card.title,
        card.route,
        card.use,
        recognition.currency,
        tuple(measured.movements),
        tuple(measured.diagnostics),
        measured.proceeds,
    )


_IN_KIND = {
    Route.PURCHASED: Kind.PURCHASED,
    Route.SELF_DEVELOPED: Kind.DEVELOPED,
    Route.OTHER: Kind.OTHER_IN,
}
_OUT_KIND = {
    "disposal": Kind.DISPOSED,
    "lapse": Kind.LAPSED,
    "sale": Kind.SOLD,
    "other": Kind.OTHER_OUT,
}
_ISSUE_ALIASES = {"first_in_first_out": "fifo"}
# The order of events of one day.
_COST, _CORRECTION, _DISPOSAL, _ESTIMATE, _CHARGE, _TEST = range(6)


class _Measuring:
    """Folds an asset's events in order of their days into movements."""

    def __init__(
        self,
        card: AssetCard,
        recognition: Recognition,
        policy: AccountingPolicy,
        rules: Rules,
        on: date,
    ) -> None:
        self.card, self.recognition, self.policy, self.rules, self.on = (
            card,
            recognition,
            policy,
            rules,
            on,
        )
        self.currency = recognition.currency
        self.movements: list[Movement] = []
        self.diagnostics: list[Diagnostic] = []
        self.proceeds: dict[tuple[date, Kind], Money] = {}
        self.balances = dict.fromkeys(Layer, Money(Decimal(), self.currency))
        self.residual = policy.residual
        self.monthly: Money | None = None  # None: to be computed from the base
        self.months_left = 0
        self.months_charged = 0
        self.renew_after_charge = False
        self.amortised = False

    # Stages of life

    def intangible(self) -> None:
        measurement = self.card.measurement
        ready = measurement.available_on
        available = ready is not None and ready <= self.on
        events: list[tuple[date, int, Any]] = []
        developed = self.card.route is Route.SELF_DEVELOPED
        for day, amount, source in self._spent():
            if developed:
                events.append((day, _COST, ("spent", amount, source)))
            else:
                events.append((day, _COST, ("bought", amount, source)))
        self._refuse("nrv")
        self._refuse_before(ready)
        if ready is not None and available:
            if developed:
                events.append((ready, _COST, ("transfer", None, "")))
            events += [(day, _CHARGE, None) for day in self._month_ends(ready)]
        for item, kind, what in (
            (measurement.disposals, _DISPOSAL, "disposals"),
            (measurement.estimates, _ESTIMATE, "estimates"),
            (measurement.impairments, _TEST, "impairments"),
        ):
            events += [
                (day, kind, entry) for entry in item if (day := self._day(entry, what)) <= self.on
            ]
        events += self._corrections()
        for day, kind, entry in sorted(events, key=lambda event: event[:2]):
            if kind == _CORRECTION:
                self._correct(entry)
            elif kind == _COST:
                self._cost(day, *entry)
            elif kind == _DISPOSAL:
                self._dispose(day, entry, (Layer.COST, Layer.AMORTISATION, Layer.IMPAIRMENT))
            elif kind == _ESTIMATE:
                self._estimate(day, entry)
            elif kind == _CHARGE:
                self._charge(day)
            else:
                self._impair(day, entry)
        if ready is not None and available:
            self._yearly_tests(ready)

    def stock(self) -> None:
        methods = self.rules.ask("cas_1", "issue_methods", on=self.on)
        chosen = _ISSUE_ALIASES.get(self.policy.inventory_issue, self.policy.inventory_issue)
        if chosen not in [method["id"] for method in methods.value]:
            raise self._invalid(
                "measure.issue-method", methods.citation, method=self.policy.inventory_issue
            )
        self._refuse("estimates", "impairments")
        kind = (
            Kind.PROCESSED if self.card.route is Route.SELF_DEVELOPED else _IN_KIND[self.card.route]
        )
        events: list[tuple[date, int, Any]] = [
            (day, _COST, (amount, source)) for day, amount, source in self._spent()
        ]
        measurement = self.card.measurement
        for item, order, what in (
            (measurement.disposals, _DISPOSAL, "disposals"),
            (measurement.nrv, _TEST, "nrv"),
        ):
            events += [
                (day, order, entry) for entry in item if (day := self._day(entry, what)) <= self.on
            ]
        events += self._corrections()
        for day, order, entry in sorted(events, key=lambda event: event[:2]):
            if order == _CORRECTION:
                self._correct(entry)
            elif order == _COST:
                self._move(day, Layer.INVENTORY, kind, *entry)
            elif order == _DISPOSAL:
                self._dispose(day, entry, (Layer.INVENTORY, Layer.WRITE_DOWN))
            else:
                self._realisable(day, entry)

    # Events

    def _spent(self) -> list[tuple[date, Money, str]]:
        """Capitalised lines, one a voucher and day."""
        found: dict[tuple[date, str], Money] = {}
        for verdict in self.recognition.verdicts:
            if verdict.outcome is Outcome.CAPITALISED and verdict.dated <= self.on:
                key = (verdict.dated, verdict.voucher)
                found[key] = (
                    found.get(key, Money(Decimal(), self.currency)) + verdict.amount.posted()
                )
        return [(day, amount, voucher) for (day, voucher), amount in found.items()]

    def _cost(self, day: date, what: str, amount: Money | None, source: str) -> None:
        ready = self.card.measurement.available_on
        if what == "transfer":
            self._transfer(day)
        elif amount is None:
            raise AssertionError(what)
        elif what == "bought":
            self._move(day, Layer.COST, _IN_KIND[self.card.route], amount, source)
            self.monthly = None
        elif ready is not None and day > ready:  # taken back after the transfer
            self._move(day, Layer.COST, Kind.OTHER_OUT, amount, source)
            self.monthly = None
        else:
            self._move(day, Layer.DEVELOPMENT, Kind.SPENT, amount, source)

    def _transfer(self, day: date) -> None:
        """Development becomes an intangible, voucher by voucher so that each stays in sight."""
        for movement in list(self.movements):
            self._move(day, Layer.DEVELOPMENT, Kind.TRANSFERRED, -movement.amount, movement.source)
            self._move(day, Layer.COST, Kind.DEVELOPED, movement.amount, movement.source)

    def _month_ends(self, ready: date) -> list[date]:
        """The days on which amortisation is posted, from the month available."""
        life = self.card.measurement.life
        if life is None:
            raise self._invalid("measure.no-life", None, available_on=ready.isoformat())
        if self.policy.amortisation != "straight_line":
            raise self._invalid("measure.method-not-built", None, method=self.policy.amortisation)
        for name, known in (
            ("amortisation_starts", "month available for use"),
            ("amortisation_stops", "month derecognised"),
        ):
            rule = self.rules.ask("cas_6", name, on=ready)
            if rule.value != known:
                raise self._invalid(
                    "measure.rule-not-built", rule.citation, rule_name=name, value=rule.value
                )
        residual = self.rules.ask("cas_6", "residual_default", on=ready)
        if self.policy.residual != residual.value:
            self._note(
                "measure.residual-needs-basis", residual.citation, rate=f"{self.policy.residual:%}"
            )
        self.months_left = 0 if life.indefinite else life.months
        if life.indefinite:
            rule = self.rules.ask("cas_6", "indefinite_life_not_amortised", on=ready)
            if not rule.value:
                raise self._invalid(
                    "measure.no-life", rule.citation, available_on=ready.isoformat()
                )
        self.amortised = not life.indefinite
        ends: list[date] = []
        first = ready.replace(day=1)
        while (end := add_months(first, len(ends) + 1) - timedelta(days=1)) <= self.on:
            ends.append(end)
        return ends

    def _charge(self, day: date) -> None:
        if not self.amortised:
            return
        cost, left = self.balances[Layer.COST], self._depreciable()
        if cost and left.fen > 0:
            if self.monthly is None:
                self.monthly = self._monthly()
            whole = self.months_left <= 1 or self.monthly.fen > left.fen
            charge = left if whole else self.monthly
            if charge:
                self._move(day, Layer.AMORTISATION, Kind.CHARGED, charge, self.recognition.asset)
        self.months_left -= 1
        self.months_charged += 1
        if self.renew_after_charge:
            self.monthly, self.renew_after_charge = None, False

    def _depreciable(self) -> Money:
        """What is still to be amortised."""
        cost = self.balances[Layer.COST]
        residual = (cost * self.residual).posted()
        return cost - residual - self.balances[Layer.AMORTISATION] - self.balances[Layer.IMPAIRMENT]

    def _monthly(self) -> Money:
        """What is left, spread evenly over the months left."""
        months = Decimal(max(self.months_left, 1))
        return Money(EXACT.divide(self._depreciable().amount, months), self.currency).posted()

    def _estimate(self, day: date, entry: Mapping[str, str]) -> None:
        if "residual" in entry:
            self.residual = self._rate(entry["residual"], "estimates")
        if "months" in entry:
            months = int(entry["months"])
            if months <= self.months_charged:
                raise self._invalid(
                    "measure.life-already-over",
                    None,
                    months=months,
                    charged=self.months_charged,
                    date=day.isoformat(),
                )
            self.months_left, self.amortised = months - self.months_charged, True
        self.monthly = None

    def _impair(self, day: date, entry: Mapping[str, str]) -> None:
        carried = (
            self.balances[Layer.COST]
            - self.balances[Layer.AMORTISATION]
            - self.balances[Layer.IMPAIRMENT]
        )
        if "amount" in entry:
            loss = self._money(entry["amount"])
        elif "recoverable" in entry:
            loss = carried - self._money(entry["recoverable"])
            if loss.fen < 0:  # recoverable above carrying: no loss, and none is taken back
                return
        else:
            raise self._invalid("measure.impairment-amount", None, date=day.isoformat())
        if loss.fen < 0:
            rule = self.rules.ask("cas_8", "intangible_impairment_reversible", on=day)
            if not rule.value:
                raise self._invalid(
                    "measure.impairment-reversed",
                    rule.citation,
                    amount=loss.text,
                    date=day.isoformat(),
                )
        if loss.fen > carried.fen:
            raise self._invalid(
                "measure.impairment-exceeds",
                None,
                amount=loss.text,
                carried=carried.text,
                date=day.isoformat(),
            )
        if loss:
            before_charge = (day + timedelta(days=1)).day != 1  # this month's is still to come
            if before_charge and self.monthly is None and self.amortised:
                self.monthly = self._monthly()  # as it was before the loss
            self._move(day, Layer.IMPAIRMENT, Kind.CHARGED, loss, self.recognition.asset)
            self.renew_after_charge = before_charge
            if not before_charge:
                self.monthly = None

    def _dispose(self, day: date, entry: Mapping[str, str], layers: Sequence[Layer]) -> None:
        reason = entry.get("reason", "sale" if self.card.use is Use.SALE else "disposal")
        kind = _OUT_KIND.get(reason)
        if kind is None or (kind is Kind.SOLD) and self.card.use is not Use.SALE:
            raise self._invalid(
                "measure.disposal-reason",
                None,
                reason=reason,
                known=", ".join(_OUT_KIND),
                date=day.isoformat(),
            )
        share = self._rate(entry["share"], "disposals") if "share" in entry else Decimal(1)
        if not 0 < share <= 1:
            raise self._invalid(
                "measure.disposal-share", None, share=entry["share"], date=day.isoformat()
            )
        proceeds = self._money(entry.get("proceeds", "0.00"))
        if proceeds.fen < 0:
            raise self._invalid(
                "measure.negative", None, amount=proceeds.text, date=day.isoformat()
            )
        if proceeds and kind is Kind.SOLD:
            raise self._invalid(
                "measure.proceeds-of-sale", None, amount=proceeds.text, date=day.isoformat()
            )
        if not self.balances[layers[0]]:
            self._note("measure.nothing-left", None, date=day.isoformat())
            return
        gone = {layer: (self.balances[layer] * share).posted() for layer in layers}
        kept = [(self.balances[layer] - gone[layer]).fen for layer in layers]
        over = sum(kept[1:]) - kept[0]
        if over > 0:  # rounding must not leave more taken off than there is cost
            most = max(layers[1:], key=lambda layer: self.balances[layer].fen)
            gone[most] = gone[most] + Money.of_fen(over, self.currency)
        for layer, amount in gone.items():
            if amount:
                self._move(day, layer, kind, -amount, self.recognition.asset)
        if proceeds:
            self.proceeds[day, kind] = self.proceeds.get((day, kind), proceeds * 0) + proceeds
        self.monthly = None

    def _realisable(self, day: date, entry: Mapping[str, str]) -> None:
        """Write stock down to what it will bring in, or back up to what was provided."""
        nrv = self._money(entry["price"])
        if nrv.fen < 0:
            raise self._invalid("measure.negative", None, amount=nrv.text, date=day.isoformat())
        for key in ("cost_to_finish", "cost_to_sell", "tax"):
            if key in entry:
                nrv = nrv - self._money(entry[key])
        short = self.balances[Layer.INVENTORY] - nrv
        wanted = max(short.fen, 0)
        wanted = min(wanted, self.balances[Layer.INVENTORY].fen)
        change = Money.of_fen(wanted, self.currency) - self.balances[Layer.WRITE_DOWN]
        if change.fen < 0:
            rule = self.rules.ask("cas_1", "inventory_write_down_reversible", on=day)
            if not rule.value:
                return
            self._move(day, Layer.WRITE_DOWN, Kind.REVERSED, change, self.recognition.asset)
        elif change:
            self._move(day, Layer.WRITE_DOWN, Kind.CHARGED, change, self.recognition.asset)

    def _corrections(self) -> list[tuple[date, int, Any]]:
        made = (c for c in self.card.measurement.corrections if c.date <= self.on)
        return [(correction.date, _CORRECTION, correction) for correction in made]

    def _correct(self, made: Correction) -> None:
        """Put right a layer as it stood at the end of a period that is over; the months from the
        decision on are spread anew.
        """
        layer, asset = Layer(made.layer), self.recognition.asset
        stock = layer in (Layer.INVENTORY, Layer.WRITE_DOWN)
        if stock is not (self.card.use is Use.SALE):
            use = self.card.use.value
            raise self._invalid("measure.misplaced", None, what=f"corrections: {layer}", use=use)
        if made.through >= made.date:
            raise self._invalid(
                "measure.correction-too-early",
                None,
                date=made.date.isoformat(),
                concerns=made.concerns,
            )
        moves = [(made.through, layer, Kind.CORRECTED, made.amount)]
        ready = self.card.measurement.available_on
        if layer is Layer.DEVELOPMENT and ready and made.through < ready <= made.date:
            moves += [  # it has become an intangible since
                (ready, Layer.DEVELOPMENT, Kind.TRANSFERRED, -made.amount),
                (ready, Layer.COST, Kind.DEVELOPED, made.amount),
            ]
        for day, moved, kind, amount in moves:
            found = Movement(day, moved, kind, amount, asset, made.date, made.kind)
            self.movements.append(found)
            self.balances[moved] = self.balances[moved] + amount
        if self._impossible():
            raise self._invalid(
                "measure.correction-exceeds",
                None,
                date=made.date.isoformat(),
                layer=layer.value,
                amount=made.amount.text,
            )
        self.monthly = None

    def _impossible(self) -> bool:
        """Whether some layer was below zero, or more was taken off than there is cost, at the end
        of some day.
        """
        days: dict[date, Counter[Layer]] = {}
        for movement in self.movements:
            days.setdefault(movement.day, Counter())[movement.layer] += movement.amount.fen
        held: Counter[Layer] = Counter()
        for day in sorted(days):
            held.update(days[day])
            off = held[Layer.AMORTISATION] + held[Layer.IMPAIRMENT]
            if min(held.values()) < 0 or off > held[Layer.COST]:
                return True
            if held[Layer.WRITE_DOWN] > held[Layer.INVENTORY]:
                return True
        return False

    # Checks and parsing

    def _refuse(self, *names: str) -> None:
        """Facts that mean nothing to an asset of this use."""
        for what in names:
            if getattr(self.card.measurement, what):
                raise self._invalid("measure.misplaced", None, what=what, use=self.card.use.value)

    def _refuse_before(self, ready: date | None) -> None:
        measurement = self.card.measurement
        for what in ("estimates", "impairments", "disposals"):
            for entry in getattr(measurement, what):
                day = self._day(entry, what)
                if day <= self.on and (ready is None or day < ready):
                    raise self._invalid(
                        "measure.before-available", None, what=what, date=day.isoformat()
                    )
        bought = self.card.route is not Route.SELF_DEVELOPED
        if bought and ready is None and self.recognition.total(Outcome.CAPITALISED):
            self._note("measure.not-available", None)

    def _yearly_tests(self, ready: date) -> None:
        """An indefinite life is tested for impairment every year."""
        if self.amortised or not self.balances[Layer.COST]:
            return
        rule = self.rules.ask("cas_6", "indefinite_life_not_amortised", on=self.on)
        tested = {
            self._day(entry, "impairments").year for entry in self.card.measurement.impairments
        }
        for year in range(ready.year, self.on.year + 1):
            due = add_months(date(year, self.policy.impairment_test, 1), 1) - timedelta(days=1)
            if ready <= due <= self.on and year not in tested:
                self._note("measure.impairment-test-missing", rule.citation, year=year)

    def _day(self, entry: Mapping[str, str], what: str) -> date:
        if "date" not in entry:
            raise self._invalid("measure.no-date", None, what=what)
        return parse_day(str(entry["date"]))

    def _money(self, written: str) -> Money:
        amount = Money.parse(str(written), self.currency)
        if amount.currency != self.currency:
            raise self._invalid(
                "measure.other-currency", None, amount=str(amount), currency=self.currency
            )
        return amount

    def _rate(self, written: str, what: str) -> Decimal:
        try:
            rate = Decimal(str(written).removesuffix("%")) / 100
        except InvalidOperation:
            raise self._invalid("measure.not-a-rate", None, value=written, what=what) from None
        if rate > 1 and what == "estimates":
            raise self._invalid("measure.not-a-rate", None, value=written, what=what)
        return rate

    def _move(self, day: date, layer: Layer, kind: Kind, amount: Money, source: str) -> None:
        self.movements.append(Movement(day, layer, kind, amount, source))
        self.balances[layer] = self.balances[layer] + amount

    def _note(self, code: str, rule: Citation | None, **facts: Any) -> None:
        origin = self.card.origin
        self.diagnostics.append(
            Diagnostic(
                Severity.WARNING,
                code,
                origin.path,
                origin.line,
                1,
                self.recognition.asset,
                rule,
                {"asset": self.card.id, **facts},
            )
        )

    def _invalid(self, code: str, rule: Citation | None, **facts: Any) -> Invalid:
        origin = self.card.origin
        return Invalid(
            code,
            path=origin.path,
            line=origin.line,
            node=self.recognition.asset,
            rule=rule,
            asset=self.card.id,
            **facts,
        )


# Entries of the entity's book


def entries(
    carrying: Carrying,
    vouchers: Mapping[str, Voucher],
    policy: AccountingPolicy,
    book: Book,
    period: Period,
) -> list[Entry]:
    """One asset's entries in the entity's book for a period: its vouchers, then measurement.

    Each stands on a voucher or on the recognition memo, never on an appraisal (财会〔2025〕33号).
    The id is derived from book, source, day and kind, so that posting the same again is a no-op and
    another amount is a Conflict.
    """
    found: dict[str, Entry] = {}
    for movement in carrying.movements:
        voucher = vouchers.get(movement.source)
        if movement.day in period and voucher is not None and movement.kind is not Kind.TRANSFERRED:
            if voucher.dated == movement.day:
                entry = mirror(voucher, book)
                found[entry.id] = entry
    grouped: dict[tuple[date, Kind, str], list[Movement]] = {}
    for movement in carrying.movements:
        if movement.day in period:
            key = _group(movement, carrying)
            if key:
                grouped.setdefault((movement.day, movement.kind, key), []).append(movement)
    for (day, kind, key), moved in grouped.items():
        lines = _lines(key, moved, policy, carrying.proceeds.get((day, kind)))
        if lines:
            entry = Entry(
                ids.derived("pst", book.id, carrying.asset, day.isoformat(), f"{key}.{kind}"),
                book.id,
                day,
                lines,
                carrying.asset,
                _SUMMARY[key.partition(".")[0]],
            )
            found[entry.id] = entry
    for entry in found.values():
        if not entry.source.startswith(("voucher:", "asset:")):
            raise AssertionError(f"{entry.id} stands on {entry.source}")
        entry.check()
    return sorted(found.values(), key=lambda entry: (entry.effective_on, entry.id))


def unbooked(
    required: Iterable[Entry], vouchers: Iterable[Voucher], policy: AccountingPolicy, book: Book
) -> tuple[list[Entry], list[tuple[Entry, Voucher]]]:
    """The entries that no voucher of their month has booked; and those of them whose charge a
    voucher has booked at another amount.

    Accounts are compared by role. Each line of a voucher answers for one entry, or one voucher for
    the sum of all entries of a kind. Money received is left to the ERP: it may stand there with its
    tax.
    """
    free: dict[tuple[int, int], list[tuple[Voucher, Counter[tuple[str, int]]]]] = {}
    vouchers = list(vouchers)
    taken_back = {voucher.reverses for voucher in vouchers}
    for voucher in vouchers:
        if voucher.reverses or voucher.id in taken_back:
            continue
        lines = Counter(
            (role_of(policy, line.account) or line.account, line.amount.fen)
            for line in voucher.lines
            if line.amount.currency == book.currency
        )
        free.setdefault((voucher.dated.year, voucher.dated.month), []).append((voucher, lines))
    kinds: dict[tuple[tuple[int, int], frozenset[str]], list[Entry]] = {}
    for entry in sorted(required, key=lambda entry: (entry.effective_on, entry.id)):
        month = (entry.effective_on.year, entry.effective_on.month)
        wanted = Counter(_by_role(entry, policy))
        held = next((lines for _, lines in free.get(month, []) if wanted <= lines), None)
        if held is None:
            roles = frozenset(role for role, _ in wanted)
            kinds.setdefault((month, roles), []).append(entry)
        else:
            held -= wanted
    left: list[Entry] = []
    otherwise: list[tuple[Entry, Voucher]] = []
    for (month, roles), found in kinds.items():
        total: Counter[str] = Counter()
        for role, fen in (line for entry in found for line in _by_role(entry, policy)):
            total[role] += fen
        near: Voucher | None = None
        for voucher, lines in free.get(month, []):
            booked: Counter[str] = Counter()
            for (role, fen), count in lines.items():
                if role in roles:
                    booked[role] += fen * count
            if booked == total:
                break
            if any(booked[charged] < 0 > total[charged] for _, charged in _CHARGES.values()):
                near = voucher
        else:
            left += found
            otherwise += [(entry, near) for entry in found if near is not None]
    return sorted(left, key=lambda entry: (entry.effective_on, entry.id)), otherwise


def _by_role(entry: Entry, policy: AccountingPolicy) -> list[tuple[str, int]]:
    named = [(role_of(policy, line.account) or line.account, line.amount) for line in entry.lines]
    return [(role, fen) for role, fen in named if role != "bank"]


def post(uow: Uow, found: Iterable[Entry]) -> int:
    """Post the entries; how many were new."""
    return sum(uow.post(entry) is not None for entry in found)


def mirror(voucher: Voucher, book: Book) -> Entry:
    """The voucher as an entry of the entity's book, line by line as the ERP wrote it."""
    lines = tuple(Line(line.account, line.amount.fen, line.summary) for line in voucher.lines)
    return Entry(
        ids.derived("pst", book.id, voucher.id, voucher.dated.isoformat(), "mirror"),
        book.id,
        voucher.dated,
        lines,
        voucher.id,
        voucher.lines[0].summary,
    )


_SUMMARY = {
    "corrected": "数据资源更正",
    "transfer": "开发支出转入无形资产—数据资源",
    "amortisation": "数据资源摊销",
    "impairment": "数据资源减值",
    "write_down": "数据资源存货跌价",
    "gone": "数据资源终止确认",
}
_CORRECTED = "corrected"
# Where the other side of a correction stands: an audit's in the year's own accounts, a later
# event's and an error's in 以前年度损益调整.
_CORRECTS = {
    Layer.DEVELOPMENT: "research_expense",
    Layer.COST: "research_expense",
    Layer.AMORTISATION: "amortisation_expense",
    Layer.IMPAIRMENT: "impairment_loss",
    Layer.INVENTORY: "cost_of_sales",
    Layer.WRITE_DOWN: "impairment_loss",
}
_CHARGES = {
    "amortisation": ("amortisation_expense", "accumulated_amortisation"),
    "impairment": ("impairment_loss", "intangible_impairment"),
    "write_down": ("impairment_loss", "inventory_provision"),
}
_ACCOUNT = {
    Layer.DEVELOPMENT: "development_capitalised",
    Layer.COST: "intangible_data",
    Layer.AMORTISATION: "accumulated_amortisation",
    Layer.IMPAIRMENT: "intangible_impairment",
    Layer.INVENTORY: "inventory_data",
    Layer.WRITE_DOWN: "inventory_provision",
}
_RESULT = {
    Kind.DISPOSED: "disposal_result",
    Kind.LAPSED: "lapse_loss",
    Kind.SOLD: "cost_of_sales",
    Kind.OTHER_OUT: "disposal_result",
}


def _group(movement: Movement, carrying: Carrying) -> str:
    """What kind of entry the movement belongs to; empty when the voucher's own lines say it."""
    if movement.kind is Kind.CORRECTED:
        return f"{_CORRECTED}.{movement.layer}.{movement.why}.{movement.decided}"
    if movement.kind is Kind.TRANSFERRED:
        return "transfer"
    if movement.kind in (Kind.CHARGED, Kind.REVERSED):
        return movement.layer.value
    if movement.kind in _RESULT and movement.source == carrying.asset:
        return "gone"
    return ""


def _lines(
    key: str, moved: Sequence[Movement], policy: AccountingPolicy, proceeds: Money | None
) -> tuple[Line, ...]:
    if key == "transfer":
        moved = [m for m in moved if m.layer is Layer.DEVELOPMENT]
    if key == "gone":
        # Cost is a debit balance, the other layers are credit balances: what is left after the
        # proceeds is the result.
        sides = [
            (
                _ACCOUNT[m.layer],
                m.amount.fen if m.layer in (Layer.COST, Layer.INVENTORY) else -m.amount.fen,
            )
            for m in moved
        ]
        if proceeds is not None:
            sides.append(("bank", proceeds.fen))
        result = (_RESULT[moved[0].kind], -sum(fen for _, fen in sides))
        return tuple(Line(account_of(policy, role), fen) for role, fen in (*sides, result) if fen)
    fen = sum(m.amount.fen for m in moved)
    if key.startswith(_CORRECTED):
        layer, why = moved[0].layer, moved[0].why
        other = _CORRECTS[layer] if why == "audit" else "prior_year_adjustment"
        fen = fen if layer in (Layer.DEVELOPMENT, Layer.COST, Layer.INVENTORY) else -fen
        debit, credit = _ACCOUNT[layer], other
    elif key == "transfer":
        debit, credit, fen = "intangible_data", "development_capitalised", -fen
    else:
        debit, credit = _CHARGES[key]
    if not fen:
        return ()
    return (Line(account_of(policy, debit), fen), Line(account_of(policy, credit), -fen))


def book_of(entity: str, currency: str = "CNY", fiscal_year: str = "01-01") -> Book:
    """The entity's own book, `book:plant_co.entity`."""
    from sanhua.kernel.ledger import BookKind

    key = named("party", entity).partition(":")[2]
    return Book(f"book:{key}.entity", f"party:{key}", BookKind.ENTITY, currency, fiscal_year)
