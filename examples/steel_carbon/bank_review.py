"""湖滨银行的绿色贷款审查：逐日取数，算排放强度。只用标准库。

The bank's review for a green loan: one call a day of the plant's record, then the emissions of
each month. Every call has an Idempotency-Key made of its question, so a review that is run again
after a failure pays for each day once.

    SANHUA_TOKEN=sh_… python bank_review.py http://127.0.0.1:8080 [PLANT]
"""

import json
import os
import sys
import urllib.error
import urllib.request
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import urlencode

FIRST, LAST = date(2018, 1, 1), date(2018, 12, 31)


def ask(url: str, plant: str, day: date) -> list[dict]:
    """The rows of one day: one, or none."""
    asked = urlencode({"plant": plant, "day": day.isoformat(), "purpose": "green_loan_review"})
    request = urllib.request.Request(
        f"{url}/v1/data/steel_energy?{asked}",
        headers={
            "Authorization": f"Bearer {os.environ['SANHUA_TOKEN']}",
            "Idempotency-Key": f"review-{plant}-{day}",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read(), parse_float=Decimal)["rows"]


def review(url: str, plant: str) -> dict:
    calls, kwh, tco2 = 0, defaultdict(Decimal), defaultdict(Decimal)
    day = FIRST
    while day <= LAST:
        calls += 1
        for row in ask(url, plant, day):
            kwh[f"{day:%Y-%m}"] += Decimal(str(row["kwh"]))
            tco2[f"{day:%Y-%m}"] += Decimal(str(row["tco2"]))
        day += timedelta(days=1)
    return {
        "calls": calls,
        "kwh": f"{sum(kwh.values()):f}",
        "tco2": f"{sum(tco2.values()):f}",
        "tco2_by_month": {month: f"{total:f}" for month, total in tco2.items()},
    }


if __name__ == "__main__":
    try:
        plant = sys.argv[2] if len(sys.argv) > 2 else "P1"
        print(json.dumps(review(sys.argv[1].rstrip("/"), plant), indent=1))
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{error.code} {error.read().decode()}") from None
