"""Synthetic raw data of an invented grid company: 290 customers, 62 days of hourly readings.

Nothing here is real: no company, person, number, address or reading. Credit codes are of area
339900, which does not exist. Each kind of dirt that a table holds is listed in `DIRT`, with the
number of its rows.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

CUSTOMERS = 290
FIRST_DAY, DAYS = date(2025, 12, 1), 62
HOLIDAYS = frozenset({date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)})
WORKED_WEEKENDS = frozenset({date(2026, 1, 4)})

# What is wrong with each file on purpose: kind of dirt → rows.
DIRT = {
    "customers": {
        "repeated row": 9,
        "trailing or ideographic spaces": 24,
        "credit code missing": 6,
        "credit code with a wrong check digit": 13,
        "unknown industry code": 4,
        "phone missing": 7,
        "capacity with its unit in the cell": 5,
        "date that does not exist": 3,
        "comma in the address splits the row": 2,
    },
    "meters": {"unknown customer": 2},
    "readings": {
        "reading missing": 1_300,
        "sent twice": 900,
        "sent again with another value": 260,
        "no value": 420,
        "text for a number": 140,
        "negative": 60,
        "out of range": 45,
        "time that does not exist": 24,
        "row cut short": 18,
        "unknown meter": 72,
    },
    "tariffs": {"price not a number": 1, "trailing space in a code": 2},
    "weather": {"temperature as text": 1, "temperature missing": 2},
}

_CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国志远思雨子涵欣怡浩然宇轩晨曦"
_NAMED = "恒信 瑞丰 博远 华聚 鼎盛 云启 金谷 朗驰 东屹 新泰 嘉禾 凯昇 宏图 启明 锦程 百川".split()
_NUMBERED = "一 二 三 四 五 六 七 八 九 十 十一 十二 十三 十四 十五 十六 十七 十八 十九".split()
_DISTRICTS = (
    ("东塘区", ("滨河路", "纺织路", "工业大道")),
    ("西湾区", ("港口路", "船厂路", "临海大道")),
    ("南坪县", ("茶场路", "新兴路", "坪中街")),
    ("北岭县", ("矿山路", "岭北大道", "长青路")),
)
_VOLTAGES = ("10kV", "35kV", "110kV")


@dataclass(frozen=True, slots=True)
class _Industry:
    """`shape`: share of the peak load in each of 24 hours; `weekend`: share of a weekday's load."""

    code: str
    name: str
    load_kw: float
    weekend: float
    shape: tuple[float, ...]


def _shape(night: float, day: float, evening: float) -> tuple[float, ...]:
    return tuple(night if h < 7 or h == 23 else day if 8 <= h < 18 else evening for h in range(24))


_INDUSTRIES = (
    _Industry("C17", "纺织", 420.0, 0.85, _shape(0.70, 1.00, 0.90)),
    _Industry("C26", "化工", 1500.0, 0.98, _shape(0.95, 1.00, 0.98)),
    _Industry("C31", "钢铁", 3800.0, 0.96, _shape(1.00, 0.86, 0.90)),
    _Industry("C33", "金属制品", 300.0, 0.45, _shape(0.20, 1.00, 0.50)),
    _Industry("C39", "电子", 650.0, 0.80, _shape(0.75, 1.00, 0.85)),
    _Industry("F52", "商贸", 160.0, 1.10, _shape(0.15, 0.80, 1.00)),
    _Industry("H61", "酒店", 120.0, 1.15, _shape(0.45, 0.75, 1.00)),
    _Industry("I64", "数据中心", 900.0, 1.00, _shape(0.96, 1.00, 0.98)),
    _Industry("Q84", "医院", 260.0, 0.80, _shape(0.45, 1.00, 0.65)),
)


@dataclass(slots=True)
class _Customer:
    number: str
    name: str
    credit: str
    contact: str
    phone: str
    address: str
    industry: _Industry
    voltage: str
    capacity_kva: int
    opened: date
    meter: str
    multiplier: int
    load: float


class _Dice:
    """Draws that are the same on every Python: all from `Random.random`."""

    def __init__(self, seed: int) -> None:
        self.roll = Random(seed).random

    def below(self, n: int) -> int:
        return int(self.roll() * n)

    def one(self, options: Sequence[str]) -> str:
        return options[self.below(len(options))]

    def some(self, count: int, of: int) -> set[int]:
        """`count` different numbers below `of`."""
        found: set[int] = set()
        while len(found) < min(count, of):
            found.add(self.below(of))
        return found


