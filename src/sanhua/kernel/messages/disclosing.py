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
    "disclose.sealed-differs": Message(
        "{period} 的报表已于 {day} 签章；现在计算有 {count} 个数字与之不同"
        "（如 {figure}：{sealed} → {now}）。已签章的不改写",
        "the statements of {period} were sealed on {day}; {count} figures would differ now (such "
        "as {figure}: {sealed} → {now}). What is sealed is not rewritten",
        "前期差错在发现当期更正：资产文件 measurement.corrections，kind: error",
        "an error of a sealed year is corrected in the period it is found in: "
        "measurement.corrections, kind: error",
    ),
    "disclose.as-at-early": Message(
        "重列日 {day} 应在该期之内或之后（{starts} 起）且不晚于今天（{today}）",
        "the day {day} must lie in the period or after it (from {starts}) and not after today "
        "({today})",
    ),
    "disclose.as-at-before-records": Message(
        "{day} 时还没有留存记录（{began} 起）：按凭证日期和判断日期确定当时所知",
        "on {day} no records were kept yet (they begin on {began}): what was known follows from "
        "the days of vouchers and judgements",
    ),
    "consolidate.no-members": Message(
        "{entity} 没有受其控制的主体，不编制合并报表",
        "{entity} controls no other entity: there is no group",
        "在 sanhua.yaml 写明 parent 和 share，或用 --scope parent",
        "say parent and share in sanhua.yaml, or use --scope parent",
    ),
    "consolidate.no-share": Message(
        "{entity} 的母公司是 {parent}，但没有持股比例，也没有控制的判断",
        "{entity} has the parent {parent}, but neither a share nor a judgement of control",
        "在 sanhua.yaml 写明 share，或 control: {{by, date}}",
        "say share, or control: {{by, date}}, in sanhua.yaml",
    ),
    "consolidate.currency": Message(
        "{entity} 的记账本位币是 {value}，合并报表用 {expected}：外币报表折算尚未实现",
        "{entity} keeps its books in {value}, the group reports in {expected}: translation is not "
        "built",
    ),
    "consolidate.fiscal-year": Message(
        "{entity} 的会计年度始于 {value}，母公司始于 {expected}：应先统一会计期间",
        "{entity} begins its year on {value}, the parent on {expected}: make the periods one first",
    ),
    "consolidate.other-regime": Message(
        "{entity} 的会计制度是 {value}，不是企业会计准则：不并入",
        "{entity} follows {value}, not CAS: it is not consolidated",
        "先按企业会计准则调整其报表",
        "restate it under CAS first",
    ),
    "consolidate.circular": Message(
        "{asset} 在集团内的买卖绕成一圈", "sales inside the group lead from {asset} back to itself"
    ),
    "consolidate.unknown-asset": Message(
        "{asset} 取自集团内的资产 {other}，而集团各主体没有这项资产",
        "{asset} was acquired from {other}, which no entity of the group has",
        "更正 acquired_from.asset，或写明 carried 和 judged",
        "correct acquired_from.asset, or say carried and judged",
    ),
    "consolidate.returned": Message(
        "{asset} 取自集团内，又由持有待售转回：这种情况的合并抵销尚未实现",
        "{asset} was acquired inside the group and came back from held for sale: eliminating that "
        "is not built",
    ),
    "consolidate.no-counterpart": Message(
        "{asset} 取自 {other}，而出让方没有对应的处置",
        "{asset} was acquired from {other}, but the seller shows no disposal of it",
        "在出让方资产的 disposals 写明处置；出让的是副本或许可时写明 carried 和 judged",
        "enter the disposal in the seller's asset file; for a copy or a licence say carried and "
        "judged",
    ),
    "consolidate.several-sales": Message(
        "{asset} 取自 {other}，而出让方有几次处置（{days}）",
        "{asset} was acquired from {other}, which was disposed of several times ({days})",
        "在 acquired_from 写明 date",
        "say date in acquired_from",
    ),
    "consolidate.other-owner": Message(
        "acquired_from 说 {asset} 属于 {said}，而它属于 {owner}",
        "acquired_from says that {asset} is of {said}; it is of {owner}",
        "更正 entity 或 asset",
        "correct entity or asset",
    ),
    "consolidate.price-differs": Message(
        "{asset} 的买价 {paid} 与出让方 {sold} 的所得 {got} 不同",
        "the price {paid} of {asset} is not what the seller of {sold} received, {got}",
        "核对税额和在途；抵销按各自账面进行",
        "look for tax and what is in transit; each side is eliminated as it is booked",
    ),
    "consolidate.policies-differ": Message(
        "集团各主体的会计政策 {what} 不一致（{values}），{cite} 要求统一",
        "the entities' policies on {what} differ ({values}); {cite} asks for one",
        "统一政策，或在合并时调整：三化不代为调整",
        "make them one, or adjust on consolidation: sanhua does not do it for you",
    ),
    "consolidate.unexplained": Message(
        "{asset} 的凭证 {number} 向集团内主体购入 {amount}，没有写明取自何处，其内部利润未抵销",
        "voucher {number} of {asset} buys {amount} from an entity of the group; it is not said "
        "what of, so its profit is not eliminated",
        "在资产文件写明 acquired_from",
        "say acquired_from in the asset file",
    ),
    "adjust.after-seal": Message(
        "{asset} 的更正（{date}，{kind}）涉及 {period}，而该年报表已于 {day} 签章",
        "the correction of {asset} ({date}, {kind}) concerns {period}, whose statements were "
        "sealed on {day}",
        "签章后发现的是前期差错：改为 kind: error",
        "what is found after the seal is a prior-period error: make it kind: error",
    ),
    "adjust.not-a-year": Message(
        "{period} 不是调整期（如 2025-ADJ）", "{period} is no adjustment period (such as 2025-ADJ)"
    ),
    "adjust.year-open": Message(
        "{period} 还没有开始：{year} 的最后一个月 {month} 尚未结账",
        "{period} has not begun: {month}, the last month of {year}, is not closed",
        "先 sanhua close {month}",
        "close {month} first",
    ),
    "approve.adjustments-open": Message(
        "{node} 还不能签章：调整期 {period} 有 {count} 笔调整尚未入账（{asset}）",
        "{node} cannot be sealed yet: {count} adjustments of {period} are not posted ({asset})",
        "先 sanhua close {period}",
        "close {period} first",
    ),
    "adjust.sealed": Message(
        "{entity} 的 {year} 年度已签章，调整期 {period} 已关闭",
        "the year {year} of {entity} is sealed: its adjustment period {period} is closed",
        "前期差错记入发现当期（kind: error）",
        "an error of a sealed year is posted when it is found (kind: error)",
    ),
    "ledger.adjusts-day": Message(
        "分录 {entry} 属于调整期 {period}，其日期 {on} 不是该会计年度的最后一天",
        "entry {entry} is of the adjustment period {period}; {on} is not the last day of that year",
    ),
    "ledger.adjusts-open": Message(
        "分录 {entry} 属于调整期 {period}，而 {on} 所在的月份尚未结账",
        "entry {entry} is of the adjustment period {period}, but the month of {on} is not closed",
        "先结账，或记入该月",
        "close the month, or post into it",
    ),
    "approve.assets-open": Message(
        "{node} 列示的 {asset} 还没有批准",
        "{asset}, which {node} discloses, is not approved",
        "先 sanhua approve {asset}",
        "approve {asset} first",
    ),
    "approve.not-approved": Message(
        "{node} 还没有由企业财务批准，不能审计签章",
        "{node} is not approved by the entity's finance yet and cannot be signed by an auditor",
        "先由财务批准：sanhua approve {node}",
        "finance approves it first: sanhua approve {node}",
    ),
    "approve.not-independent": Message(
        "{person} 属于 {of}，不是独立于 {node} 的审计机构的人",
        "{person} is of {of}, which is no organisation apart from that of {node}",
        "由另一机构的审计师签章（parties.yaml 的 of）",
        "an auditor of another organisation signs (`of` in parties.yaml)",
    ),
    "approve.sealed": Message(
        "{node} 已于 {day} 签章",
        "{node} was sealed on {day}",
        "签章后的更正记入发现当期（kind: error）",
        "what is found later is corrected in the period it is found in (kind: error)",
    ),
    "approve.seals-nothing": Message(
        "只有审计师对 disclosure 的签署才有签章日（--sealed-on）：{node}",
        "only an auditor's signature of a disclosure has a seal day (--sealed-on): {node}",
    ),
    "approve.seal-day": Message(
        "签章日 {day} 应在期末之后（{ends} 起）且不晚于今天（{today}）",
        "the seal day {day} must lie after the period's end (from {ends}) and not after today "
        "({today})",
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
