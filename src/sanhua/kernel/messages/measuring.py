"""Measurement over the life of an asset: methods, openings, corrections, held for sale."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "measure.correction-too-early": Message(
        "{asset} 的更正决定于 {date}，而所属期间 {concerns} 尚未结束",
        "{asset}: a correction decided on {date} concerns {concerns}, which was not over",
        "期间结束后才有更正；本期的事项直接写入 estimates、impairments 或凭证",
        "only a period that is over is corrected; write what happens now as a fact or voucher",
    ),
    "measure.correction-exceeds": Message(
        "{asset}：{date} 决定的更正（{layer} {amount}）使某层余额为负，或摊销加减值大于原值",
        "{asset}: the correction decided on {date} ({layer} {amount}) would leave a layer below "
        "zero, or take off more than there is cost",
        "核对金额的正负与所属期间",
        "check the amount's sign and the period concerned",
    ),
    "measure.correction-after-leaving": Message(
        "{asset}：{date} 决定的更正（{layer} {amount}）所更正的已全部转出或终止确认，"
        "账上会留下永不消失的余额",
        "{asset}: what the correction decided on {date} ({layer} {amount}) puts right had left "
        "that layer altogether; a balance would be carried for ever",
        "资产已终止确认的，差额由 ERP 凭证直接计入当期损益（属以前年度的计入以前年度损益调整），"
        "并删去这一条；尚在账上的，改 layer",
        "for an asset that has left the books, post the difference by a voucher of the ERP to "
        "profit and loss (以前年度损益调整 for an earlier year) and take this entry out; for one "
        "that is still carried, name the layer that it is in",
    ),
    "measure.correction-before-opening": Message(
        "{asset} 于 {decided} 决定的更正所属期间 {concerns} 在期初 {date} 之前结束",
        "{asset}: the correction decided on {decided} concerns {concerns}, which ended before the "
        "opening balance of {date}",
        "期初余额已含其结果，删去这一条；期初余额本身有误的，更正期初所在期间（写 concerns）",
        "the opening balance holds its outcome already: take it out; where the opening itself is "
        "wrong, correct the period that it ends (`concerns`)",
    ),
    "measure.method-unknown": Message(
        "摊销方法 {method} 不反映经济利益的预期消耗方式，或不是已知方法",
        "amortisation method {method} does not reflect how the benefits are consumed, "
        "or is unknown",
        "写 straight_line、units_of_production、double_declining 或 sum_of_years；"
        "以收入为基础的方法一般不适用",
        "write straight_line, units_of_production, double_declining or sum_of_years; "
        "one based on revenue does not do in general",
    ),
    "measure.method-not-judged": Message(
        "{asset} 的摊销方法 {method} 没有理由或判断人：非直线法须反映经济利益的预期消耗方式",
        "{asset}: method {method} has no reason or no judge; other than the straight "
        "line it must reflect how the benefits are consumed",
        "写 method: {{kind, reason, judged: {{by, date}}}}",
        "write method: {{kind, reason, judged: {{by, date}}}}",
    ),
    "measure.method-no-total": Message(
        "{asset} 的 {method} 没有预计总量",
        "{asset}: {method} has no expected total",
        "写 method: {{total, unit}}",
        "write method: {{total, unit}}",
    ),
    "measure.method-whole-years": Message(
        "{asset} 的 {method} 要求使用寿命为整年，现为 {months} 个月",
        "{asset}: {method} wants a life of whole years, not {months} months",
        "改 life.months 为 12 的倍数，或用直线法",
        "make life.months a multiple of 12, or use the straight line",
    ),
    "measure.usage-twice": Message(
        "{asset} 的产量既由 usage 写出，又取自产品 {product} 的计量",
        "{asset}: units come from `usage` and from the metered product {product} as well",
        "两者留其一",
        "keep one of them",
    ),
    "measure.usage-month-twice": Message(
        "{asset} 的 usage 中 {month} 出现两次",
        "{asset}: {month} stands twice in `usage`",
    ),
    "measure.usage-missing": Message(
        "{asset} 在 {month} 没有产量，该月未摊销",
        "{asset}: no units are known for {month}; it is not amortised in that month",
        "在 usage 下补上该月的 units（没有则写 0）",
        "write the month's units under `usage` (0 when there were none)",
    ),
    "measure.usage-above-total": Message(
        "{asset} 到 {month} 的累计产量达到预计总量 {total}，余额全部摊销",
        "{asset}: units reach the expected total {total} in {month}; all that is left is amortised",
        "若仍有产量，用 estimates 修订 total",
        "revise `total` under estimates if more is to come",
    ),
    "measure.total-already-used": Message(
        "{asset}：{date} 起预计总量 {total}，而已用 {used}",
        "{asset}: an expected total of {total} from {date}, but {used} are used already",
    ),
    "measure.life-impossible": Message(
        "{asset} 的使用寿命 {months} 个月不可能（1 至 {most}）",
        "{asset}: a life of {months} months is impossible (1 to {most})",
    ),
    "measure.life-beyond-rights": Message(
        "{asset} 的使用寿命到 {ends}，超过所依据权利的期限 {until}",
        "{asset}: the life ends {ends}, after the rights that it stands on ({until})",
        "缩短 life.months；续约不付重大成本的，写 life.renewal 说明依据",
        "shorten life.months; where renewal costs little, say why under life.renewal",
    ),
    "measure.life-relies-on-renewal": Message(
        "{asset} 的使用寿命到 {ends}，依赖 {until} 之后的续约",
        "{asset}: the life to {ends} relies on a renewal after {until}",
        "每年复核续约的依据",
        "review the grounds for renewal every year",
    ),
    "measure.opening-not-month-end": Message(
        "{asset} 的期初 {date} 不是月末",
        "{asset}: the opening balance of {date} is not of a month's end",
        "写首个期间前一天的余额",
        "write the balances of the day before the first period",
    ),
    "measure.opening-doubled": Message(
        "{asset} 的期初 {date} 已含凭证 {voucher}（{dated}），会重复计入",
        "{asset}: the opening balance of {date} includes voucher {voucher} ({dated}); "
        "it would count twice",
        "从资产的凭证或项目中去掉期初以前的凭证，或去掉 opening",
        "take vouchers before the opening out of the asset's own, or take `opening` out",
    ),
    "measure.before-opening": Message(
        "{asset} {dated} 的 {what} 不晚于期初 {date}",
        "{asset}: {what} on {dated} do not come after the opening balance of {date}",
        "期初余额已含其结果，删去这一条",
        "the opening balance holds its outcome already; take it out",
    ),
    "measure.opening-exceeds": Message(
        "{asset} 期初 {date} 的累计摊销与减值之和大于原值",
        "{asset}: on {date} amortisation and impairment together exceed the opening cost",
    ),
    "measure.opening-available": Message(
        "{asset} 期初 {date} 为开发支出，而 {available_on} 已可使用",
        "{asset}: the opening of {date} is development, but the asset is available "
        "since {available_on}",
        "已可使用的写 cost 与 amortisation",
        "write cost and amortisation for what is available",
    ),
    "measure.opening-not-available": Message(
        "{asset} 期初 {date} 为无形资产，但那时尚不可使用",
        "{asset}: the opening of {date} is an intangible that was not yet available",
        "写 available_on，或写 development",
        "write available_on, or development",
    ),
    "measure.opening-months": Message(
        "{asset} 期初 {date} 已摊销 {charged} 个月，而自 {available_on} 起应为 {passed} 个月",
        "{asset}: {charged} months amortised by {date}, but {passed} have passed "
        "since {available_on}",
        "核对 months_charged 与 available_on",
        "check months_charged and available_on",
    ),
    "measure.opening-differs": Message(
        "{asset} 期初 {date} 累计摊销 {amount}，按 {method} 应为 {expected}",
        "{asset}: {amount} amortised by {date}; by {method} it would be {expected}",
        "核对期初数；差异按剩余月份摊销",
        "check the opening; the difference is spread over the months left",
    ),
    "measure.not-judged": Message(
        "{asset} {date} 的 {what} 没有证据（evidence）或判断人（judged）",
        "{asset}: {what} on {date} have no evidence or no judge",
    ),
    "measure.needs-agreement": Message(
        "{asset} {date} 的 {what} 没有已签署的协议（agreement）：评估值本身不得作为入账依据",
        "{asset}: {what} on {date} have no signed agreement; an appraisal alone "
        "is no basis for a booking",
        "附上协议；协议可以引用评估报告",
        "attach the agreement, which may cite an appraisal",
    ),
    "measure.contribution-proceeds": Message(
        "{asset} {date} 作价出资不收现金：写 agreed，不写 proceeds",
        "{asset}: a contribution on {date} brings no cash; write `agreed`, not `proceeds`",
    ),
    "measure.contribution-agreed": Message(
        "{asset} {date} 作价出资没有协议约定的公允价值 agreed",
        "{asset}: the contribution on {date} has no agreed fair value (`agreed`)",
    ),
    "measure.contribution-equity": Message(
        "{asset} {date} 同一控制下的作价出资没有投资的初始成本 equity",
        "{asset}: the contribution on {date} under common control does not say what "
        "the investment is carried at (`equity`)",
        "写被投资方净资产账面价值的份额；差额计入资本公积",
        "write the share of the investee's net assets; the difference goes to the capital reserve",
    ),
    "measure.contribution-of-stock": Message(
        "{asset} {date} 以存货作价出资：按收入准则处理，不进处置损益",
        "{asset}: stock put into an investee on {date} is revenue, not a gain",
        "由 ERP 的销售凭证反映收入，这里写 reason: sale",
        "the ERP's sales voucher shows the revenue; write `reason: sale` here",
    ),
    "measure.not-a-quantity": Message(
        "{asset} 的 {what} 中 {value} 不是数量",
        "{asset}: {value} in {what} is not a quantity",
    ),
    "measure.test-differs": Message(
        "{asset} {date} 的减值测试：写的 {what} 是 {amount}，按测试应为 {computed}",
        "{asset}: the test of {date} says {what} {amount}; it computes to {computed}",
    ),
    "measure.test-discount": Message(
        "{asset} {date} 减值测试的折现率 {rate} 不在 0% 与 100% 之间",
        "{asset}: the discount rate {rate} of the test of {date} is not between 0% and 100%",
    ),
    "measure.test-past": Message(
        "{asset} {date} 的减值测试含 {year} 年的现金流量，已经过去",
        "{asset}: the test of {date} has cash flows of {year}, which is over",
    ),
    "measure.test-empty": Message(
        "{asset} {date} 的减值测试既无使用价值也无公允价值",
        "{asset}: the test of {date} has neither a value in use nor a fair value",
        "写 value_in_use 或 fair_value_less_cost",
        "write value_in_use or fair_value_less_cost",
    ),
    "measure.held-whole": Message(
        "{asset} {date}：持有待售的资产整体处置",
        "{asset}: an asset held for sale leaves as a whole ({date})",
        "要处置一部分，先 returned，或拆成两项资产",
        "to sell a part, return it first, or keep two assets",
    ),
    "measure.held-condition": Message(
        "{asset} {date} 不满足持有待售条件：{condition}",
        "{asset}: on {date} a condition of held for sale is open: {condition}",
        "写 saleable、resolution、commitment 与 expected_by，并附证据",
        "write saleable, resolution, commitment and expected_by, with evidence",
    ),
    "measure.held-too-late": Message(
        "{asset} {date} 划分为持有待售，但预计 {expected_by} 才出售，超过一年",
        "{asset}: held for sale on {date}, but the sale is expected on {expected_by}, "
        "more than a year later",
    ),
    "measure.held-no-value": Message(
        "{asset} {date} 没有 fair_value（或 returned 的 recoverable）",
        "{asset}: {date} has no fair_value (or, when returned, no recoverable)",
    ),
    "measure.held-already": Message(
        "{asset} {date} 的 {what}：资产正持有待售",
        "{asset}: {what} on {date} while the asset is held for sale",
        "先 returned，或写 remeasured",
        "return it first, or write `remeasured`",
    ),
    "measure.not-held": Message(
        "{asset} {date} 的 {act}：资产不是持有待售",
        "{asset}: {act} on {date}, but the asset is not held for sale",
    ),
    "measure.held-act": Message(
        "{asset} {date} 的 act {act} 不是 classified、remeasured、returned 之一",
        "{asset}: act {act} on {date} is none of classified, remeasured, returned",
    ),
    "measure.held-over-a-year": Message(
        "{asset} 自 {date} 持有待售已超过一年",
        "{asset} has been held for sale for more than a year, since {date}",
        "写 extended 说明不可控的原因，或写 returned",
        "say the cause outside your control under `extended`, or return it",
    ),
    "measure.lot-without-quantity": Message(
        "{asset} {date} 的凭证 {voucher} 在 lots 中没有数量",
        "{asset}: voucher {voucher} of {date} has no quantity under `lots`",
    ),
    "measure.lot-negative": Message(
        "{asset} {date} 的红字采购 {voucher}：按批次时尚不支持",
        "{asset}: the red purchase {voucher} of {date} is not supported with lots",
        "在 ERP 中把原凭证与红字合并为净额，或写 disposals",
        "book the net purchase in the ERP, or write a disposal",
    ),
    "measure.lot-not-named": Message(
        "{asset} {date}：个别计价法的处置要写 lot",
        "{asset}: by specific identification a disposal names its lot ({date})",
    ),
    "measure.no-such-lot": Message(
        "{asset} {date} 的 lot {lot} 不存在（{known}），或计价方法不分批",
        "{asset}: lot {lot} on {date} does not exist ({known}), or the method of "
        "issue knows no lots",
    ),
    "measure.quantity-exceeds": Message(
        "{asset} {date} 处置数量 {quantity}，现有 {there}",
        "{asset}: {quantity} leave on {date}, but {there} are there",
    ),
    "measure.quantity-without-lots": Message(
        "{asset} {date} 的处置有 quantity 或 lot，但没有 lots",
        "{asset}: the disposal of {date} has a quantity or a lot, but there are no `lots`",
    ),
    "measure.share-of-lots": Message(
        "{asset} {date}：有 lots 的存货按 quantity 处置，不按 share",
        "{asset}: stock with lots leaves by quantity, not by share ({date})",
    ),
    "measure.correction-no-stock": Message(
        "{asset} 的更正没有在库批次可落",
        "{asset}: no lot is left for the correction to fall on",
        "已售出的改正在营业成本中，由 ERP 凭证反映",
        "what was sold is put right in cost of sales, by the ERP's own voucher",
    ),
    "measure.fact-not-judged": Message(
        "{asset} 的 {what} 有一条没有判断人",
        "{asset}: nobody answers for an entry of {what}",
        "补上 judged: {{by, date}}",
        "add judged: {{by, date}}",
    ),
}