def write_raw(raw: Path, *, seed: int) -> None:
    """Write customers, token vault, meters, readings, tariffs and weather into `raw`."""
    raw.mkdir(parents=True, exist_ok=True)
    dice = _Dice(seed)
    customers = [_customer(dice, at) for at in range(CUSTOMERS)]
    _write_customers(raw / "customers.csv", customers, dice)
    _write_tokens(raw / "token_vault.csv", customers, dice)
    _write_meters(raw / "meters.parquet", customers)
    temperatures = _write_weather(raw / "weather.ndjson", dice)
    _write_tariffs(raw / "tariffs.xlsx")
    _write_readings(raw, customers, temperatures, dice)


def organisation_check(first8: str) -> str:
    """The check character of an organisation code (GB 11714) after its eight characters."""
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    total = sum(
        letters.index(c) * w for c, w in zip(first8, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)
    )
    return "0X987654321"[total % 11] if total % 11 else "0"


def credit_check(first17: str) -> str:
    """The check character of a social credit code (GB 32100) after its seventeen characters."""
    total = sum(_CREDIT.index(c) * pow(3, at, 31) for at, c in enumerate(first17))
    return _CREDIT[-total % 31]


def _customer(dice: _Dice, at: int) -> _Customer:
    industry = _INDUSTRIES[dice.below(len(_INDUSTRIES))]
    district, streets = _DISTRICTS[dice.below(len(_DISTRICTS))]
    organisation = "MA" + "".join(_CREDIT[dice.below(30)] for _ in range(6))
    body = "91339900" + organisation + organisation_check(organisation)
    load = industry.load_kw * (0.5 + dice.roll())
    voltage = _VOLTAGES[0 if load < 800 else 1 if load < 3000 else 2]
    mobile = f"1990000{dice.below(10_000):04d}"
    landline = f"0599-5550{dice.below(1000):03d}"
    return _Customer(
        number=f"33{at + 1:08d}",
        name=f"岚州{_NAMED[at % 16]}{_NUMBERED[at // 16]}号{industry.name}有限公司",
        credit=body + credit_check(body),
        contact=dice.one(_SURNAMES)
        + dice.one(_GIVEN)
        + (dice.one(_GIVEN) if dice.roll() < 0.6 else ""),
        phone=mobile if dice.roll() < 0.8 else landline,
        address=f"岚州市{district}{dice.one(streets)}{1 + dice.below(600)}号",
        industry=industry,
        voltage=voltage,
        capacity_kva=(int(load * 1.4) // 5 + 1) * 5,
        opened=date(2005, 1, 1) + timedelta(days=dice.below(7300)),
        meter=f"M{at + 1:06d}",
        multiplier=(20, 60, 120)[_VOLTAGES.index(voltage)],
        load=load,
    )


def _write_customers(path: Path, customers: Sequence[_Customer], dice: _Dice) -> None:
    """GB18030, CRLF, as an old marketing system exports it; one snapshot."""
    wanted = DIRT["customers"]
    spaced = dice.some(wanted["trailing or ideographic spaces"], CUSTOMERS)
    keyless = dice.some(wanted["credit code missing"], CUSTOMERS)
    wrong = dice.some(wanted["credit code with a wrong check digit"] * 2, CUSTOMERS) - keyless
    wrong = set(sorted(wrong)[: wanted["credit code with a wrong check digit"]])
    unknown = dice.some(wanted["unknown industry code"], CUSTOMERS)
    phoneless = dice.some(wanted["phone missing"], CUSTOMERS)
    # A row that cannot be typed is a spare copy: its customer still arrives by the right row.
    typed = sorted(dice.some(10, CUSTOMERS))
    units, undated, split = typed[:5], typed[5:8], typed[8:]
    lines = [
        "户号,户名,统一社会信用代码,联系人,联系电话,用电地址,行业代码,电压等级,合同容量,立户日期"
    ]
    for at, c in enumerate(customers):
        credit = "" if at in keyless else c.credit
        if at in wrong:
            credit = credit[:17] + _CREDIT[(_CREDIT.index(credit[17]) + 1) % 31]
        cells = [
            c.number,
            f"{c.name}　" if at in spaced else c.name,
            credit,
            f" {c.contact} " if at in spaced else c.contact,
            "" if at in phoneless else c.phone,
            c.address,
            "X99" if at in unknown else c.industry.code,
            c.voltage,
            str(c.capacity_kva),
            c.opened.strftime("%Y/%m/%d"),
        ]
        lines.append(",".join(cells))
        if at in units:
            lines.append(",".join([*cells[:8], f"{c.capacity_kva}千伏安", cells[9]]))
        if at in undated:
            lines.append(",".join([*cells[:9], f"{c.opened.year}/02/30"]))
        if at in split:
            lines.append(",".join([*cells[:5], f"{c.address},厂房东侧", *cells[6:]]))
    for at in sorted(dice.some(wanted["repeated row"], CUSTOMERS)):
        lines.append(next(line for line in lines if line.startswith(customers[at].number)))
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode("gb18030"))


