"""What recognition asks of an asset file and of the vouchers behind it."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "recognise.reversal-unmatched": Message(
        "{amount} 冲销凭证 {original}，但那里没有属于 {asset} 的分录可冲",
        "{amount} takes back {original}, which has no line of {asset} to take back",
        "核对原凭证的项目、科目与金额；原凭证未计入本资产的，红字也不计入",
        "compare project, account and amount of the original: what never counted into the asset "
        "is not taken off it",
    ),
    "voucher.other-currency": Message(
        "凭证 {number} 以 {currency} 记账，而账簿的记账本位币是 {expected}：不记账",
        "voucher {number} is in {currency}, the book is kept in {expected}: it is not posted",
        "在 ERP 中按交易日汇率折算为 {expected} 后重新导出（CAS 19）",
        "translate it to {expected} in the ERP at the rate of its day (CAS 19) and export again",
    ),
    "voucher.repeated": Message(
        "凭证 {number} 的 {lines} 行在同一文件中重复了一遍，金额会加倍",
        "the {lines} lines of voucher {number} stand in the file twice; its amounts would double",
        "删去重复的行；确有两笔的，在摘要中分清或合为一行",
        "delete the repeated lines; if there are truly two, tell them apart in the summary or add "
        "them up",
    ),
    "voucher.same-content": Message(
        "凭证 {number} 与 {other}（{where}）同日、同分录、同附件：同一笔支出记了两次",
        "voucher {number} has the day, lines and papers of {other} ({where}): one spending booked "
        "twice",
        "删去一张或在 ERP 中红字冲销；确是两笔的，各附自己的附件",
        "remove one, or take it back in the ERP; if there are truly two, give each its own paper",
    ),
    "voucher.reversal-early": Message(
        "凭证 {number}（{dated}）冲销 {original}，早于原凭证的日期 {on}",
        "voucher {number} ({dated}) takes back {original} before its day {on}",
        "核对日期与 reverses",
        "compare the days and `reverses`",
    ),
    "voucher.reversal-differs": Message(
        "凭证 {number} 冲销 {original}，但在科目 {account} 上不是冲回它的分录",
        "voucher {number} takes back {original}, but on account {account} it undoes nothing of it",
        "红字凭证只冲回原凭证的科目；正确的分录另记一张凭证",
        "a red voucher only takes back accounts of the original; book what is right by its own",
    ),
    "voucher.reversal-exceeds": Message(
        "凭证 {number} 冲销 {original} 的科目 {account} {amount}，超过其余额 {left}",
        "voucher {number} takes {amount} back from account {account} of {original}, which has "
        "{left} left",
        "核对金额；一张凭证最多冲回一次",
        "compare the amounts: a voucher is taken back once at most",
    ),
    "voucher.reversed-twice": Message(
        "凭证 {number} 冲销 {original}，而 {other} 已将它全部冲回",
        "voucher {number} takes back {original}, which {other} has taken back already",
        "删去多余的红字凭证，或在 ERP 中冲回它",
        "remove the second red voucher, or take it back in the ERP",
    ),
    "voucher.reversed-in-part": Message(
        "凭证 {original} 只冲回了一部分，科目 {account} 还余 {left}",
        "voucher {original} is taken back in part only; account {account} keeps {left}",
        "只更正差额时无需处理；要全部冲回的，再记余下的部分",
        "nothing to do where only a difference is corrected; otherwise take the rest back too",
    ),
    "voucher.period-closed": Message(
        "凭证 {number}（{dated}）落在已结账的 {period}：搁置，不记账、不确认、不列示",
        "voucher {number} ({dated}) is dated in {period}, which is closed: set aside, not posted, "
        "recognised or shown",
        "在 {next} 起未结账的期间记账；属于前期差错或审计调整的，写入资产文件的 "
        "measurement.corrections",
        "book it in an open period, from {next}; an error of the past or an audit adjustment goes "
        "into measurement.corrections of the asset file",
    ),
    "voucher.reverses-aside": Message(
        "凭证 {number} 冲销 {original}，而后者落在已结账的 {period}，已被搁置：一并搁置",
        "voucher {number} takes back {original}, which is set aside for the closed {period}: both "
        "are set aside",
        "两张一并撤回，或一并在未结账的期间记账",
        "withdraw both, or book both in an open period",
    ),
}
