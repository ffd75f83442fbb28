"""Codes of the monthly close."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "close.not-a-month": Message(
        "{period} 不是自然月",
        "{period} is not a calendar month",
        "写作 2026-03",
        "write 2026-03",
    ),
    "close.period-running": Message(
        "{period} 尚未结束（到 {through} 为止）",
        "{period} is not over (it runs through {through})",
        "期末之后再月结",
        "close it when it is over",
    ),
    "close.already-closed": Message(
        "{period} 已月结，最近一次是 {latest}",
        "{period} is closed already; the latest is {latest}",
        "迟到的用量在下一次月结中调整",
        "what came late is adjusted in the next close",
    ),
    "close.out-of-order": Message(
        "{period} 还不能月结：应先月结 {due}",
        "{period} cannot be closed yet: {due} comes first",
        "先 sanhua close {due}",
        "run sanhua close {due} first",
    ),
    "close.nothing": Message(
        "{period} 没有可月结的：还没有合约、用量或该月之前的凭证",
        "there is nothing to close in {period}: no deal, no usage, no voucher up to it",
        "先让合约生效，或写入凭证",
        "let a deal begin, or write vouchers",
    ),
    "close.book-differs": Message(
        "{entity} 的主体账上，{account}（{role}）截至 {through} 记了 {booked}，计量应记 {measured}"
        "（均不含期初与调整期）",
        "by {through} the book of {entity} holds {booked} on {account} ({role}), measurement asks "
        "for {measured} (both without openings and adjustment periods)",
        "sanhua report books 列出该科目的分录；多记或漏记的由 ERP 以红字或补记凭证更正",
        "sanhua report books lists the entries; put right by a voucher what is booked twice or not",
    ),
    "close.meter-open": Message(
        "网关写到一半的计量段迟迟没有结束：{segments}",
        "segments that a gateway was writing do not end: {segments}",
        "看网关是否还活着；停下它再月结",
        "see whether the gateway is alive; stop it and close again",
    ),
    "close.not-reconciled": Message(
        "核对不符（{of}）：{left} {one}，{right} {other}",
        "not reconciled ({of}): {left} {one}, {right} {other}",
        "先 sanhua verify；未月结，也未记账",
        "run sanhua verify; nothing was closed or posted",
    ),
    "close.unknown-deal": Message(
        "计量中的合约 {deal} 当月不存在或尚未生效：{records} 条用量已保留，未计费",
        "{records} records are of deal {deal}, which did not bind then: kept, not billed",
        "查明这些计量段的来源",
        "find out where the segments that hold them come from",
    ),
    "close.no-policy": Message(
        "主体 {entity} 没有 books/policy.yaml：收入只记入结算账，未记入主体账",
        "entity {entity} has no books/policy.yaml: its revenue is in the settlement book only",
        "写出会计政策和科目对照",
        "write its accounting policy and chart",
    ),
    "close.chart-lacks": Message(
        "主体 {entity} 的科目对照缺少 {roles}：相关分录未记入主体账",
        "the chart of {entity} lacks {roles}: the entries that need them are not in its book",
        "在 books/policy.yaml 的 chart 中补上；下一次月结补记",
        "add them to chart in books/policy.yaml; the next close catches up",
    ),
    "close.other-currency": Message(
        "账单 {invoice} 的币种不是主体 {entity} 的记账本位币：未记入主体账",
        "invoice {invoice} is not in the currency of {entity}: it is not in its own book",
        "由 ERP 按其汇率入账",
        "book it in the ERP at its rate",
    ),
}
