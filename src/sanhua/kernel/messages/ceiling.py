"""Codes of the government ceiling on what public data products may earn."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "ceiling.unknown-cost": Message(
        "{item} 不是经营成本的项目",
        "{item} is no item of the operating cost",
        "可用：{known}",
        "known: {known}",
    ),
    "ceiling.negative": Message(
        "{name} 不能为负：{amount}",
        "{name} cannot be negative: {amount}",
        "写成零或正数",
        "give zero or more",
    ),
    "ceiling.margin-above-max": Message(
        "准许利润率高出国债收益率 {margin}，上限为 {most}",
        "the profit rate is {margin} above the treasury yield; the most is {most}",
        "降至 {most} 以内",
        "lower it to {most}",
    ),
    "ceiling.subsidy-above-cost": Message(
        "政府补助 {subsidy} 高于合理支出 {spent}",
        "subsidies of {subsidy} are above the spending of {spent}",
        "只扣与这些支出有关的补助",
        "take off only what was granted for this spending",
    ),
    "ceiling.nothing-allowed": Message(
        "最高准许收入为 {allowed}，无从计算偏差",
        "the allowed revenue is {allowed}: there is no deviation from it",
        "先核定最高准许收入",
        "have the allowed revenue set first",
    ),
    "ceiling.period-too-long": Message(
        "评估周期 {years} 年不在 1 至 {most} 年之间",
        "an assessment period of {years} years is not between 1 and {most}",
        "缩短评估周期",
        "shorten it",
    ),
}
