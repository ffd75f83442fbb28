"""Codes of what comes: inboxes, databases, APIs, documents, periods."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "source.needs-key": Message(
        "写了 {key} 就要写 {other}",
        "{key} needs {other}",
        "补上 {other}，或删去 {key}",
        "add {other}, or leave {key} out",
    ),
    "source.wrong-key": Message(
        "{key} 不用于 {other} 的数据源",
        "{key} does not belong to a source of {other}",
        "删去 {key}",
        "leave {key} out",
    ),
    "source.unknown": Message(
        "没有名为 {source} 的数据源",
        "no source is called {source}",
        "最接近的：{nearest}",
        "nearest: {nearest}",
    ),
    "source.not-an-inbox": Message(
        "数据源 {source} 不是 inbox，不接收文件",
        "source {source} is no inbox and takes no files",
        "在它的文件里写 inbox: 文件夹",
        "write `inbox: FOLDER` in its file",
    ),
    "collect.nothing-came": Message(
        "数据源 {source} 还没有可用的数据到达",
        "nothing that can be read has come of source {source} yet",
        "查看 sanhua report freshness：是没有送达，还是送来的读不了",
        "see `sanhua report freshness`: nothing was sent, or what was sent cannot be read",
    ),
    "collect.period-twice": Message(
        "数据源 {source} 的 {one} 和 {other} 是同一期 {period}",
        "{one} and {other} of source {source} are about the same period {period}",
        "移走其中一个；要让后到的更正先到的，改用 inbox",
        "move one away; use `inbox` for files that correct earlier ones",
    ),
    "collect.raw-missing": Message(
        "{path} 与到达时不一样（{arrival}）",
        "{path} is not as it came ({arrival})",
        "从备份恢复 state/raw，再执行 sanhua verify",
        "restore state/raw from a backup, then run `sanhua verify`",
    ),
    "collect.no-row-fits": Message(
        "{file} 没有一行与表头相符（{count} 行不符）",
        "no row of {file} has the shape of its headings ({count} lines do not fit)",
        "请送数方重发",
        "ask the sender for it again",
    ),
    "arrival.unreadable": Message(
        "{source} 收到的 {name} 读不了，不计入：{reason}",
        "{name} that came to {source} cannot be read and does not count: {reason}",
        "原文件保存在 state/raw/{source}；请送数方以同名重发，后到的更正先到的",
        "its bytes are kept in state/raw/{source}; ask for it again under the same name, which "
        "then corrects it",
    ),
    "arrival.no-period": Message(
        "{source} 收到的 {name} 说不清是哪一期，不计入：{reason}",
        "{name} that came to {source} does not tell its period and does not count: {reason}",
        "改 period，或请送数方按约定命名重发",
        "change `period`, or ask for it again under the agreed name",
    ),
    "arrival.overlapping": Message(
        "{source} 有 {count} 对文件的期部分重叠，如 {name} 与 {other}；都计入，重复的行算两次",
        "{count} pairs of files of {source} share some of their periods, such as {name} and "
        "{other}; both count, and a row that is in both counts twice",
        "请送数方一期一个文件，或以一个含全部期的文件更正",
        "ask for one file a period, or for one that covers all of them, which then corrects both",
    ),
    "arrival.more-unreadable": Message(
        "{source} 还有 {count} 个到达的文件不计入",
        "{count} more files that came to {source} do not count",
        "sanhua report freshness 列出全部",
        "`sanhua report freshness` lists them",
    ),
    "inbox.no-token": Message(
        "没有令牌",
        "no token",
        "在 Authorization 里写 Bearer 令牌；sanhua source token 发放",
        "send `Authorization: Bearer TOKEN`; `sanhua source token` makes one",
    ),
    "inbox.unknown-token": Message(
        "令牌不认识或已撤销", "the token is not known or is revoked", "换一个", "use another"
    ),
    "inbox.other-source": Message(
        "这个令牌不能送 {source}",
        "this token does not send to {source}",
        "检查地址，或申请该数据源的令牌",
        "check the address, or ask for a token of that source",
    ),
    "inbox.method": Message(
        "inbox 不接受 {method}", "the inbox takes no {method}", "用 POST", "use POST"
    ),
    "inbox.timeout": Message(
        "{seconds} 秒没有收到数据，未保存",
        "nothing came for {seconds} s; nothing was kept",
        "重发整个文件",
        "send the whole file again",
    ),
    "inbox.too-large": Message(
        "文件超过 {megabytes} MB，未保存",
        "the file is larger than {megabytes} MB; nothing was kept",
        "拆分，或调高 inbox: megabytes",
        "split it, or raise `inbox: megabytes`",
    ),
    "inbox.empty": Message(
        "{name} 没有内容", "{name} is empty", "发送文件的字节", "send the file's bytes"
    ),
    "inbox.digest": Message(
        "内容与 Content-Digest 不符，未保存",
        "the bytes do not match Content-Digest; nothing was kept",
        "重发整个文件",
        "send the whole file again",
    ),
    "inbox.crowded": Message(
        "同时上传的文件已有 {count} 个",
        "{count} files are under way already",
        "稍后再发",
        "send it later",
    ),
    "inbox.bad-name": Message(
        "{name} 不能作为文件名接收",
        "{name} is no name under which a file is taken",
        "用 UTF-8 编码、不含路径、不以点开头、不以 .part 等半成品后缀结尾、不超过 200 字节的名称",
        "use a name in UTF-8 without a path, no dot in front, no ending such as .part or .tmp, 200 "
        "bytes at most",
    ),
    "period.pattern": Message(
        "period 的写法 {pattern} 不对（{letters}）",
        "period {pattern} is not right ({letters})",
        "花括号里写 {known}，至少有 yyyy，例如 flow_{{yyyyMMdd_HHmm}}.csv",
        "write {known} in braces, yyyy at least: flow_{{yyyyMMdd_HHmm}}.csv",
    ),
    "period.no-cadence": Message(
        "cadence 是 {cadence}，没有期可言",
        "a source that comes {cadence} has no periods",
        "删去 period，或改 cadence",
        "leave `period` out, or change `cadence`",
    ),
    "period.too-coarse": Message(
        "period {pattern} 分不清相邻两期（缺 {letters}）",
        "period {pattern} does not tell one period from the next ({letters} is lacking)",
        "补上 {letters}",
        "add {letters}",
    ),
    "period.no-column": Message(
        "{table} 的契约没有列 {field}",
        "the contract of {table} has no column {field}",
        "最接近的：{nearest}；按文件名分期要写花括号",
        "nearest: {nearest}; a pattern of the name has braces",
    ),
    "period.not-dated": Message(
        "{table}.{field} 不是日期或时间列，不能分期",
        "{table}.{field} is no date or timestamp and tells no period",
        "在契约里把它写成 date 或 timestamp",
        "make it a date or timestamp in the contract",
    ),
    "period.no-value": Message(
        "列 {field} 没有一个值能说明是哪一期",
        "no value of {field} tells the period",
        "请送数方重发",
        "ask the sender for it again",
    ),
    "api.scheme": Message(
        "只取 http 和 https 的地址，不取 {scheme}",
        "only http and https addresses are fetched, not {scheme}",
        "改地址，或把文件放进文件夹并用 files",
        "change the address, or put the file into a folder and use `files`",
    ),
    "database.bad-url": Message(
        "database 不是数据库地址",
        "`database` is no address of a database",
        "写成 postgresql+psycopg://用户@主机/库；sanhua source drivers 列出各种写法",
        "write postgresql+psycopg://USER@HOST/DB; `sanhua source drivers` lists the forms",
    ),
    "database.unknown": Message(
        "不认识数据库 {name}",
        "no database is called {name}",
        "可用：{known}",
        "known: {known}",
    ),
    "database.no-driver": Message(
        "读 {database} 的驱动没有安装",
        "the driver for {database} is not installed",
        "{install}",
        "{install}",
    ),
    "database.unreachable": Message(
        "连不上数据库：{reason}",
        "the database cannot be reached: {reason}",
        "检查地址、口令和网络；已到达的数据照常使用",
        "check its address, password and the network; what came before still counts",
    ),
    "database.failed": Message(
        "数据库没有完成查询：{reason}",
        "the database did not carry out the query: {reason}",
        "在数据库的客户端里执行同一条语句",
        "run the same statement in the database's own client",
    ),
    "database.timeout": Message(
        "{seconds} 秒没有读完，未保存",
        "it was not read within {seconds} s; nothing was kept",
        "写 cursor 分次读，或调高 limits: seconds",
        "read it in turns with `cursor`, or raise `limits: seconds`",
    ),
    "database.too-many-rows": Message(
        "超过 {most} 行，未保存",
        "more than {most} rows; nothing was kept",
        "收窄 query，或调高 limits: rows",
        "narrow `query`, or raise `limits: rows`",
    ),
    "database.no-such-table": Message(
        "数据库里没有表 {table}",
        "the database has no table {table}",
        "写成 模式.表",
        "write SCHEMA.TABLE",
    ),
    "database.no-such-column": Message(
        "{table} 没有列 {field}",
        "{table} has no column {field}",
        "有：{known}",
        "it has: {known}",
    ),
    "database.column-twice": Message(
        "查询给出两个列 {field}",
        "the query gives {field} twice",
        "用 AS 改名",
        "rename one with AS",
    ),
    "database.cursor-type": Message(
        "{field} 的类型 {type} 不能作游标",
        "{field} is {type} and can be no cursor",
        "用时间、整数或定长文本的列",
        "use a column of moments, whole numbers or text of one length",
    ),
    "database.no-cursor-value": Message(
        "有 {count} 行的 {field} 为空，按游标读不到",
        "{count} rows have no {field} and are not read by it",
        "在源库补上，或去掉 cursor 全量读",
        "fill it in at the source, or read everything without `cursor`",
    ),
    "database.asked-anew": Message(
        "所问与上次不同，从头再取；先前取到的行仍计入，相同的行不重复",
        "what is asked is not what was asked before: it is read from the beginning; rows that came "
        "before still count, and equal ones count once",
        "若已换成另一张表，请换一个数据源名",
        "when this is another table now, give the source another name",
    ),
    "api.bad-url": Message(
        "{url} 不是可用的地址", "{url} is no usable address", "检查 url", "check `url`"
    ),
    "api.bad-header": Message(
        "headers 中 {name} 的名或值不能发送：只可用 ASCII，首尾无空白，不换行",
        "the header {name} cannot be sent: ASCII only, no blanks around it, no line break",
        "检查它引用的环境变量，常见的是末尾多了换行",
        "check the environment variable that it names; often a line break is left at its end",
    ),
    "api.unreachable": Message(
        "{url} 试了 {tries} 次没有答复：{reason}",
        "{url} did not answer in {tries} tries: {reason}",
        "检查网络；已到达的数据照常使用",
        "check the network; what came before still counts",
    ),
    "api.status": Message(
        "{url} 答复 HTTP {status}",
        "{url} answered HTTP {status}",
        "401、403 查令牌，404 查地址",
        "check the token for 401 and 403, the address for 404",
    ),
    "api.timeout": Message(
        "{url} 在 {seconds} 秒内没有取完，未保存",
        "{url} was not read within {seconds} s; nothing was kept",
        "调高 limits: seconds",
        "raise `limits: seconds`",
    ),
    "api.too-large": Message(
        "超过 {megabytes} MB，未保存",
        "more than {megabytes} MB; nothing was kept",
        "调高 limits: megabytes（一页最多 256 MB）",
        "raise `limits: megabytes` (a page has 256 MB at most)",
    ),
    "api.too-many-pages": Message(
        "超过 {most} 页，未保存",
        "more than {most} pages; nothing was kept",
        "检查 pages 是否走得到头，或调高 limits: pages",
        "check that `pages` comes to an end, or raise `limits: pages`",
    ),
    "api.other-host": Message(
        "对方要我们去 {host}，没有去",
        "it leads to {host}, which was not followed",
        "可信就写进 hosts",
        "name it in `hosts` if it is to be trusted",
    ),
    "api.loop": Message(
        "第 {page} 页又回到了取过的一页",
        "page {page} leads back to one that was read",
        "检查 pages 的 parameter 和 at",
        "check `parameter` and `at` of `pages`",
    ),
    "api.not-json": Message(
        "{page} 不是 JSON（{type}）",
        "{page} is no JSON ({type})",
        "检查地址；取文件时地址要以 .csv、.parquet、.zip 等结尾",
        "check the address; one of a file ends in .csv, .parquet, .zip …",
    ),
    "api.no-records": Message(
        "{page} 里没有 {records}",
        "{page} has no {records}",
        "改 read: records",
        "change `read: records`",
    ),
    "document.none": Message(
        "{pattern} 没有匹配到文件",
        "no file matches {pattern}",
        "检查路径；${{NAME}} 取自环境变量",
        "check the path; ${{NAME}} comes from the environment",
    ),
    "document.unread": Message(
        "{count} 个文档只按哈希登记：{reason}",
        "{count} documents are registered by hash alone: {reason}",
        "见登记表的 reason 列",
        "see the column `reason` of the register",
    ),
    "document.withheld": Message(
        "{count} 个 DICOM 文件含可识别个人的标签，值未读出：{tags}",
        "{count} DICOM files hold tags that tell of persons; their values were not read: {tags}",
        "原文件仍含这些标签，共享前先去标识",
        "the files still hold them: de-identify before sharing",
    ),
}
