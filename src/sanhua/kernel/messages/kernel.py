"""Money, time and record codes."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "money.not-exact": Message(
        "{value} 不是两位小数以内的金额",
        "{value} is not an amount with at most two decimals",
        "写成 2000.00 这样的纯数字，不带千分位和“万”",
        "write plain digits such as 2000.00, without separators or 万",
    ),
    "money.mixed-currency": Message(
        "{left} 与 {right} 币种不同，不能相加", "{left} and {right} cannot be added"
    ),
    "time.not-a-day": Message(
        "{value} 不是日期", "{value} is not a day", "写成 2026-01-31", "write 2026-01-31"
    ),
    "time.not-a-period": Message(
        "{value} 不是期间",
        "{value} is not a period",
        "写成 2024-06、2024-Q2、2024-H1 或 2024",
        "write 2024-06, 2024-Q2, 2024-H1 or 2024",
    ),
    "ledger.unbalanced": Message(
        "分录 {entry} 借贷不平，差 {difference}",
        "entry {entry} does not balance, off by {difference}",
    ),
    "ledger.one-line": Message("分录 {entry} 少于两行", "entry {entry} has fewer than two lines"),
    "ledger.mixed-currency": Message(
        "分录 {entry} 含币种 {currencies}", "entry {entry} has more than one currency: {currencies}"
    ),
}
