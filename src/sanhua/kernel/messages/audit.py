"""Codes of auditing: samples and bundles of a disclosure."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "audit.no-disclosure": Message(
        "没有 {node}：这一期还没有列示",
        "there is no {node}: nothing was shown for that period",
        "先执行 sanhua report disclosure；最接近的：{nearest}",
        "run `sanhua report disclosure` first; nearest: {nearest}",
    ),
    "audit.no-items": Message(
        "{node} 中没有可抽的 {what}（表：{report}）",
        "{node} holds no {what} to draw from (report: {report})",
        "去掉 --report，或换一个 --of",
        "leave out --report, or choose another --of",
    ),
    "sample.size": Message(
        "样本量 {size} 与总体的 {count} 项不合",
        "a sample of {size} does not fit a population of {count}",
        "--n 取 1 至 {count}",
        "choose --n from 1 to {count}",
    ),
    "sample.interval": Message(
        "抽样间隔 {value} 不是大于零的 {currency} 金额",
        "the interval {value} is no {currency} amount above zero",
        "写成 50000.00，或省略 --interval",
        "write 50000.00, or leave --interval out",
    ),
    "sample.seed": Message(
        "种子首尾有空白或含换行：{seed}",
        "the seed begins or ends with blanks or holds a line break: {seed}",
        "双方须能一字不差地重打这一行",
        "both sides must be able to type it again, letter by letter",
    ),
    "sample.what": Message(
        "不能从 {what} 中抽样",
        "{what} cannot be drawn from",
        "可用：{known}",
        "known: {known}",
    ),
    "prove.too-large": Message(
        "证据包超过 4 GiB，未写出 {path}",
        "the bundle would exceed 4 GiB; {path} was not written",
        "不附原件，或分期、分主体出包",
        "leave the files out, or make one a period or an entity",
    ),
}
