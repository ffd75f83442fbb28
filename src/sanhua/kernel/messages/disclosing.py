"""Groups, states of a disclosure, corrections after a close, statements as at an earlier day."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "disclose.rules-differ": Message(
        "{name} 在 {day} 按 {cite}（{since} 起）；该期末按 {other}，两者不同",
        "{name} on {day} follows {cite} (since {since}); on the period's last day it was {other}, "
        "which says otherwise",
        "两种口径都可出具：不加 --as-at 即按期末的规定",
        "both can be drawn up: without --as-at the rules of the period's last day hold",
    ),
    "tie.opens-as-closed": Message(
        "本期期初账面价值 = 上期期末账面价值（重列后）",
        "opening carrying amount = closing one of the year before, as presented again",
    ),
    "tie.opening-as-sealed": Message(
        "上年年末余额（扣除本年发现的前期差错）= 已签章的上年报表期末余额",
        "beginning, without errors found this year = ending of the sealed statement of last year",
    ),
    "tie.group-less-eliminations": Message(
        "合并数 = 各主体之和 + 合并抵销", "the group's line = its entities' + eliminations"
    ),
}
