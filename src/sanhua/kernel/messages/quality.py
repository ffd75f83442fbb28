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
}
