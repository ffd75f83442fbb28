"""Codes of stage 2: party, rights, product, listing, price."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "party.unknown-role": Message(
        "主体 {party} 的角色 {role} 无法识别",
        "{party} has the unknown role {role}",
        "可用：{known}",
        "known: {known}",
    ),
    "party.person-with-number": Message(
        "个人 {party} 不得登记证件号码",
        "{party} is a person: no identity number is kept",
        "删去 uscc",
        "remove uscc",
    ),
    "rights.unknown-source": Message(
        "权利主张 {claim} 的来源 {source} 不在来源—权利表中",
        "claim {claim}: source {source} is no row of the source→rights matrix",
        "可用：{known}",
        "known: {known}",
    ),
    "rights.none-from-entrusted": Message(
        "权利主张 {claim}：受托处理（{source}）的数据不产生任何可登记的权利",
        "claim {claim}: data processed on another's behalf ({source}) gives no right",
        "由委托方主张权利并授权",
        "the principal claims the right and grants it",
    ),
    "rights.exceeds-source": Message(
        "权利主张 {claim} 的 {exceeding} 超出来源 {source} 所给的 {given}",
        "claim {claim}: {exceeding} goes beyond what source {source} gives ({given})",
        "删去超出的权利，或改来源并附证据",
        "drop it, or change the source and add its evidence",
    ),
    "rights.no-evidence": Message(
        "权利主张 {claim} 没有证据", "claim {claim} has no evidence", "写 evidence", "add evidence"
    ),
    "rights.empty-term": Message(
        "权利主张 {claim} 的期限为空：{starts_on} 至 {ends_on}",
        "claim {claim} has an empty term: {starts_on} to {ends_on}",
    ),
    "rights.no-such-resource": Message(
        "权利主张 {claim} 的资源 {resource} 尚未发布",
        "claim {claim}: resource {resource} is not published",
    ),
    "rights.input-not-covered": Message(
        "权利主张 {claim}：{party} 对输入资源 {input} 没有在 {day} 有效的使用权",
        "claim {claim}: {party} has no right to use the input {input} on {day}",
        "为 {input} 写一项含 use 的主张",
        "add a claim with `use` for {input}",
    ),
    "product.no-operate-right": Message(
        "产品 {product}：{party} 对资源 {resource} 没有在 {day} 有效的经营权",
        "product {product}: {party} has no right to operate {resource} on {day}",
        "为 {resource} 写一项含 operate 的主张",
        "add a claim with `operate` for {resource}",
    ),
    "product.input-without-contract": Message(
        "产品 {product} 用到的表 {table} 没有数据契约",
        "product {product} uses table {table}, which has no contract",
        "为它写 contracts/*.odcs.yaml",
        "write contracts/*.odcs.yaml for it",
    ),
    "product.unknown-field": Message(
        "产品 {product} 提供的字段 {field} 不在 {table} 中",
        "product {product} offers {field}, which {table} does not have",
        "可用：{known}",
        "known: {known}",
    ),
    "listing.grade-above-class": Message(
        "产品 {product} 的列 {field} 为 {grade}（{reason}），高于挂牌 {listing} 的上限 {allowed}",
        "column {field} of product {product} is {grade} ({reason}), above what listing {listing} "
        "allows: {allowed}",
        "从 offer 中去掉该列、先去标识化，或改挂牌",
        "leave it out of `offer`, de-identify it, or list elsewhere",
    ),
    "listing.unknown-class": Message(
        "挂牌 {listing} 的 class {value} 无法识别",
        "listing {listing}: class {value} is not known",
        "可用：{known}",
        "known: {known}",
    ),
    "price.mixed-currency": Message(
        "价格方案 {plan} 含多种币种：{currencies}",
        "plan {plan} has more than one currency: {currencies}",
    ),
    "price.negative": Message(
        "价格方案 {plan} 含负数 {amount}", "plan {plan} has the negative {amount}"
    ),
    "price.free-but-priced": Message(
        "价格方案 {plan} 既免费又有价格",
        "plan {plan} is free and has prices",
        "删去 free 或价格",
        "drop `free` or the prices",
    ),
    "price.unknown-period": Message(
        "价格方案 {plan} 的期间 {period} 无法识别",
        "plan {plan}: period {period} is not known",
        "可用：{known}",
        "known: {known}",
    ),
    "price.minimum-above-cap": Message(
        "价格方案 {plan} 的最低 {minimum} 高于封顶 {cap}",
        "plan {plan}: minimum {minimum} is above cap {cap}",
    ),
    "price.unknown-steps": Message(
        "价格方案 {plan} 的 steps: {steps} 无法识别",
        "plan {plan}: steps: {steps} is not known",
        "可用：graduated, volume",
        "known: graduated, volume",
    ),
    "price.open-steps": Message(
        "价格方案 {plan} 的 {unit} 阶梯须以一个没有 to 的末档结束，且仅末档没有 to",
        "plan {plan}: the steps of {unit} end with one step without `to`, and only the last",
    ),
    "price.unordered-steps": Message(
        "价格方案 {plan} 的 {unit} 阶梯 {steps} 须递增且为正",
        "plan {plan}: the steps {steps} of {unit} are positive and ascending",
    ),
    "price.above-ceiling": Message(
        "价格方案 {plan} 的 {key} 为 {asked}，高于政府指导价上限 {ceiling}",
        "plan {plan}: {key} is {asked}, above the government ceiling of {ceiling}",
        "降至上限以内",
        "lower it to the ceiling",
    ),
    "price.not-a-rate": Message(
        "{value} 不是比率", "{value} is not a rate", "写成 6%", "write it as 6%"
    ),
}
