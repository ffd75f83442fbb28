"""Notes of a disclosure, and the documents that it is handed out in."""

from __future__ import annotations

from sanhua.kernel.messages import Message

MESSAGES = {
    "note.not-a-period": Message(
        "文件名 {value} 不是期间",
        "the file's name {value} is no period",
        "写成 2024、2024-H1、2024-Q2 或 2024-06",
        "name it 2024, 2024-H1, 2024-Q2 or 2024-06",
    ),
    "note.not-a-person": Message(
        "附注 {item} 的 by 是 {party}，不是自然人",
        "the note {item} is said by {party}, which is no person",
        "写一个 person: true 的当事方：附注文字由人负责",
        "name a party with person: true: a person answers for what a note says",
    ),
    "report.no-docx": Message(
        "没有安装 python-docx，未出 DOCX",
        "python-docx is not installed: no DOCX",
        "pip install 'sanhua[documents]'",
        "pip install 'sanhua[documents]'",
    ),
    "report.no-identifier": Message(
        "{entity} 没有统一社会信用代码，XBRL 实例以项目内的当事方标识为主体标识",
        "{entity} has no unified social credit code: the XBRL instance names it by its party id",
        "在 parties.yaml 写 uscc",
        "give its uscc in parties.yaml",
    ),
}
