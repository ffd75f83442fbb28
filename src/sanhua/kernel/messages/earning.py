"""Revenue (CAS 14), government grants (CAS 16), and what closes take back."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "earn.not-judged": Message(
        "产品 {product} 没有收入判断：按主要责任人总额、开具账单时确认收入（假定）",
        "the revenue of {product} is not judged: assumed a principal's, gross, when billed",
        "写出 books/revenue/{product}.yaml：身份、履约义务、理由、依据和判断人",
        "write books/revenue/{product}.yaml: identity, obligation, reasons, evidence, who judged",
    ),
    "earn.point-with-fee": Message(
        "价格方案 {plan} 按时点确认（licence_use），却按期收费：尚未实现（合约 {deal}）",
        "plan {plan} is earned at a point (licence_use) but its fee comes back each period: "
        "that is not built (deal {deal})",
        "改为一次性价格 once，或在 plans 中把该方案判断为 licence_access 或 service",
        "price it with once, or judge that plan as licence_access or service under plans",
    ),
    "earn.indicator-missing": Message(
        "产品 {product} 的判断没有说明：{names}",
        "the judgement of {product} does not speak of {names}",
        "每项都写 holds 和 reason",
        "write holds and reason for each",
    ),
    "earn.against-indicators": Message(
        "产品 {product} 判断为 {identity}，三项迹象却都指向另一身份",
        "{product} is judged as {identity}, while all three indicators point the other way",
        "复核身份，或在 reason 中说明控制权依据",
        "look at the identity again, or say under reason what control rests on",
    ),
    "earn.judged-role": Message(
        "{of} 的判断人 {party} 不是具备 finance 角色的个人",
        "{of}: {party}, who judged, is no person with the role finance",
        "改由财务人员判断，或补上角色",
        "let a person of finance judge, or add the role",
    ),
    "subsidy.net-not-built": Message(
        "补助 {subsidy} 选用净额法（冲减资产账面价值）：尚未实现",
        "grant {subsidy} is to be taken off the asset's cost (net): that is not built",
        "采用总额法 gross，或在 ERP 中冲减并以凭证进入资产成本",
        "use gross, or take it off in the ERP by a voucher of the asset's cost",
    ),
    "subsidy.voucher-differs": Message(
        "补助 {subsidy} 的凭证 {number} 贷记 {credited}，与到账 {amount} 不符",
        "voucher {number} of grant {subsidy} credits {credited}, not the {amount} received",
        "贷方应为递延收益、其他收益或其他应收款；更正凭证、科目对照或金额",
        "it must credit deferred_income, other_income or other_receivables; correct voucher, "
        "chart or amount",
    ),
    "subsidy.not-deferred": Message(
        "补助 {subsidy} 应递延，凭证 {number} 却贷记 {credited}",
        "grant {subsidy} is to be deferred, yet voucher {number} credits {credited}",
        "在 ERP 中改记递延收益，或复核 purpose",
        "book it as deferred income in the ERP, or look at purpose again",
    ),
    "subsidy.condition-overdue": Message(
        "补助 {subsidy} 的条件已过期未满足：{text}（{due}）；未释放",
        "grant {subsidy}: a condition is overdue and not met: {text} ({due}); nothing is released",
        "写明 met 和依据，或在 repayments 中写退回",
        "write met with its evidence, or what is repaid under repayments",
    ),
    "subsidy.other-day": Message(
        "凭证 {number} 的日期是 {dated}，不是 {day}",
        "voucher {number} is of {dated}, not {day}",
        "以凭证日期为准",
        "write the voucher's day",
    ),
    "subsidy.amounts": Message(
        "补助 {subsidy} 的金额不成立：须为正、为记账本位币，到账不超过总额，退回不超过到账",
        "the amounts of grant {subsidy} do not hold: positive, in the entity's currency, not more "
        "received than granted, not more repaid than received",
        "更正 amount、receipts 或 repayments",
        "correct amount, receipts or repayments",
    ),
    "subsidy.spans": Message(
        "补助 {subsidy} 的 through 早于 from",
        "grant {subsidy}: through is before from",
        "更正期间",
        "correct the time that it is for",
    ),
    "subsidy.nothing-yet": Message(
        "补助 {subsidy} 既未到账也未写明何时确定能收到（certain_on）：不确认",
        "grant {subsidy} was neither received nor is it certain (certain_on): not recognised",
        "到账后写 receipts，或在能够收到之日写 certain_on 和依据",
        "write receipts when it comes, or certain_on with evidence from the day it is certain",
    ),
    "erp.column-missing": Message(
        "books/erp.yaml 的 columns 缺少 {fields}",
        "columns of books/erp.yaml lack {fields}",
        "写出 ERP 导入模板中对应的列名",
        "name the columns of the ERP's import template that take them",
    ),
    "ledger.source-is-appraisal": Message(
        "分录 {entry} 的依据是评估 {source}：评估结果不得作为入账依据",
        "entry {entry} stands on the appraisal {source}, which is no basis of a booking",
        "以凭证、已签署的协议、分摊表或减值测试底稿为依据（其中可以引用评估）",
        "post from a voucher, a signed agreement, an allocation or a test memo that may cite it",
    ),
    "ledger.source-unknown": Message(
        "分录 {entry} 的依据 {source} 不属于该账簿可用的依据：{known}",
        "entry {entry} stands on {source}; the book knows {known}",
        "以其中一种为依据",
        "post from one of them",
    ),
    "ledger.account-of-other-book": Message(
        "分录 {entry} 在账簿 {book} 中用了另一类账簿的科目 {account}",
        "entry {entry} uses the account {account} of another kind of book in {book}",
        "结算账与主体账分开，科目不混用",
        "the settlement book and the entity's are kept apart; use its own accounts",
    ),
    "close.taken-back": Message(
        "分录 {entry}（{summary}）已不再要求：在本月冲回",
        "entry {entry} ({summary}) is not asked for any more: taken back in this month",
        "核对是什么改变了；ERP 若已入账，也要冲销",
        "see what changed; if the ERP has booked it, take it back there too",
    ),
}
