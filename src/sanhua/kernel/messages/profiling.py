"""Codes of `sanhua profile`: what is odd in a table, and why a target cannot be read."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "profile.rejected": Message(
        "{rows} 行（{percent}）读不成记录，未计入",
        "{rows} rows ({percent}) could not be read as records and are not counted",
        "见拒收原因与行号",
        "see the reasons and lines",
    ),
    "profile.duplicate-rows": Message(
        "{rows} 行（{percent}）与前面某行完全相同",
        "{rows} rows ({percent}) equal an earlier row in every column",
    ),
    "profile.empty-column": Message("{column} 没有任何值", "{column} holds no value at all"),
    "profile.constant": Message("{column} 只有一个值", "{column} holds one value only"),
    "profile.mostly-empty": Message("{column} 有 {percent} 为空", "{percent} of {column} is empty"),
    "profile.mixed": Message(
        "{column} 按值判为“{kind}”，有 {rows} 个值不合{examples}",
        "{column} is {kind}, but {rows} values are not{examples}",
    ),
    "profile.placeholders": Message(
        "{column} 有 {rows} 个值（{percent}）只是占位，如 N/A、-、无",
        "{rows} values of {column} ({percent}) only stand for none, such as N/A or -",
    ),
    "profile.padded": Message(
        "{column} 有 {rows} 个值首尾带空白，或只有空白",
        "{rows} values of {column} begin or end in blanks, or are nothing else",
    ),
    "profile.garbled": Message(
        "{column} 有 {rows} 个值疑似乱码",
        "{rows} values of {column} look garbled",
        "检查上游的字符编码",
        "check the encoding upstream",
    ),
    "profile.code-with-zeros": Message(
        "{column} 有前导零，作代码而不作数字", "{column} has leading zeros: a code, not a number"
    ),
    "profile.ambiguous-days": Message(
        "{column} 的日期既像 {pattern} 又像 {also}",
        "the days of {column} may be {pattern} or {also}",
        "向提供方问清日与月的先后",
        "ask who supplies it which comes first, day or month",
    ),
    "profile.nearly-unique": Message(
        "{column} 几乎唯一，但有 {rows} 行重复",
        "{column} is nearly unique, but {rows} rows repeat another",
    ),
    "profile.odd-day": Message(
        "{column} 含 {value}，疑为缺省日期", "{column} holds {value}, perhaps a stand-in for no day"
    ),
    "profile.sentinel": Message(
        "{column} 含远离其余值的 {value}，疑为“无”的代码",
        "{column} holds {value}, far from all else: perhaps a code for none",
    ),
    "profile.outliers": Message(
        "{column} 有远离多数的值 {value}（90% 在 {between}）",
        "{column} holds {value}, far from most (90 % lie in {between})",
    ),
    "profile.personal": Message(
        "{column} 疑含个人信息：{kind}；本报告不显示它的值",
        "{column} seems to hold personal information: {kind}; its values are not shown here",
    ),
    "profile.sensitive": Message("{column} 疑含{kind}", "{column} seems to hold: {kind}"),
    "profile.no-target": Message(
        "没有与 {target} 相符的文件",
        "no file matches {target}",
        "写文件路径、通配、http(s) 地址，或数据库地址加 #表名",
        "give a file, a glob, an http(s) address, or a database URL with #table",
    ),
    "profile.download-failed": Message(
        "取不到 {url}：{reason}",
        "cannot fetch {url}: {reason}",
        "检查地址与网络后重试",
        "check the address and the network and try again",
    ),
    "profile.download-too-large": Message(
        "{url} 超过 {most} 字节，未下载完",
        "{url} is larger than {most} bytes; not fetched",
        "先下载并切小，再读本地文件",
        "fetch and cut it yourself, then profile the file",
    ),
    "profile.no-format": Message(
        "{url} 的类型 {type} 看不出格式",
        "{url} is of type {type}, which tells no format",
        "用 --format 写明，可用 {known}",
        "say --format; known: {known}",
    ),
    "profile.no-table": Message(
        "数据库里没有表 {table}", "the database has no table {table}",
        "有：{known}", "it has: {known}",
    ),
    "profile.no-tables": Message("{target} 里没有表", "{target} has no table"),
    "profile.tables-left": Message(
        "只看了前 {shown} 张，余下 {left} 张：{names}",
        "only the first {shown} tables were looked at; {left} left: {names}",
        "用 #表名 单独看",
        "name one with #table",
    ),
    "profile.rows-left": Message(
        "{table} 只读了前 {rows} 行", "only the first {rows} rows of {table} were read",
        "用 --rows 多读", "read more with --rows",
    ),
}  # fmt: skip
