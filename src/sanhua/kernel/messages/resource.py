"""Codes of stage 1: standard, quality, grade, publish."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "collect.file-changed": Message(
        "{path} 在读取期间变了，本次采集作废",
        "{path} changed while it was read; this collection counts for nothing",
        "等写入结束后再 sanhua run",
        "run sanhua run again when nobody writes to it",
    ),
    "standard.unknown-element": Message(
        "列 {column} 绑定的数据元 {element} 不存在",
        "column {column} is bound to data element {element}, which does not exist",
        "在 standards/elements.yaml 中定义它，或改 dataElement",
        "define it in standards/elements.yaml, or change dataElement",
    ),
    "standard.other-type": Message(
        "列 {column} 的类型 {type} 与数据元 {element} 的 {wanted} 不符",
        "column {column} is {type}, its data element {element} is {wanted}",
        "改列的 logicalType，或绑定另一个数据元",
        "change the column's logicalType, or bind another element",
    ),
    "standard.no-code-list": Message(
        "列 {column} 的数据元 {element} 引用的代码集 {codes} 不存在",
        "column {column}: code list {codes} of data element {element} does not exist",
        "添加 standards/codes/{codes}.csv",
        "add standards/codes/{codes}.csv",
    ),
    "standard.conflict": Message(
        "数据元 {element} 与 {other} 同名“{name}”而定义不同",
        "data elements {element} and {other} share the name “{name}” and are defined differently",
        "统一定义，或改其中一个的名称",
        "agree on one definition, or rename one of them",
    ),
    "quality.failed": Message(
        "{check}：{total} 个中 {violations} 个不符（实测 {value}，要求 {wanted}）",
        "{check_en}: {violations} of {total} do not conform ({value}, wanted {wanted})",
    ),
    "quality.not-met": Message(
        "{check}：实测 {value}，要求 {wanted}", "{check_en}: {value}, wanted {wanted}"
    ),
    "quality.not-measured": Message(
        "{check} 未能测量：{reason}",
        "{check} could not be measured: {reason}",
        "改正该规则的表达式；其余规则不受影响",
        "mend the rule's expression; the other rules were measured",
    ),
    "quality.no-value": Message(
        "引擎没有返回该统计量", "the engine gave no result for this metric"
    ),
    "quality.not-a-number": Message("查询结果不是数", "the query's result is not a number"),
    "grade.unknown": Message(
        "{value} 不是级别",
        "{value} is no grade",
        "可用：{known}",
        "known: {known}",
    ),
    "grade.unknown-impact": Message(
        "{instrument} 没有影响对象 {object} 或影响程度 {severity}",
        "{instrument} has no impact on {object} of severity {severity}",
        "可用：{known}",
        "known: {known}",
    ),
    "grade.raised": Message(
        "列 {column} 声明为 {declared}，实为 {grade}：{reason}",
        "column {column} is declared {declared} and graded {grade}: {reason}",
        "以较高级别为准；若已去标识化，请声明 deidentify",
        "the higher grade holds; declare deidentify if the column was de-identified",
    ),
    "grade.not-deidentified": Message(
        "列 {column} 声明了去标识化 {method}，但 {source} 的值仍在其中，级别未降低",
        "column {column} declares {method}, but values of {source} still stand in it: not lowered",
        "在 SQL 中实施该处理",
        "apply it in the SQL",
    ),
    "grade.not-reassessed": Message(
        "列 {column} 已去标识化（{method}），尚未重新评估，仍为 {grade}",
        "column {column} was de-identified ({method}) and not yet assessed again: still {grade}",
        "由人重新评估后写 classification",
        "assess it and write its classification",
    ),
    "publish.grade-forbids-open": Message(
        "资源 {resource} 为 {grade}，不得开放（openClass: {open_class}）：{field} {reason}",
        "resource {resource} is {grade} and cannot be open (openClass: {open_class}): "
        "{field} {reason}",
        "改为 openClass: none，或不公开该列",
        "set openClass: none, or leave the column out",
    ),
    "publish.personal-open": Message(
        "资源 {resource} 的列 {field} 含个人信息，不得无条件开放",
        "column {field} of resource {resource} is personal information and cannot be open "
        "unconditionally",
        "改为 openClass: conditional 或 none，或先去标识化",
        "set openClass: conditional or none, or de-identify it first",
    ),
    "publish.unknown-class": Message(
        "资源 {resource} 的 {key}: {value} 无法识别",
        "resource {resource}: {key}: {value} is not known",
        "可用：{known}",
        "known: {known}",
    ),
}
