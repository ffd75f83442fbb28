"""买方的程序：按合约取数。只用标准库。 A buyer's program: gets what its deal gives.

    SANHUA_TOKEN=sh_… python client.py URL PRODUCT CALLS KEY [KEY …] [NAME=VALUE …]

Gets a page of rows, then looks up CALLS of them again one by one by their key columns; NAME=VALUE
goes with every call. Each call has an Idempotency-Key of its own and is tried again under the same
key when no answer came, so that it is paid once. Prints what it counted itself.
"""

import http.client
import json
import os
import sys
import time
import uuid
from collections import Counter
from urllib.parse import quote, urlencode, urlsplit


def main(url: str, product: str, calls: int, words: list[str]) -> None:
    key = [word for word in words if "=" not in word]
    always = dict(word.split("=", 1) for word in words if "=" in word)
    line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    counted = Counter()

    def get(**asked: str) -> dict:
        headers = {
            "Authorization": f"Bearer {os.environ['SANHUA_TOKEN']}",
            "Idempotency-Key": uuid.uuid4().hex,
        }
        for attempt in range(10):
            try:
                path = f"/v1/data/{quote(product)}?{urlencode(always | asked)}"
                line.request("GET", path, headers=headers)
                answer = line.getresponse()
                said = json.loads(answer.read())
            except (OSError, http.client.HTTPException):
                line.close()
                time.sleep(0.1 * attempt)
                continue
            counted["answered" if answer.status == 200 else said["code"]] += 1
            return said
        raise SystemExit(f"no answer from {url}")

    rows = get(limit="200").get("rows", [])
    for number in range(calls - 1 if rows else 0):
        row = rows[number % len(rows)]
        get(**{name: row[name] for name in key})
    answered = counted.pop("answered", 0)
    print(json.dumps({"answered": answered, "refused": dict(counted)}, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:])
