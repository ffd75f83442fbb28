"""Quality rules and reconciliation in contracts, reports on quality, issues and objections."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "contract.rule-of-other-engine": Message(
        "规则“{name}”由 {engine} 执行（type: custom），本程序不执行，也不计入质量",
        "rule {name} is run by {engine} (type: custom): not run here, and no part of the quality",
        "改写为 type: sql 或 library",
        "write it as type: sql or library",
    ),
    "contract.rule-schedule": Message(
        "规则“{name}”的 schedule 只保留：规则随每次 run 执行",
        "rule {name}: its schedule is kept only; rules run with every run",
    ),
    "contract.rule-word": Message(
        "规则“{name}”的 {key} {value} 只保留：按默认处理",
        "rule {name}: {key} {value} is kept only; the default holds",
        "可用：{known}",
        "known: {known}",
    ),
    "contract.too-many-offsets": Message(
        "要试 {count} 个时钟偏移，最多 {most} 个",
        "{count} clock offsets to try; at most {most}",
        "缩小 reach 或加大 step",
        "a smaller reach or a larger step",
    ),
    "quality.differs": Message("{check}：{told}", "{check_en}: {told}"),
    "quality.unknown-contract": Message(
        "没有数据契约 {contract}",
        "there is no data contract {contract}",
        "最接近的：{nearest}",
        "nearest: {nearest}",
    ),
    "report.no-typst": Message(
        "没有安装 typst，未出 PDF",
        "typst is not installed: no PDF",
        "pip install 'sanhua[documents]'",
        "pip install 'sanhua[documents]'",
    ),
    "report.no-font": Message(
        "没有找到中文字体（字体文件夹：{folder}），未出 PDF",
        "no font with Chinese was found (folder: {folder}): no PDF",
        "安装其中之一：{known}；或令 SANHUA_FONTS 指向含有它的文件夹",
        "install one of {known}, or let SANHUA_FONTS name a folder that holds one",
    ),
    "report.not-typeset": Message(
        "PDF 未能排出：{reason}", "the PDF could not be typeset: {reason}"
    ),
    "quality.no-such-issue": Message(
        "没有 {issue}",
        "there is no {issue}",
        "sanhua quality issue list；sanhua quality objection list",
        "sanhua quality issue list; sanhua quality objection list",
    ),
    "quality.not-of-contract": Message(
        "{about} 不是契约 {contract} 的检查、列或资源",
        "{about} is no check, column or resource of contract {contract}",
        "检查的编号见 sanhua report quality --json",
        "the ids of checks: sanhua report quality --json",
    ),
    "quality.untold": Message(
        "{about}：没有说明",
        "{about}: nothing is said",
        "用 --text（或 --title、--reason）说明",
        "say it with --text (or --title, --reason)",
    ),
    "quality.issue-open": Message(
        "检查 {check} 已有未了的问题 {issue}",
        "{check} has an open issue already: {issue}",
        "sanhua quality issue show {issue}",
        "sanhua quality issue show {issue}",
    ),
    "quality.not-an-objection": Message("{issue} 不是异议", "{issue} is no objection"),
    "quality.not-in-order": Message(
        "{issue} {state}，不能 {step}",
        "{issue} is {state}: no {step}",
        "现在可以：{known}",
        "what can be done: {known}",
    ),
    "quality.still-failing": Message(
        "{issue} 的检查 {check} 没有通过（{state}）",
        "{check} of {issue} does not pass ({state})",
        "改正后先 sanhua run",
        "mend it, then sanhua run",
    ),
    "quality.fix-unshown": Message(
        "{issue} 没有对应的检查，须写明整改之处",
        "{issue} has no check: what shows the fix?",
        "--commit 或 --evidence",
        "--commit or --evidence",
    ),
    "quality.same-person": Message(
        "{issue} 由 {person} 处理，不能由同一人了结",
        "{person} handled {issue} and cannot close it",
        "由另一人了结",
        "a second person closes it",
    ),
    "quality.may-not": Message(
        "{person} 不能对 {issue} 做 {step}",
        "{person} may not {step} {issue}",
        "由负责人或数据管家（data_steward）办理；异议不由提出人裁定",
        "the owner or a data steward does it; an objector does not decide the objection",
    ),
    "quality.no-steward": Message(
        "{entity} 没有数据管家，无人负责",
        "{entity} has no data steward to own it",
        "在 parties.yaml 给一个人 data_steward，或用 --owner 指定",
        "give a person the role data_steward in parties.yaml, or name one with --owner",
    ),
    "contract.rule-keeps-nothing": Message(
        "规则“{name}”看不到单行，keepFailedRows 不起作用",
        "rule {name} sees no single rows: keepFailedRows does nothing",
        "写在 nullValues、missingValues、invalidValues 或 duplicateValues 上",
        "say it on nullValues, missingValues, invalidValues or duplicateValues",
    ),
    "quality.rows-not-kept": Message(
        "{table} 为 {grade}，不低于 {below}，未留存未通过的行",
        "{table} is {grade}, not below {below}: no failed rows are kept",
        "脱敏后再留存，或在 sanhua.yaml 设置 failed_rows_below",
        "de-identify it, or set failed_rows_below in sanhua.yaml",
    ),
    "quality.no-rows-kept": Message(
        "没有留存 {check} 的行",
        "no rows of {check} are kept",
        "在规则上写 keepFailedRows，级别须低于 failed_rows_below",
        "keepFailedRows on the rule, of a table graded below failed_rows_below",
    ),
}
