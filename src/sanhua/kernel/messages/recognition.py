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
    "voucher.gone": Message(
        "凭证 {number}（{dated}）已记入账簿，现在文件中没有它，或日期、编号已改",
        "voucher {number} ({dated}) stands in the book; the files have it no more, or with another "
        "day or number",
        "把它恢复原样；要更正的，在 ERP 中红字冲回后另记",
        "put it back as it was; to correct it, take it back in red in the ERP and book anew",
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
    "recognise.definition-open": Message(
        "{amount} 待定：资产的定义或确认条件 {condition} 没有日期或证据（{cite}）",
        "{amount} waits: {condition}, of the definition of an asset, has no dated evidence "
        "({cite})",
        "在 books/assets/{asset}.yaml 的 recognition.definition 下补上 {condition}",
        "give {condition} its date and evidence under recognition.definition in "
        "books/assets/{asset}.yaml",
    ),
    "recognise.not-an-asset": Message(
        "{amount} 记在资产科目，而 {asset} 不符合资产的定义（{condition}，{cite}）",
        "{amount} is on an asset account, but {asset} does not meet the definition of an asset "
        "({condition}, {cite})",
        "在 ERP 中冲回并费用化；可自愿披露",
        "take it back in the ERP and expense it; it may be disclosed voluntarily",
    ),
    "recognise.not-controlled": Message(
        "{amount} 记在资产科目，而 {asset} 的授权不给予控制（{cite}）",
        "{amount} is on an asset account, but what grants {asset} gives no control of it ({cite})",
        "在 ERP 中冲回并费用化；只能自愿披露",
        "take it back in the ERP and expense it; voluntary disclosure only",
    ),
    "recognise.not-recognisable": Message(
        "{amount} 记在资产科目，而 {asset} 不满足确认条件 {condition}（{cite}）",
        "{amount} is on an asset account, but {asset} fails the recognition condition "
        "{condition} ({cite})",
        "在 ERP 中冲回并费用化；出售时按 CAS 14 确认收入，可自愿披露",
        "take it back in the ERP and expense it; a sale is revenue (CAS 14), disclosure voluntary",
    ),
    "recognise.outside-term": Message(
        "{amount} 于 {dated} 发生，不在 {asset} 授权协议的期限内（{cite}）",
        "{amount} of {dated} is outside the term of the agreement that gives {asset} ({cite})",
        "费用化；续约的，更正 recognition.control 的 from、through 或 grant",
        "expense it; where the agreement was renewed, correct from, through or grant of "
        "recognition.control",
    ),
    "recognise.life-beyond-term": Message(
        "{asset} 的使用寿命（{months} 个月）超过授权协议的期限（至 {through}）",
        "{asset}: a life of {months} months goes beyond the agreement it rests on (through "
        "{through})",
        "缩短 measurement.life.months，或写明续约的证据并更正期限",
        "shorten measurement.life.months, or show the renewal and correct the term",
    ),
    "recognise.control-not-stated": Message(
        "{asset} 没有写明合法拥有或控制的依据",
        "{asset}: nothing says by what it is lawfully owned or controlled",
        "写 control: [证据]，或 recognition.definition.controlled",
        "write control: [papers], or recognition.definition.controlled",
    ),
    "recognise.purpose-differs": Message(
        "{asset} 的持有目的 {holding} 与 use: {use} 不一致",
        "{asset} is held for {holding}, but says use: {use}",
        "改正其一：持有目的决定适用的准则",
        "correct one of them: the purpose decides which standard applies",
    ),
    "recognise.licence-is-no-sale": Message(
        "{asset} 写 use: sale，而 {of} 只许可使用、不转移控制：许可不是出售，通常是无形资产",
        "{asset} says use: sale, but {of} licenses it without transfer of control: a licence is "
        "no sale, and the asset usually an intangible",
        "核对 use；确为出售的，写明转移控制的协议",
        "look at use; where it is truly sold, show the agreement that transfers control",
    ),
    "recognise.component-excluded": Message(
        "成本构成不计入数据资源成本，费用化（{cite}）",
        "a part of the cost that never counts into a data resource: expensed ({cite})",
    ),
    "recognise.component-capitalised": Message(
        "{amount} 记在资产科目 {account}，而成本构成 {condition} 不计入数据资源成本（{cite}）",
        "{amount} is on the asset account {account}, but {condition} never counts into the cost "
        "of a data resource ({cite})",
        "在 ERP 中冲回并费用化；构成写错的，更正 component 或 components",
        "take it back in the ERP and expense it; or correct component or components",
    ),
    "recognise.component-unknown": Message(
        "{amount} 待定：成本构成 {condition} 不在该资产的成本范围内（{cite}）",
        "{amount} waits: {condition} is no part of the cost of such an asset ({cite})",
        "按条款所列的构成更正 component 或 components",
        "correct component or components to a part that the clause lists",
    ),
    "recognise.agreement-open": Message(
        "{amount} 待定：以其他方式取得的资产没有计量依据的协议或分配（{cite}）",
        "{amount} waits: an asset got in another way lacks the agreement or allocation that "
        "measures it ({cite})",
        "在 recognition.agreement 写 by、amount、date、evidence；评估报告只能被引用，不能作依据",
        "write by, amount, date and evidence under recognition.agreement; an appraisal may be "
        "cited there, never be the basis",
    ),
    "recognise.agreement-differs": Message(
        "{asset} 入账 {carried}，协议或分配为 {agreed}（{standard}）",
        "{asset} is carried at {carried}, its agreement or allocation says {agreed} ({standard})",
        "差额应是可归属的税费；否则更正凭证或协议金额",
        "the difference must be taxes that belong to it; otherwise correct voucher or agreement",
    ),
    "recognise.acquired": Message(
        "以其他方式取得的成本，资本化（{cite}）",
        "cost of what was got in another way: carried ({cite})",
    ),
    "recognise.condition-ahead": Message(
        "{asset} 的条件 {condition} 写于 {date}，晚于 {day}：还没有满足",
        "{asset}: condition {condition} is dated {date}, after {day}: it is not met yet",
        "满足之日再写，并附证据",
        "write it, with its paper, on the day it is met",
    ),
    "recognise.condition-early": Message(
        "{asset} 的条件 {condition} 写于 {date}，早于项目开始 {began}",
        "{asset}: condition {condition} is dated {date}, before the project began ({began})",
        "核对日期；沿用旧项目的，说明依据",
        "compare the days; where it rests on an earlier project, say how",
    ),
    "recognise.judged-too-early": Message(
        "{asset}：{by} 于 {judged} 判断，而最后一项条件 {latest} 才满足",
        "{asset}: {by} judged on {judged}, the last condition was met only on {latest}",
        "条件全部满足后重新判断，更正 judged.date",
        "judge again when all conditions are met, and correct judged.date",
    ),
    "recognise.phase-differs": Message(
        "{asset} 的五项条件 {latest} 已满足，而开发阶段 {development} 才开始：其间支出仍费用化",
        "{asset}: the five conditions were met on {latest}, before development began on "
        "{development}: what was spent between is expensed",
        "核对 project.development 与各条件的日期",
        "compare project.development with the days of the conditions",
    ),
    "recognise.one-paper": Message(
        "{asset} 的五项条件用同一份证据 {paper}",
        "{asset}: one paper ({paper}) shows all five conditions",
        "每项条件附各自的证据，或注明所在章节",
        "give each condition its own paper, or a note of the part that shows it",
    ),
    "recognise.fulfilment-met": Message(
        "履行合同的成本，自 {starts_on} 满足条件，计入合同履约成本（{cite}）",
        "cost of fulfilling a contract, its conditions met since {starts_on}: carried ({cite})",
    ),
    "recognise.fulfilment-open": Message(
        "{amount} 待定：合同履约成本的条件 {condition} 没有日期、证据或判断（{cite}）",
        "{amount} waits: {condition}, of the conditions of a contract cost, is not shown or "
        "judged ({cite})",
        "在 books/assets/{asset}.yaml 的 fulfilment 下补上 {condition}",
        "give {condition} under fulfilment in books/assets/{asset}.yaml",
    ),
    "recognise.fulfilment-failed": Message(
        "{amount} 记在资产科目，而 {asset} 不满足合同履约成本的条件（{cite}）",
        "{amount} is on an asset account, but {asset} fails the conditions of a contract cost "
        "({cite})",
        "在 ERP 中冲回并费用化",
        "take it back in the ERP and expense it",
    ),
    "recognise.before-fulfilment": Message(
        "{amount} 发生于合同履约成本的条件满足（{starts_on}）之前（{cite}）",
        "{amount} comes before the conditions of a contract cost were met ({starts_on}) ({cite})",
        "在 ERP 中冲回并费用化",
        "take it back in the ERP and expense it",
    ),
    "recognise.after-fulfilment": Message(
        "{amount} 发生于履约期满（{ends_on}）之后：与已履行的义务有关的支出费用化（{cite}）",
        "{amount} comes after the contract was fulfilled ({ends_on}): spending on obligations "
        "already satisfied is expensed ({cite})",
        "在 ERP 中冲回并费用化；续约的另立资产文件",
        "take it back in the ERP and expense it; a renewal is an asset file of its own",
    ),
    "fulfil.impaired": Message(
        "{asset} 的合同履约成本计提减值 {amount}（{cite}）",
        "{asset}: the contract cost is impaired by {amount} ({cite})",
    ),
    "asset.judged-ahead": Message(
        "{asset} 的判断日 {date} 晚于今天 {day}",
        "{asset}: the judgement is dated {date}, after today ({day})",
        "写实际判断的日子",
        "write the day on which it was judged",
    ),
    "asset.judged-outside": Message(
        "{asset} 的判断人 {party} 属于 {of}，不是 {entity} 或其上级",
        "{asset}: {party}, who judged, is of {of}, neither of {entity} nor of a parent of it",
        "由本主体的财务人员判断",
        "let finance of the entity judge",
    ),
    "asset.key-misplaced": Message(
        "{asset}：{key} 只用于 {wanted}",
        "{asset}: {key} belongs to {wanted} only",
        "删去 {key}，或更正 route、use、recognise_as",
        "remove {key}, or correct route, use or recognise_as",
    ),
}
