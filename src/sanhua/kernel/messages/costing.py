"""Cost collection: timesheets, bills, allocations, the ERP's chart and trial balances, and who
stands behind a voucher.
"""

from sanhua.kernel.messages import Message

MESSAGES = {
    "voucher.two-people": Message(
        "同一凭证的 {key} 有两人：{other}、{value}",
        "one voucher names two people as {key}: {other} and {value}",
        "每张凭证只写一人",
        "write one person a voucher",
    ),
    "voucher.unknown-person": Message(
        "{key} {value} 不是 parties.yaml 中的个人",
        "{key} {value} is no person of parties.yaml",
        "在 parties.yaml 登记（person: true），或改用 {nearest}",
        "add the person to parties.yaml (person: true), or write {nearest}",
    ),
    "voucher.maker-is-checker": Message(
        "凭证 {number} 由 {value} 制单并审核：项目支出须由不同的人制单和审核",
        "voucher {number} was prepared and reviewed by {value}: two people must stand behind "
        "project spending",
        "由另一人在 ERP 中审核后重新导出",
        "let another person review it in the ERP and export again",
    ),
    "voucher.not-reviewed": Message(
        "凭证 {number} 资本化 {amount}，但没有审核人",
        "voucher {number} carries {amount} and nobody reviewed it",
        "在 ERP 中审核后，连同“审核人”列重新导出",
        "have it reviewed in the ERP and export the column reviewed_by again",
    ),
    "voucher.suspected-double": Message(
        "{number} 与 {other} 同日、同科目 {account}、同项目 {project}、同金额 {amount}：疑似重复",
        "{number} and {other} book {amount} on {account} for {project} on one day: perhaps twice",
        "核对原始凭证；重复的在 ERP 中以红字冲销（reverses）",
        "compare the papers; take a double booking back in the ERP (reverses)",
    ),
    "voucher.number-gap": Message(
        "凭证字号 {series} 缺 {count} 个号：{missing}",
        "{count} numbers of the series {series} are missing: {missing}",
        "确认缺号的凭证与项目无关，或补充导出",
        "make sure that they have nothing to do with a project, or export them too",
    ),
    "voucher.outside-file-period": Message(
        "{count} 张凭证的日期不在文件名所示期间内，首张 {number} 记于 {dated}",
        "{count} vouchers lie outside the period that the file is named after; {number} is of "
        "{dated}",
        "更正文件名，或把凭证移到对应期间的文件",
        "rename the file, or move the vouchers to the file of their period",
    ),
    "timesheet.hours": Message(
        "工时 {value} 不是 0 到 24 之间的小时数", "{value} is no number of hours between 0 and 24"
    ),
    "timesheet.unknown-person": Message(
        "工时的人员 {value} 不是 parties.yaml 中的个人",
        "{value} on a timesheet is no person of parties.yaml",
        "在 parties.yaml 登记（person: true, of: 本主体），或改为 {nearest}",
        "add the person to parties.yaml (person: true, of: the entity), or write {nearest}",
    ),
    "timesheet.other-entity": Message(
        "{value} 属于 {of}，不是 {entity} 的人员：其费用应以外购服务的账单列支",
        "{value} is of {of}, not of {entity}: such work is a bill for services",
        "写入 books/bills/（kind: service），或更正 parties.yaml 的 of",
        "write it into books/bills/ (kind: service), or correct `of` in parties.yaml",
    ),
    "timesheet.too-many-hours": Message(
        "{person} 在 {day} 的工时合计 {hours} 小时，超过 24 小时",
        "{person} has {hours} hours on {day}, more than a day has",
        "更正当日各项目的工时",
        "correct the hours of that day",
    ),
    "timesheet.day-off": Message(
        "{person} 当月有 {days} 个休息日或节假日填报工时，首日 {day}",
        "{person} has hours on {days} days off in the month, the first {day}",
        "保留加班审批记录",
        "keep the approval of overtime",
    ),
    "bill.duplicate-invoice": Message(
        "供应商 {vendor} 的发票 {invoice} 已见于 {other}",
        "invoice {invoice} of {vendor} stands at {other} already",
        "删除重复的一行；一张发票分给几个项目时，日期与凭证号须相同",
        "delete one; an invoice split over projects has one day and one voucher",
    ),
    "cost.duplicate-row": Message(
        "与 {other} 完全相同",
        "the row is the same as {other}",
        "删除一行；确有两笔的合并为一行",
        "delete one; add up what truly came twice",
    ),
    "cost.no-such-voucher": Message(
        "没有凭证 {value}",
        "there is no voucher {value}",
        "更正凭证号（最近的：{nearest}），或导出该凭证",
        "correct the number (nearest: {nearest}), or export that voucher",
    ),
    "cost.other-project": Message(
        "凭证 {number} 没有项目 {project} 的成本行（有：{known}）",
        "voucher {number} has no cost line of the project {project} (it has: {known})",
        "更正项目或凭证号",
        "correct the project or the voucher",
    ),
    "cost.other-phase": Message(
        "凭证 {number} 的行属于 {known} 阶段，不是 {phase}",
        "the lines of voucher {number} are of the phase {known}, not {phase}",
        "更正阶段",
        "correct the phase",
    ),
    "cost.no-voucher": Message(
        "项目 {project} {month} 有 {rows} 行没有凭证号，当月可对应的凭证有 {fits} 张",
        "{rows} rows of {project} in {month} name no voucher and {fits} vouchers fit",
        "在 voucher 列写上凭证号",
        "write the number into the column voucher",
    ),
    "cost.matched": Message(
        "{rows} 行没有凭证号，按月份、项目和对方科目唯一对应凭证 {number}",
        "{rows} rows name no voucher; by month, project and account only {number} fits",
        "确认后可在 voucher 列写上",
        "write it into the column voucher when it is right",
    ),
    "cost.differs": Message(
        "凭证 {number} 项目 {project} 记账 {amount}，工时与账单合计 {explained}，差 {difference}",
        "voucher {number} books {amount} for {project}; its timesheets and bills add up to "
        "{explained}, a difference of {difference}",
        "补齐或更正工时、账单；凭证有误的在 ERP 中更正",
        "complete or correct the rows; a wrong voucher is put right in the ERP",
    ),
    "cost.unexplained": Message(
        "凭证 {number} 项目 {project} 的 {amount} 没有工时或账单说明",
        "{amount} of {project} on voucher {number} is explained by no timesheet and no bill",
        "补充工时或账单，并在 voucher 列写上该凭证号",
        "add the rows and name the voucher in their column voucher",
    ),
    "cost.tax-differs": Message(
        "凭证 {number} 进项税 {booked}，账单税额合计 {tax}",
        "voucher {number} books {booked} of input tax, its bills say {tax}",
        "核对税额；不得抵扣的税额计入 amount",
        "compare the tax; what cannot be deducted is part of amount",
    ),
    "cost.cut-off": Message(
        "{rows} 行的日期 {day} 与凭证 {number}（{dated}）不在同一期间",
        "{rows} rows of {day} are not of the period of voucher {number} ({dated})",
        "按发生的期间记账，或说明暂估与跨期的原因",
        "book it in the period in which it arose, or say why it crosses",
    ),
    "cost.no-timesheet": Message(
        "项目 {project} 在 {first} 至 {last}（{count} 个月）进行中而没有工时",
        "{project} ran from {first} to {last} ({count} months) without timesheets",
        "补充工时，或说明该期间停工",
        "add them, or say that it stood still",
    ),
    "cost.no-payroll": Message(
        "项目 {project} 在 {first} 至 {last}（{count} 个月）有工时而没有薪酬凭证",
        "{project} has hours from {first} to {last} ({count} months) and no payroll voucher",
        "导出薪酬分配凭证",
        "export the vouchers of the payroll",
    ),
    "cost.unknown-project": Message(
        "项目 {value} 不见于资产、凭证与分摊",
        "the project {value} is known to no asset, voucher or allocation",
        "更正项目编码（最近的：{nearest}）",
        "correct the code (nearest: {nearest})",
    ),
    "cost.allocated-otherwise": Message(
        "凭证 {number} 分摊的结果与 books/allocations/{allocation}.yaml 不一致（归集池 {pool}）",
        "voucher {number} divides otherwise than books/allocations/{allocation}.yaml says (pool "
        "{pool})",
        "按建议凭证在 ERP 中更正，或更正分摊依据",
        "correct it in the ERP by the proposed voucher, or correct the key",
    ),
    "allocation.circular": Message(
        "分摊互相循环：{circle}，不作任何分摊",
        "allocations feed each other in a circle: {circle}; nothing is divided",
        "决定先后次序，去掉其中一个箭头",
        "decide which comes first and take one arrow out",
    ),
    "allocation.pool": Message(
        "pool 须写 account 和 project，或 vouchers",
        "the pool is an account and a project, or vouchers",
    ),
    "allocation.shares-not-whole": Message(
        "份额 {shares} 合计 {total}，不是 100%",
        "the shares {shares} add up to {total}, not to 100%",
        "更正 to 下的份额",
        "correct the shares under `to`",
    ),
    "allocation.unknown": Message(
        "没有分摊 {value}",
        "there is no allocation {value}",
        "更正名称（最近的：{nearest}）",
        "correct the name (nearest: {nearest})",
    ),
    "allocation.no-pool-code": Message(
        "分摊 {value} 没有科目和项目编码，不能接收其他分摊转入",
        "the allocation {value} has no account and project code and cannot receive from another",
        "在其 pool 下写 account 和 project",
        "write account and project under its pool",
    ),
    "allocation.uncounted": Message(
        "接收方 {receiver} 的 {value} 不是可计量的表或产品",
        "{value}, counted for {receiver}, is no table or product",
        "写表名（rows、bytes）或产品（calls、sold_rows），最近的：{nearest}",
        "name tables (rows, bytes) or products (calls, sold_rows); nearest: {nearest}",
    ),
    "allocation.pool-twice": Message(
        "{value} 与 {other} 在同一期间分摊同一归集池",
        "{value} and {other} divide the same pool in the same period",
        "合并为一个分摊",
        "make one allocation of them",
    ),
    "allocation.empty-pool": Message(
        "{period} 归集池为 {amount}，没有可分摊的费用",
        "the pool holds {amount} in {period}: nothing to divide",
        "核对科目、项目编码与凭证",
        "check the account, the project code and the vouchers",
    ),
    "allocation.no-basis": Message(
        "{period} 没有任何 {key} 可作分摊依据",
        "there is no {key} in {period} to divide by",
        "补充工时或计量，或改用其他依据",
        "add the timesheets or the count, or choose another key",
    ),
    "allocation.no-such-voucher": Message(
        "booked 所指凭证 {value} 不存在",
        "there is no voucher {value}, which `booked` names",
        "更正凭证号，或导出该凭证",
        "correct the number, or export the voucher",
    ),
    "chart.unknown-account": Message(
        "科目 {account} 不在 books/chart.csv 中（{count} 处）",
        "the account {account} is not in books/chart.csv ({count} times)",
        "补充科目表，或更正为 {nearest}",
        "add it to the chart, or write {nearest}",
    ),
    "trial.not-a-month": Message(
        "文件名 {value} 不是月份",
        "the file name {value} is no month",
        "例如 2025-03.csv",
        "2025-03.csv",
    ),
    "trial.does-not-add": Message(
        "科目 {account}：期初 {opening} + 借 {debit} − 贷 {credit} ≠ 期末 {ending}",
        "account {account}: opening {opening} + debit {debit} − credit {credit} is not {ending}",
        "核对导出的余额方向（方向列，或借贷分列）",
        "check the sides of the balances (a column side, or debit and credit columns)",
    ),
    "trial.does-not-roll": Message(
        "科目 {account} 期初 {opening} 不等于 {before} 的期末 {ending}",
        "account {account} opens with {opening}, {before} ended with {ending}",
        "重新导出两个月的科目余额表；上月反结账的须一并重新导出",
        "export both months again; a month that was reopened too",
    ),
    "trial.month-missing": Message(
        "{before} 与 {period} 之间缺科目余额表",
        "trial balances between {before} and {period} are missing",
        "补充导出",
        "export them",
    ),
    "trial.unbalanced": Message(
        "{period} 科目余额表借贷不平，差 {difference}",
        "debits and credits of the trial balance of {period} differ by {difference}",
        "导出全部科目；只导出部分科目时无须处理",
        "export every account; nothing to do when it is a part of them",
    ),
    "tie.ledger-differs": Message(
        "科目 {account} {name}：总账本期净发生 {ledger_movement}、期末 {ledger_ending}，"
        "主体账簿 {movement}、{ending}",
        "account {account} {name}: the ledger moved {ledger_movement} to {ledger_ending}, the "
        "entity book {movement} to {ending}",
        "导出该科目本月的全部凭证；建议凭证尚未入账的先在 ERP 入账",
        "export all vouchers of the account; enter the proposed vouchers in the ERP first",
    ),
    "tie.not-in-ledger": Message(
        "科目 {account} 在主体账簿为 {ending}，科目余额表没有该科目",
        "account {account} stands at {ending} in the entity book and not in the trial balance",
        "按明细科目导出科目余额表",
        "export the trial balance by detailed account",
    ),
    "tie.opening-accepted": Message(
        "科目 {account} 期初 {opening} 由首张科目余额表承接",
        "the opening {opening} of account {account} is taken over from the first trial balance",
    ),
    "tie.opening-differs": Message(
        "科目 {account} 首张科目余额表期初 {opening}，此前的凭证合计 {held}：以余额表为准",
        "account {account} opens with {opening}; earlier vouchers add up to {held}: the ledger's "
        "figure is taken",
        "补充此前的凭证，或说明差额",
        "export the earlier vouchers, or explain the difference",
    ),
    "report.no-books": Message(
        "{entity} 没有账簿（books/policy.yaml）",
        "{entity} keeps no books here (books/policy.yaml)",
        "写 books/policy.yaml，并放入凭证",
        "write books/policy.yaml and add vouchers",
    ),
    "tie.not-whole": Message(
        "{period} 对账不符：{count} 个数据科目与总账不一致",
        "{period} does not tie out: {count} data accounts differ from the ledger",
        "sanhua report tie-out --period {period}",
        "sanhua report tie-out --period {period}",
    ),
    "amortisation.booked-twice": Message(
        "凭证 {number} 计提摊销 {amount}，而政策 amortises: sanhua 规定由本系统计提",
        "voucher {number} charges amortisation of {amount}, which policy amortises: sanhua leaves "
        "to this program",
        "在 ERP 中冲销并按建议凭证入账；或改 books/policy.yaml 的 amortises、amortises_from",
        "take it back in the ERP and enter the proposed voucher; or change amortises or "
        "amortises_from in books/policy.yaml",
    ),
    "amortisation.twice": Message(
        "凭证 {number} 在 {month} 计提摊销 {amount}，而截至该月应计提的已入账"
        "（由本系统或其他凭证）",
        "voucher {number} charges amortisation of {amount} in {month}, and all that is asked for "
        "until then stands in the book already, by this program or another voucher",
        "重复计提的在 ERP 中以红字冲销（reverses）；"
        "用于未在此登记的资产的，换用 chart 以外的明细科目",
        "take a second charge back in the ERP (reverses); where it is for an asset that is not "
        "kept here, book it on an account that the chart does not name",
    ),
    "amortisation.erp-missing": Message(
        "{asset} {day} 应摊销 {amount}，ERP 尚无摊销凭证（政策 amortises: erp）",
        "{asset} asks for amortisation of {amount} on {day} and the ERP booked none (amortises: "
        "erp)",
        "在 ERP 中计提后导出",
        "charge it in the ERP and export the voucher",
    ),
    "amortisation.erp-differs": Message(
        "{asset} {day} 应摊销 {amount}，凭证 {number} 金额不同（政策 amortises: erp）",
        "{asset} asks for amortisation of {amount} on {day}; voucher {number} says otherwise "
        "(amortises: erp)",
        "核对使用寿命与残值，在 ERP 中更正",
        "compare life and residual value, correct it in the ERP",
    ),
}