def _write_tokens(path: Path, customers: Sequence[_Customer], dice: _Dice) -> None:
    """A random token a customer, as a token vault keeps it: it is not computed from the number."""
    taken: set[str] = set()
    lines = ["customer_no,token"]
    for customer in customers:
        token = ""
        while not token or token in taken:
            token = "T" + "".join(_CREDIT[dice.below(31)] for _ in range(9))
        taken.add(token)
        lines.append(f"{customer.number},{token}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _write_meters(path: Path, customers: Sequence[_Customer]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        (c.meter, c.number, c.multiplier, f"F{1 + at % 17:02d}") for at, c in enumerate(customers)
    ]
    rows += [
        (f"M{900_001 + at}", f"33{90_000_001 + at}", 20, "F99")
        for at in range(DIRT["meters"]["unknown customer"])
    ]
    names, numbers, multipliers, feeders = zip(*rows, strict=True)
    table = pa.table(
        {
            "meter_no": pa.array(names, pa.string()),
            "customer_no": pa.array(numbers, pa.string()),
            "multiplier": pa.array(multipliers, pa.int32()),
            "feeder": pa.array(feeders, pa.string()),
        }
    )
    pq.write_table(table, path, compression="zstd")


def _write_weather(path: Path, dice: _Dice) -> dict[date, float]:
    """A day a line; returns the mean temperature of each day."""
    found: dict[date, float] = {}
    lines: list[str] = []
    texts = dice.some(DIRT["weather"]["temperature as text"], DAYS)
    missing = dice.some(DIRT["weather"]["temperature missing"] + 1, DAYS) - texts
    missing = set(sorted(missing)[: DIRT["weather"]["temperature missing"]])
    for at in range(DAYS):
        day = FIRST_DAY + timedelta(days=at)
        mean = 9.0 - 6.0 * at / DAYS + 5.0 * (dice.roll() - 0.5)
        found[day] = mean
        row: dict[str, object] = {
            "day": day.isoformat(),
            "high_c": round(mean + 2 + 3 * dice.roll(), 1),
            "low_c": round(mean - 2 - 3 * dice.roll(), 1),
            "rest_day": (day.weekday() >= 5 or day in HOLIDAYS) and day not in WORKED_WEEKENDS,
        }
        if at in texts:
            row["high_c"] = "缺测"
        if at in missing:
            row["low_c"] = None
        lines.append(json.dumps(row, ensure_ascii=False))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return found


def _write_tariffs(path: Path) -> None:
    """A price notice as a sheet: a title above the headings, a row a voltage and span of hours."""
    import xlsxwriter

    spans = [
        ("谷", 0, 8, 0.32),
        ("平", 8, 9, 0.68),
        ("峰", 9, 12, 1.08),
        ("平", 12, 17, 0.68),
        ("峰", 17, 22, 1.08),
    ]
    spans.append(("平", 22, 24, 0.68))
    code = {"谷": "valley", "平": "flat", "峰": "peak"}
    book = xlsxwriter.Workbook(str(path))
    book.set_properties(
        {"title": "分时电价表（合成数据）", "created": datetime(2025, 11, 20, tzinfo=UTC)}
    )
    sheet = book.add_worksheet("电价表")
    sheet.write(0, 0, "岚州供电公司分时电价表（合成数据，非真实电价）")
    sheet.write_row(1, 0, ["电压等级", "时段", "起始时", "结束时", "电价"])
    rows: list[list[str | int | float]] = []
    for at, voltage in enumerate(_VOLTAGES):
        rows += [
            [voltage, code[n], start, end, round(price - 0.02 * at, 4)]
            for n, start, end, price in spans
        ]
    for row in rows[2 : 2 + DIRT["tariffs"]["trailing space in a code"] * 6 : 6]:
        row[1] = f"{row[1]} "
    rows.append(["220kV", "flat", 0, 24, "待定"])
    for at, row in enumerate(rows):
        sheet.write_row(2 + at, 0, row)
    sheet.set_column(0, 4, 12)
    book.close()


