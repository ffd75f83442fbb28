"""Codes of rules, identifiers and the working-day calendar."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "rule.gap": Message(
        "规则 {name} 在 {on} 没有有效值（已知 {first} 起，至 {last}）",
        "rule {name} has no value in force on {on} (known from {first}, until {last})",
        "程序不作猜测：换一个日期，或在规则包中按出处补一个值",
        "nothing is guessed: ask for another day, or add a value with its source to a rule pack",
    ),
    "rule.unknown": Message(
        "没有规则 {name}", "there is no rule {name}", "最接近的：{nearest}", "nearest: {nearest}"
    ),
    "rule.unknown-instrument": Message(
        "没有名为 {name} 的法规或标准",
        "there is no instrument {name}",
        "最接近的：{nearest}",
        "nearest: {nearest}",
    ),
    "rule.unknown-pack": Message(
        "没有规则包 {name}",
        "there is no rule pack {name}",
        "在 sanhua.yaml 的 rules 中写：{nearest}",
        "in `rules` of sanhua.yaml write: {nearest}",
    ),
    "rule.unknown-identifier": Message(
        "没有标识符种类 {kind}",
        "there is no kind of identifier {kind}",
        "最接近的：{nearest}",
        "nearest: {nearest}",
    ),
    "rule.not-an-identifier": Message(
        "所给的不是有效的 {kind}", "what was given is not a valid {kind}"
    ),
    "rule.redefined": Message(
        "规则 {name} 已在前一个规则包中给出",
        "rule {name} is given by an earlier pack already",
        "后面的规则包只能增加规则，不能改动；换一个规则名",
        "a later pack may add rules, not change them: choose another name",
    ),
    "rule.bad-file": Message(
        "规则文件 {at} 处不合格式：{reason}",
        "the rule file is not well formed at {at}: {reason}",
        "格式见 rules.schema.json；每个值都要有 clause、checked、tag",
        "the form is rules.schema.json; every value has clause, checked and tag",
    ),
    "calendar.no-year": Message(
        "判断 {day} 是否工作日需要 {year} 年的放假安排，现有 {first}–{last} 年",
        "whether {day} is worked depends on the holiday notice of {year}; known: {first}–{last}",
        "升级 chinesecalendar，或在项目中放 calendar.csv"
        "（列 day,kind；kind 为 holiday 或 workday）",
        "upgrade chinesecalendar, or put calendar.csv (columns day,kind; kind holiday or workday)"
        " in the project",
    ),
    "calendar.incomplete-year": Message(
        "日历文件中 {year} 年不完整：{day} 未写为 holiday",
        "the calendar file is incomplete for {year}: {day} is not listed as a holiday",
        "一年要写全：所有放假日（含落在周末的）与所有调休上班日",
        "a year is written whole: every holiday, also on weekends, and every worked weekend",
    ),
    "calendar.bad-header": Message(
        "日历文件首行是 {found}，应为 day,kind",
        "the calendar file starts with {found}, not day,kind",
    ),
    "calendar.bad-row": Message(
        "日历文件这一行不能读：{written}",
        "this row of the calendar file cannot be read: {written}",
        "写成 2027-01-01,holiday 或 2027-01-24,workday；同一天只写一次",
        "write 2027-01-01,holiday or 2027-01-24,workday; a day has one kind",
    ),
    "calendar.unreadable": Message(
        "无法读取日历文件：{reason}", "cannot read the calendar file: {reason}"
    ),
}
