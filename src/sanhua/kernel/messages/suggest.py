"""Codes of suggested rules and repairs."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "suggest.no-such-table": Message(
        "没有已收取或已构建的数据表 {table}",
        "no run has collected or built a table {table}",
        "先 sanhua run；已有：{known}",
        "sanhua run first; there are: {known}",
    ),
    "suggest.no-such-suggestion": Message(
        "数据表 {table} 没有编号为 {id} 的建议（数据变了编号会变，已采纳或不采纳的不再列出）",
        "table {table} has no suggestion {id} (ids change with the data; what was accepted or "
        "rejected is not listed again)",
        "sanhua suggest {table} --least 0 列出全部",
        "sanhua suggest {table} --least 0 lists all",
    ),
    "suggest.no-contract": Message(
        "数据表 {table} 没有契约，规则无处可写",
        "table {table} has no contract to write the rule into",
        "先写 contracts/{table}.odcs.yaml，列出其各列",
        "write contracts/{table}.odcs.yaml with its columns first",
    ),
    "suggest.contract-changed": Message(
        "契约刚被他人改动，未写入",
        "the contract was edited meanwhile; nothing was written",
        "再执行一次",
        "run the command again",
    ),
    "suggest.role": Message(
        "{person} 的角色（{held}）不能决定质量规则",
        "{person} ({held}) may not decide on quality rules",
        "需要角色之一：{wanted}",
        "one of these roles is needed: {wanted}",
    ),
    "suggest.values-withheld": Message(
        "建议 {id} 的规则文字含有列 {field} 的值，该列级别不允许写出",
        "the text of rule {id} holds values of column {field}, whose grade does not allow that",
        "由有权查看者手工写规则，或改用不列值的规则",
        "let someone who may see them write the rule, or use one that lists no values",
    ),
    "suggest.no-reason": Message(
        "不采纳要说明理由", "a rejection needs its reason", "加 --reason", "add --reason"
    ),
    "contract.no-such-column": Message(
        "契约中没有 {table} 的列 {field}",
        "the contract has no column {field} of {table}",
        "在 properties 下写上该列",
        "write the column under properties",
    ),
    "contract.cannot-write": Message(
        "契约的排版容不下这一项，没有写入：列 {column_name}",
        "the contract's layout does not take it; nothing is written: {column_name}",
        "请在该列下写：{written}",
        "write below the column by hand: {written}",
    ),
    "repair.unknown": Message(
        "无法识别的清洗规则 {value}",
        "unknown repair rule {value}",
        "可用：{known}",
        "known: {known}",
    ),
    "repair.wrong-form": Message(
        "清洗规则 {value} 的写法不对",
        "the repair rule {value} is not written right",
        "trim、collapse 单写；missing、unit、dates 后列词；map 为 旧: 新；"
        "majority、default 后一个词",
        "trim and collapse stand alone; missing, unit and dates take words; map takes old: new; "
        "majority and default one word",
    ),
    "repair.majority-of-unknown": Message(
        "{field} 的 majority 所依的 {value} 不是本表的其他列",
        "{field}: majority of {value}, which is no other column of the table",
        "可用：{known}",
        "known: {known}",
    ),
    "repair.none": Message(
        "没有清洗过的数据表 {table}",
        "no run has repaired a table {table}",
        "有 repairOf 的：{known}；先 sanhua run",
        "with repairOf: {known}; sanhua run first",
    ),
    "repair.not-current": Message(
        "{table} 清洗之后，契约或原表又有改动",
        "the contract or the table that {table} repairs has changed since",
        "先 sanhua run",
        "sanhua run first",
    ),
    "repair.rows-lost": Message(
        "清洗 {table}：读入 {rows} 行，留下 {kept} 行，拒绝 {rejected} 行，合不上",
        "repair of {table}: {rows} rows in, {kept} kept and {rejected} rejected do not add up",
    ),
}
