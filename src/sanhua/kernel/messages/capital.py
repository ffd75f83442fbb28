"""Recognition, measurement and disclosure."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "recognise.other-regime": Message(
        "会计制度 {regime} 不适用本规定（适用：{known}），不确认、不记账、不列示",
        "the instrument does not address the regime {regime} (it does: {known}); nothing is "
        "recognised, posted or shown",
        "按该主体自己的会计制度处理：{where}；写错了就更正 sanhua.yaml 的 regime",
        "follow the entity's own regime: {where}; or correct regime in sanhua.yaml",
    ),
    "recognise.other-currency": Message(
        "{amount} {currency} 不是记账本位币 {expected}",
        "{amount} {currency} is not in the entity's currency {expected}",
        "在 ERP 中折算为 {expected} 后导入",
        "translate it to {expected} in the ERP and export again",
    ),
    "recognise.already-expensed": Message(
        "{amount} 于 {dated} 已费用化，{cite}：不再调整",
        "{amount} was expensed on {dated}; {cite}: it is not adjusted",
        "保留在损益中",
        "leave it in profit or loss",
    ),
    "recognise.expensed-reversed": Message(
        "冲回 {amount}：原支出在规定施行前已费用化，冲回后不得再资本化（{cite}）",
        "{amount} takes back spending that was expensed before the instrument; it may not be "
        "capitalised ({cite})",
        "确认这是更正错误，而不是为了重新入表",
        "make sure that it corrects an error and does not make way for capitalising",
    ),
    "recognise.recapitalised": Message(
        "{amount} 从费用转入资产科目 {account}：已费用化的支出不得重新资本化（{cite}）",
        "{amount} moves from expense to the asset account {account}: spending once expensed "
        "stays so ({cite})",
        "在 ERP 中以红字凭证冲回（reverses）",
        "take it back in the ERP with a red voucher (reverses)",
    ),
    "recognise.use-differs": Message(
        "{amount} 记在 {account}，与资产用途 {use} 应列示的项目不符（{cite}）",
        "{amount} stands on {account}, which the asset's use {use} does not lead to ({cite})",
        "更正 books/assets/{asset}.yaml 的 use，或在 ERP 中更正科目",
        "correct use in books/assets/{asset}.yaml, or the account in the ERP",
    ),
    "recognise.research-phase": Message(
        "研究阶段支出，费用化（{cite}）", "spending of the research phase is expensed ({cite})"
    ),
    "recognise.capitalised-in-research": Message(
        "{amount} 发生在研究阶段（开发阶段始于 {development}），不得资本化（{cite}）",
        "{amount} falls into the research phase (development began {development}) and may not "
        "be carried ({cite})",
        "在 ERP 中冲回并费用化",
        "take it back in the ERP and expense it",
    ),
    "recognise.service-fee": Message(
        "外购数据服务，不符合无形资产定义，费用化（{cite}）",
        "a bought-in service that is no intangible asset is expensed ({cite})",
    ),
    "recognise.condition-open": Message(
        "{amount} 待定：条件 {condition} 没有日期或证据（{cite}）",
        "{amount} waits: condition {condition} has no dated evidence ({cite})",
        "在 books/assets/{asset}.yaml 的 recognition 下补上 {condition} 的 date 与 evidence",
        "give {condition} its date and evidence under recognition in books/assets/{asset}.yaml",
    ),
    "recognise.not-judged": Message(
        "{amount} 待定：没有人对五项条件作出判断（{cite}）",
        "{amount} waits: nobody answers for the five conditions ({cite})",
        "在 recognition 下写 judged: {{by, date}}",
        "write judged: {{by, date}} under recognition",
    ),
    "recognise.no-paper": Message(
        "{amount} 待定：分录没有附件，支出不能可靠计量（{cite}）",
        "{amount} waits: the line has no evidence, its cost is not reliably measured ({cite})",
        "在凭证的 evidence 列写上附件",
        "name its paper in the voucher's evidence column",
    ),
    "recognise.control-open": Message(
        "{amount} 待定：没有合法拥有或控制的证据，还缺 {condition}（{cite}）",
        "{amount} waits: ownership or control is not shown; it still wants {condition} ({cite})",
        "在 books/assets/{asset}.yaml 写 control（证据），受权运营的写 recognition.control",
        "write control (papers) in books/assets/{asset}.yaml; of data operated under another's "
        "grant recognition.control",
    ),
    "recognise.before-conditions": Message(
        "五项条件满足（{starts_on}）之前的支出，费用化（{cite}）",
        "spending before the five conditions were met ({starts_on}) is expensed ({cite})",
    ),
    "recognise.capitalised-too-early": Message(
        "{amount} 于 {dated} 资本化，而五项条件自 {starts_on} 才满足（{cite}）",
        "{amount} was capitalised on {dated}, but the five conditions were met only on "
        "{starts_on} ({cite})",
        "在 ERP 中冲回并费用化",
        "take it back in the ERP and expense it",
    ),
    "recognise.after-available": Message(
        "达到预定用途（{available_on}）之后的支出，费用化（{cite}）",
        "spending after the asset was available for use ({available_on}) is expensed ({cite})",
    ),
    "recognise.capitalised-after-available": Message(
        "{amount} 于 {dated} 资本化，而资产自 {available_on} 已达到预定用途（{cite}）",
        "{amount} was capitalised on {dated}, after the asset was available on {available_on} ("
        "{cite})",
        "费用化；若是新版本，另立资产文件",
        "expense it; a new version is an asset file of its own",
    ),
    "recognise.account-differs": Message(
        "{amount} 已满足资本化条件，但 ERP 记在费用科目 {account}，按费用列报（{cite}）",
        "{amount} meets the conditions, but the ERP has it on the expense account {account}; it "
        "stays expensed ({cite})",
        "若期间未结账，在 ERP 中更正科目后重新导出",
        "if the period is open, correct the account in the ERP and export again",
    ),
    "recognise.written-off": Message(
        "资本化支出转为费用", "capitalised spending written off to expense"
    ),
    "recognise.conditions-met": Message(
        "五项条件自 {starts_on} 满足，资本化（{cite}）",
        "the five conditions are met since {starts_on}: carried ({cite})",
    ),
    "recognise.purchased": Message(
        "外购成本，资本化（{cite}）", "cost of purchase: carried ({cite})"
    ),
    "recognise.stock": Message("存货成本（{cite}）", "cost of inventory ({cite})"),
    "recognise.claimed-twice": Message(
        "{key} 已属于资产 {other}，不能再计入 {asset}",
        "{key} belongs to the asset {other} already and cannot count into {asset}",
        "一个项目编号或一张外购凭证只归一项资产",
        "one project code or purchase voucher belongs to one asset",
    ),
    "recognise.no-such-voucher": Message(
        "截至 {day} 没有凭证 {voucher}",
        "no voucher {voucher} was booked until {day}",
        "检查 vouchers 下的凭证号",
        "look at the numbers under vouchers",
    ),
    "progress.differs": Message(
        "支出／预算 {ratio}（{spent}／{budget}）与 {date} 报告的完成进度 {done} 不同",
        "spent/budget is {ratio} ({spent}/{budget}), progress reported on {date} is {done}",
        "两个数互不推算；请在附注中说明差异",
        "neither follows from the other; explain the difference in the notes",
    ),
    "measure.no-life": Message(
        "{asset} 自 {available_on} 可使用，但没有使用寿命",
        "{asset} is available since {available_on} but has no useful life",
        "在 measurement 下写 life: {{months, reasons, judged}} 或 indefinite",
        "write life: {{months, reasons, judged}} or indefinite under measurement",
    ),
    "measure.rule-not-built": Message(
        "规则 {rule_name} 的值 {value} 尚未实现",
        "the value {value} of the rule {rule_name} is not built",
    ),
    "measure.residual-needs-basis": Message(
        "{asset} 的残值率 {rate} 需要第三方承诺购买或活跃市场作依据",
        "the residual rate {rate} of {asset} needs a third party's commitment or an active market",
        "附上依据，或写 residual: 0%",
        "attach the basis, or write residual: 0%",
    ),
    "measure.life-already-over": Message(
        "{asset}：{date} 起总寿命 {months} 个月，而已摊销 {charged} 个月",
        "{asset}: a whole life of {months} months from {date}, but {charged} months are "
        "amortised already",
        "months 是自首个摊销月起的总月数",
        "months counts from the first month amortised",
    ),
    "measure.impairment-amount": Message(
        "{asset} {date} 的减值没有 amount 或 recoverable",
        "{asset}: the impairment on {date} has neither amount nor recoverable",
    ),
    "measure.impairment-reversed": Message(
        "{asset} {date} 的减值 {amount} 是转回：无形资产减值损失一经确认不得转回",
        "{asset}: {amount} on {date} would reverse an impairment; that of an intangible asset "
        "is never reversed",
        "删去这一条",
        "take the entry out",
    ),
    "measure.impairment-exceeds": Message(
        "{asset} {date} 的减值 {amount} 大于账面价值 {carried}",
        "{asset}: the impairment {amount} on {date} exceeds the carrying amount {carried}",
    ),
    "measure.impairment-test-missing": Message(
        "{asset} {why}，{year} 年没有减值测试",
        "{asset} {why} and has no impairment test in {year}",
        "在 impairments 下写测试结果，没有损失写 amount: 0.00",
        "write the test's result under impairments; amount: 0.00 when there is no loss",
    ),
    "measure.disposal-reason": Message(
        "{asset} {date} 的 reason {reason} 不是 {known} 之一，或不适用于该资产",
        "{asset}: reason {reason} on {date} is none of {known}, or does not fit the asset",
    ),
    "measure.disposal-share": Message(
        "{asset} {date} 的 share {share} 不在 0% 与 100% 之间",
        "{asset}: share {share} on {date} is not between 0% and 100%",
    ),
    "measure.misplaced": Message(
        "{asset} 的 use 为 {use}，{what} 对它没有意义",
        "{asset} has use {use}, to which {what} means nothing",
        "存货写 lots 与 nrv；无形资产写 estimates、impairments 与 held_for_sale",
        "stock has `lots` and `nrv`; an intangible `estimates`, `impairments`, `held_for_sale`",
    ),
    "measure.nothing-left": Message(
        "{asset} 在 {date} 已无余额可处置",
        "{asset}: nothing is left to dispose of on {date}",
        "核对处置的日期与 share",
        "check the date and `share` of the disposals",
    ),
    "measure.negative": Message(
        "{asset} {date} 的价格 {amount} 为负",
        "{asset}: the price {amount} on {date} is negative",
        "写估计售价，不小于零",
        "write the estimated price, not below zero",
    ),
    "measure.proceeds-of-sale": Message(
        "{asset} {date} 的 proceeds {amount}：出售存货的价款是收入，不进处置损益",
        "{asset}: proceeds {amount} on {date}: those of a sale of stock are revenue, not a gain",
        "删去 proceeds，收入由 ERP 的销售凭证反映",
        "remove proceeds; the ERP's own sales voucher shows the revenue",
    ),
    "measure.before-available": Message(
        "{asset} {date} 的 {what} 早于达到预定用途之日：开发支出只有减值与更正",
        "{asset}: {what} on {date} come before the asset is available; development is impaired or "
        "corrected only",
        "先写 available_on；中止的开发项目由 ERP 的转费用凭证反映",
        "write available_on first; an abandoned project shows in the ERP's own write-off voucher",
    ),
    "measure.not-available": Message(
        "{asset} 没有 available_on，不开始摊销",
        "{asset} has no available_on; amortisation does not start",
        "在 measurement 下写 available_on",
        "write available_on under measurement",
    ),
    "measure.issue-method": Message(
        "发出计价方法 {method} 不在准则允许之列",
        "the issue method {method} is none that the standard allows",
    ),
    "measure.no-date": Message(
        "{asset} 的 {what} 有一条没有日期", "{asset}: an entry of {what} has no date"
    ),
    "measure.other-currency": Message(
        "{asset} 的 {amount} 不是 {currency}", "{asset}: {amount} is not in {currency}"
    ),
    "measure.not-a-rate": Message(
        "{asset} 的 {what} 中 {value} 不是比率",
        "{asset}: {value} in {what} is not a rate",
        "写成 50%",
        "write 50%",
    ),
    "disclose.line-equals-parent": Message(
        "{period} {line}「其中：数据资源」{amount} 等于整个项目，请核对（{cite}）",
        "{period}: data resources {amount} equal the whole of {line_en}; check it ({cite})",
        "2024 年数家公司因此更正了报表",
        "several filings of 2024 were corrected for this",
    ),
    "disclose.parent-unknown": Message(
        "{line}「其中：数据资源」{amount} 没有可核对的上级项目",
        "data resources {amount} in {line_en} have no parent line to be checked against",
        "在 books/balances/{day}.csv 写上级项目的期末余额",
        "give the parent's ending balance in books/balances/{day}.csv",
    ),
    "disclose.tie-fails": Message(
        "勾稽 {tie} 不符：{left} 与 {right}", "tie {tie} fails: {left} against {right}", "", ""
    ),
    "disclose.rows-unknown": Message(
        "表 {table} 的行 {row} 不是本程序认识的项目",
        "row {row} of table {table} is none that the program knows",
        "升级程序，或撤回该规则包",
        "upgrade the program, or withdraw the rule pack",
    ),
    "disclose.mixed-currency": Message(
        "{asset} 以 {currency} 计量，报表以 {expected} 列报",
        "{asset} is measured in {currency}, the statement in {expected}",
    ),
    "tie.sub-not-above-parent": Message(
        "其中：数据资源不大于所属项目", "the data-resource line is not above the line it is part of"
    ),
    "tie.roll-forward": Message(
        "期末 = 期初 + 增加 − 减少", "closing = opening + increases − decreases"
    ),
    "tie.parts-not-above-whole": Message(
        "其中各项之和不大于本项", "the parts are not above their row"
    ),
    "tie.carrying": Message(
        "账面价值 = 原值 − 摊销 − 减值", "carrying = cost − amortisation − impairment"
    ),
    "tie.columns-add-up": Message("合计 = 各列之和", "the total column is the sum of the others"),
    "tie.table-a-to-balance-sheet": Message(
        "表 A 账面价值 = 资产负债表无形资产其中：数据资源", "table A agrees with the balance sheet"
    ),
    "tie.table-b-to-balance-sheet": Message(
        "表 B 账面价值 = 资产负债表存货其中：数据资源", "table B agrees with the balance sheet"
    ),
    "tie.spending-accounted": Message(
        "资本化 + 费用化 + 待定 + 拒绝 = 项目全部支出",
        "capitalised + expensed + waiting + refused = all spending of the project",
    ),
    "tie.books-agree": Message(
        "判定资本化的支出 = ERP 资产科目上的项目支出",
        "what is carried is what the ERP has on asset accounts",
    ),
}
