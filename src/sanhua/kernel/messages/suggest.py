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
    "contract.cannot-write-rule": Message(
        "契约的写法使规则无法自动写入（列 {field}）",
        "the contract is written in a way that no rule can be added to by machine (column {field})",
        "手工写入 sanhua suggest --json 给出的 rule",
        "write the `rule` that sanhua suggest --json gives by hand",
    ),
}