def _write_readings(
    raw: Path, customers: Sequence[_Customer], temperatures: dict[date, float], dice: _Dice
) -> None:
    """A gzipped file a month, and one that came late."""
    files: dict[str, list[str]] = {}
    late = files.setdefault("readings_2025-12_late.csv.gz", [])
    wanted = DIRT["readings"]
    spoiled = dice.some(sum(wanted[kind] for kind in _SPOIL), CUSTOMERS * DAYS * 24)
    kinds = iter(_shuffled([kind for kind in _SPOIL for _ in range(wanted[kind])], dice))
    at = 0
    for day, mean in temperatures.items():
        rest = (day.weekday() >= 5 or day in HOLIDAYS) and day not in WORKED_WEEKENDS
        month = files.setdefault(f"readings_{day:%Y-%m}.csv.gz", [])
        received = f"{day + timedelta(days=1)} 06:00:00"
        heating = 1.0 + max(0.0, 8.0 - mean) * 0.006
        hours = [f"{day} {hour:02d}:00:00" for hour in range(24)]
        for c in customers:
            level = c.load * heating * (c.industry.weekend if rest else 1.0) / c.multiplier
            shape = c.industry.shape
            postponed = day.month == 12 and day.day > 28 and c.number.endswith("7")
            rows = late if postponed else month
            stamp = f"{day + timedelta(days=9)} 06:00:00" if postponed else received
            for hour, time in enumerate(hours):
                kwh = f"{level * shape[hour] * (0.9 + 0.2 * dice.roll()):.3f}"
                if at in spoiled:
                    rows += _spoil(next(kinds), c.meter, time, kwh, stamp, day)
                else:
                    rows.append(f"{c.meter},{time},{kwh},{stamp}")
                at += 1
    for name, rows in files.items():
        text = "meter_no,hour_start,kwh,received_at\n" + "\n".join(rows) + "\n"
        packed = io.BytesIO()
        with gzip.GzipFile(
            fileobj=packed, mode="wb", compresslevel=5, mtime=0, filename=""
        ) as file:
            file.write(text.encode())
        (raw / name).write_bytes(packed.getvalue())


_SPOIL = (
    "reading missing",
    "sent twice",
    "sent again with another value",
    "no value",
    "text for a number",
    "negative",
    "out of range",
    "time that does not exist",
    "row cut short",
    "unknown meter",
)


def _spoil(kind: str, meter: str, time: str, kwh: str, stamp: str, day: date) -> Iterator[str]:
    row = f"{meter},{time},{kwh},{stamp}"
    if kind == "reading missing":
        return
    if kind == "sent twice":
        yield row
        yield row
    elif kind == "sent again with another value":
        yield f"{meter},{time},{float(kwh) * 0.5:.3f},{stamp}"
        yield f"{meter},{time},{kwh},{day + timedelta(days=2)} 06:00:00"
    elif kind == "no value":
        yield f"{meter},{time},,{stamp}"
    elif kind == "text for a number":
        yield f"{meter},{time},表计故障,{stamp}"
    elif kind == "negative":
        yield f"{meter},{time},-{kwh},{stamp}"
    elif kind == "out of range":
        yield f"{meter},{time},999999.999,{stamp}"
    elif kind == "time that does not exist":
        yield row
        yield f"{meter},{time[:11]}24:61:00,{kwh},{stamp}"
    elif kind == "row cut short":
        yield row
        yield f"{meter},{time}"
    else:  # unknown meter
        yield row
        yield f"M999{meter[4:]},{time},{kwh},{stamp}"


def _shuffled(items: list[str], dice: _Dice) -> list[str]:
    for at in range(len(items) - 1, 0, -1):
        other = dice.below(at + 1)
        items[at], items[other] = items[other], items[at]
    return items
