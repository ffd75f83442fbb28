"""Codes of `check`: the form of the files, references, and what the folder states wrongly."""

from sanhua.kernel.messages import Message

_NEAR_ZH, _NEAR_EN = "最接近的：{nearest}", "nearest: {nearest}"

_FORMAT = {
    "format.unknown-key": Message("不认识的键 {key}", "unknown key {key}", _NEAR_ZH, _NEAR_EN),
    "format.missing-key": Message(
        "缺少必填的键 {key}（在 {under_key} 下）",
        "required key {key} is missing (under {under_key})",
        "补上 {key}:",
        "add {key}:",
    ),
    "format.duplicate-key": Message(
        "{key} 写了两次（第一次在第 {first} 行）",
        "{key} is given twice (first in line {first})",
        "只留一处",
        "keep one of them",
    ),
    "format.duplicate-id": Message(
        "{key} 已在 {other} 声明",
        "{key} is declared at {other} already",
        "换一个编号",
        "choose another id",
    ),
    "format.empty-value": Message(
        "{key} 没有写内容",
        "{key} has no content",
        "写上内容，或删去这个键",
        "write it, or leave the key out",
    ),
    "format.wrong-type": Message(
        "{key} 写成了 {value}，应为 {wanted}", "{key} is {value}; wanted: {wanted}"
    ),
    "format.wrong-form": Message(
        "{key} 的 {value} 不合格式：{wanted}", "{key}: {value} has not the form {wanted}"
    ),
    "format.not-one-of": Message(
        "{key} 不能是 {value}",
        "{key} cannot be {value}",
        "最接近的：{nearest}；可用：{known}",
        "nearest: {nearest}; known: {known}",
    ),
    "format.exactly-one": Message(
        "{keys} 之中应恰好写一个，现有：{given}",
        "exactly one of {keys} is wanted; given: {given}",
        "留一个，删去其余",
        "keep one, drop the others",
    ),
    "format.one-key-only": Message("{key} 下只能有一个键", "only one key may stand under {key}"),
    "format.too-many-items": Message("{key} 的项数过多", "{key} has too many items"),
    "format.not-an-id": Message(
        "{value} 不能作编号",
        "{value} is not an id",
        "小写字母开头，只用小写字母、数字和下划线，至多 63 个字符；中文写在 title",
        "a lower-case letter, then lower-case letters, digits "
        "and _, at most 63; other names go into title",
    ),
    "format.not-money": Message(
        "{key} 的 {value} 不是金额",
        "{key}: {value} is not an amount",
        "写成 2000.00 或 2000.00 USD，不带千分位和“万”",
        "write 2000.00 or 2000.00 USD, without separators or 万",
    ),
    "format.not-a-rate": Message(
        "{key} 的 {value} 不是比率",
        "{key}: {value} is not a rate",
        "写成 6%",
        "write it with %, such as 6%",
    ),
    "format.not-a-part": Message(
        "{key} 的 {value} 不是 0% 到 100% 的比率",
        "{key}: {value} is not a rate from 0% to 100%",
        "写成 6%",
        "write it with %, such as 6%",
    ),
    "format.not-a-day": Message(
        "{key} 的 {value} 不是日期",
        "{key}: {value} is not a day",
        "写成 2026-01-31",
        "write 2026-01-31",
    ),
    "format.not-a-month-day": Message(
        "{key} 的 {value} 不是月日", "{key}: {value} is not MM-DD", "写成 01-01", "write 01-01"
    ),
    "format.not-a-month": Message(
        "{key} 的 {value} 不是月份", "{key}: {value} is not a month", "写 1 到 12", "write 1 to 12"
    ),
    "format.not-a-moment": Message(
        "{key} 的 {value} 不是带时区的时刻",
        "{key}: {value} is not a moment with offset",
        "写成 2026-01-05T10:11:00+08:00",
        "write 2026-01-05T10:11:00+08:00",
    ),
    "format.not-a-duration": Message(
        "{key} 的 {value} 不是时长",
        "{key}: {value} is not a duration",
        "写成 30 days、6 months、1 year",
        "write 30 days, 6 months or 1 year",
    ),
    "format.not-a-count-per": Message(
        "{key} 的 {value} 不是每期次数",
        "{key}: {value} is not a count in a period",
        "写成 100000 per month",
        "write 100000 per month",
    ),
    "format.not-a-count": Message(
        "{key} 的 {value} 不是整数", "{key}: {value} is not a whole number"
    ),
    "format.not-a-number": Message(
        "{key} 的 {value} 不是数", "{key}: {value} is not a plain number"
    ),
    "format.not-a-delimiter": Message(
        "{key} 的 {value} 不是一至四个字符",
        "{key}: {value} is not one to four characters",
        "写一至四个字符，如 ';'；制表符写 \\t",
        "write one to four characters, as ';', or \\t for a tab",
    ),
    "format.not-a-quote": Message(
        "{key} 不能是 {value}",
        "{key} cannot be {value}",
        "可用：双引号、单引号、反引号；没有引号写 none",
        "a double quote, a single quote, a backquote or none",
    ),
    "format.not-rows-of-headings": Message(
        "{key} 不能是 {value}",
        "{key} cannot be {value}",
        "写 true、false 或表头的行数",
        "write true, false or how many rows of headings there are",
    ),
    "format.not-an-escape": Message(
        "{key} 不能是 {value}",
        "{key} cannot be {value}",
        "引号内以反斜杠转义时写 \\；引号写两遍的不必写",
        "write \\ where a backslash stands before quotes; where they are doubled, leave it out",
    ),
    "format.not-cells": Message(
        "{key} 的 {value} 不是单元格区域",
        "{key}: {value} is not a range of cells",
        "写左上角与右下角，如 B2:F40",
        "write two corners, as B2:F40",
    ),
    "format.empty-range": Message(
        "下限 {low} 大于上限 {high}，没有值能符合",
        "the lower bound {low} is above the upper bound {high}: no value conforms",
        "对调或改正",
        "swap or mend them",
    ),
    "format.not-a-flag": Message(
        "{key} 的 {value} 不是 true 或 false",
        "{key}: {value} is neither true nor false",
        "写 true 或 false",
        "write true or false",
    ),
    "format.not-a-range": Message(
        "{key} 的 {value} 不是值域",
        "{key}: {value} is not a range",
        "写成 0..100、0.. 或 ..100",
        "write 0..100, 0.. or ..100",
    ),
    "format.not-a-type": Message(
        "{key} 的 {value} 不是数据类型",
        "{key}: {value} is not a type",
        "可用 string integer decimal(12,2) date timestamp "
        'boolean；花括号内要加引号 "decimal(12,2)"',
        'string integer decimal(12,2) date timestamp boolean; quote "decimal(12,2)" inside { }',
    ),
    "format.not-a-hash": Message(
        "{key} 的 {value} 不是 SHA-256",
        "{key}: {value} is not a SHA-256",
        "64 位十六进制",
        "64 hexadecimal digits",
    ),
    "format.not-a-node": Message("{key} 的 {value} 不是编号", "{key}: {value} is not a node id"),
    "format.not-a-subject": Message(
        "{key} 的 {value} 不是带密钥的摘要",
        "{key}: {value} is not a keyed hash",
        "写成 hmac:…，不要写证件号",
        "write hmac:…, never an identity number",
    ),
    "format.not-a-currency": Message(
        "{key} 的 {value} 不是币种代码（ISO 4217）",
        "{key}: {value} is not a currency code of ISO 4217",
        "人民币写 CNY",
        "the renminbi is CNY",
    ),
    "format.not-a-port": Message(
        "{key} 的 {value} 不是端口",
        "{key}: {value} is not a port",
        "写 1 到 65535",
        "write 1 to 65535",
    ),
    "format.not-an-iri": Message(
        "{key} 的 {value} 不是 IRI 前缀",
        "{key}: {value} is not an IRI prefix",
        "写成 https://example.com/",
        "write https://example.com/",
    ),
    "format.version": Message(
        "不支持的格式版本 {value}",
        "formats version {value} is not known",
        "写 sanhua: 1",
        "write sanhua: 1",
    ),
    "format.contract-version": Message(
        "不支持的数据契约版本 {value}",
        "data contract version {value} is not read",
        "用 v3.1.0 或 v3.0.x",
        "use v3.1.0 or v3.0.x",
    ),
    "format.formerly-not-built": Message(
        "formerly: {value} 尚未实现，改名后历史不会延续",
        "formerly: {value} is not built: a rename does not carry the history over",
        "沿用旧编号，只改 title；或删去 formerly，作为另一事物",
        "keep the old id and change the title; or remove formerly: it is another thing then",
    ),
    "format.term-backwards": Message(
        "期限的末日 {value} 早于首日 {starts}",
        "the term ends on {value}, before its first day {starts}",
    ),
    "format.two-sources": Message(
        "{other} 已说明同一内容；YAML 与 Excel（或 CSV）只能留一种",
        "{other} says the same thing; keep YAML or Excel (or CSV), never both",
        "删去其中一个文件",
        "delete one of the two files",
    ),
    "format.unset-variable": Message(
        "环境变量 {name} 没有设置",
        "the environment variable {name} is not set",
        "设置它，或写成 ${{{name}:-默认值}}",
        "set it, or write ${{{name}:-default}}",
    ),
    "format.secret-written": Message(
        "密码写进了文件",
        "a password is written in the file",
        "写成 {shown}，密码放在环境变量里",
        "write {shown} and keep the password in the environment",
    ),
    "format.outside": Message(
        "{value} 不在项目文件夹内",
        "{value} lies outside the project folder",
        "把文件放进文件夹，或写 {{title, sha256}}",
        "put the file into the folder, or give {{title, sha256}}",
    ),
    # files and their text
    "format.unreadable": Message("无法读取：{reason}", "cannot be read: {reason}"),
    "format.too-large": Message(
        "文件有 {size} 字节，超过 {limit}",
        "the file has {size} bytes, more than {limit}",
        "拆成几个文件",
        "split it",
    ),
    "format.not-utf8": Message(
        "不是 UTF-8：第 {byte} 字节是 {value}",
        "not UTF-8: byte {byte} is {value}",
        "另存为 UTF-8（常见原因是 GB18030 或 GBK）",
        "save it as UTF-8 (it is often GB18030)",
    ),
    "format.nul": Message("文本中有 NUL 字符", "the text holds a NUL character"),
    "format.reorders": Message(
        "文本中有改变显示次序的字符 {value}：看到的与写的不同（2025 会显示成 5202）",
        "the text holds {value}, which turns what follows around: 2025 is shown as 5202",
        "删去它",
        "delete it",
    ),
    "format.empty-file": Message(
        "文件是空的", "the file is empty", "写入内容，或删去文件", "write it, or delete the file"
    ),
    "format.yaml": Message(
        "YAML 语法错误：{reason}",
        "YAML syntax: {reason}",
        "检查此处及其上一行的引号、括号与缩进",
        "check quotes, brackets and indentation here and on the line above",
    ),
    "format.tab": Message(
        "缩进里有制表符：{reason}",
        "a tab in the indentation: {reason}",
        "改用空格缩进",
        "indent with spaces",
    ),
    "format.alias": Message(
        "不允许引用 {value}",
        "alias {value} is not allowed",
        "把内容写出来",
        "write the content out",
    ),
    "format.anchor": Message(
        "不允许锚点 {value}", "anchor {value} is not allowed", "删去它", "remove it"
    ),
    "format.tag": Message(
        "不允许标签 {value}",
        "tag {value} is not allowed",
        "删去它；值按键定类型",
        "remove it; the key gives the type",
    ),
    "format.merge-key": Message(
        "不允许合并键 <<", "merge key << is not allowed", "把内容写出来", "write the content out"
    ),
    "format.complex-key": Message("键只能是一个文本", "a key must be one text"),
    "format.second-document": Message(
        "一个文件只能有一个文档",
        "a file holds one document",
        "删去 --- 及其后内容",
        "remove --- and what follows",
    ),
    "format.too-deep": Message(
        "嵌套超过 {limit} 层", "nested deeper than {limit}", "减少层次", "nest less deeply"
    ),
    "format.too-many": Message("内容超过 {limit} 项", "more than {limit} values"),
    "format.not-a-mapping": Message(
        "应为 键: 值 的映射",
        "a mapping of keys is wanted here",
        "写成 键: 值",
        "write key: value",
    ),
    "format.quote-it": Message(
        "{value} 没有加引号，别的 YAML 程序会读成另一个值",
        "{value} is not quoted; other YAML readers take it for another value",
        "写成 '{value}'",
        "write '{value}'",
    ),
    "format.json": Message("JSON 语法错误：{reason}", "JSON syntax: {reason}"),
    # tables
    "format.csv": Message("CSV 语法错误：{reason}", "CSV syntax: {reason}"),
    "format.ragged": Message(
        "这一行有 {cells} 格，表头有 {headings} 格",
        "{cells} cells under {headings} headings",
        "逗号、换行须放在引号里",
        "quote cells that hold commas or line ends",
    ),
    "format.empty-table": Message("表是空的", "the table is empty"),
    "format.missing-column": Message("缺少列 {key}", "column {key} is missing"),
    "format.unknown-column": Message(
        "不认识的列 {key}", "unknown column {key}", _NEAR_ZH, _NEAR_EN
    ),
    "format.unused-column": Message("列 {key} 没有用处，已略过", "column {key} is not used"),
    "format.duplicate-column": Message("列 {key} 出现两次", "column {key} is given twice"),
    "format.missing-cell": Message("缺少 {key}", "{key} is missing"),
    "format.not-a-workbook": Message(
        "无法作为 Excel 工作簿读取：{reason}",
        "not a readable workbook: {reason}",
        "重新另存为 .xlsx，或改用 CSV",
        "save it again as .xlsx, or use CSV",
    ),
    "format.formula": Message(
        "{cell} 是公式 {value}",
        "{cell} holds the formula {value}",
        "粘贴为数值",
        "paste it as a value",
    ),
    "format.error-cell": Message("{cell} 是错误值 {value}", "{cell} holds the error {value}"),
    "format.number-cell": Message(
        "{cell}（{key}）是数字 {value}，代码会丢失前导或末尾的零",
        "{cell} ({key}) is the number {value}; codes lose zeros that way",
        "把整列设为文本格式后重新填写",
        "format the column as text and enter it again",
    ),
    "format.too-many-decimals": Message(
        "{cell}（{key}）的 {value} 多于两位小数",
        "{cell} ({key}): {value} has more than two decimals",
    ),
}

_REF_KINDS = {
    "party": ("主体", "party"),
    "role": ("具备角色的主体", "party with the role"),
    "entity": ("会计主体", "entity"),
    "resource": ("资源（contracts/ 中的契约）", "resource (a contract)"),
    "table": ("表", "table"),
    "column": ("列", "column"),
    "element": ("数据元", "data element"),
    "codes": ("代码集", "code list"),
    "code": ("代码", "code"),
    "claim": ("权利主张", "claim"),
    "grant": ("授权", "grant"),
    "purpose": (
        "用途代码（standards/codes/purposes.csv）",
        "purpose (standards/codes/purposes.csv)",
    ),
    "policy": ("使用条件", "policy"),
    "product": ("产品", "product"),
    "plan": ("价格方案", "plan"),
    "deal": ("合约", "deal"),
    "consent": ("同意", "consent"),
    "listing": ("挂牌场所", "exchange to list on"),
    "indicator": ("GB/T 36344 指标", "GB/T 36344 indicator"),
    "measure": ("约束可用的度量", "measure for a covenant"),
    "asset": ("资产", "asset"),
    "appraisal": ("评估", "appraisal"),
    "voucher": ("凭证", "voucher"),
    "line": ("报表项目", "balance-sheet line"),
    "project": ("项目代码", "project code"),
    "file": ("文件", "file"),
    "evidence": ("附件", "evidence file"),
}
_REF = {
    f"ref.{kind}": Message(f"没有{zh} {{value}}", f"no {en} {{value}}", _NEAR_ZH, _NEAR_EN)
    for kind, (zh, en) in _REF_KINDS.items()
}

_PROJECT = {
    "project.not-a-project": Message(
        "{path} 及其上级文件夹中没有 sanhua.yaml",
        "no sanhua.yaml in {path} or above",
        "用 sanhua init 新建项目，或用 -C 指定文件夹",
        "make one with `sanhua init`, or name the folder with -C",
    ),
    "project.engine-not-built": Message(
        "引擎 {value} 尚未实现，只有 duckdb",
        "the engine {value} is not built; duckdb is the only one",
        "删去 engine（PostgreSQL 可作 store）",
        "remove engine (PostgreSQL can be the `store`)",
    ),
    "project.unknown-file": Message(
        "没有格式认领这个文件",
        "no format claims this file",
        "此处的文件：{nearest}",
        "files here: {nearest}",
    ),
    "party.uscc-wrong": Message(
        "{party} 的统一社会信用代码 {value} 校验不符",
        "{party}: USCC {value} fails its check digit",
        "核对证照",
        "compare it with the licence",
    ),
    "party.uscc-missing": Message(
        "{party} 持有权利、签约或付费，但没有统一社会信用代码",
        "{party} holds, signs or is billed but has no USCC",
        "补上 uscc:",
        "add uscc:",
    ),
    "party.no-key-file": Message(
        "没有公钥文件 {value}，签名无从核对",
        "there is no public key file {value}: no signature can be checked",
        "以 sanhua deal key 生成，或放入文件；最接近的：{nearest}",
        "make it with `sanhua deal key`, or put the file there; nearest: {nearest}",
    ),
    "party.not-a-key": Message(
        "{value} 不是 Ed25519 公钥（PEM）",
        "{value} is no Ed25519 public key (PEM)",
        "以 sanhua deal key 生成",
        "make it with `sanhua deal key`",
    ),
    "party.same-uscc": Message(
        "{party} 与 {other} 的统一社会信用代码都是 {value}",
        "{party} has the USCC {value} of {other}",
        "一个代码只属一个组织：核对，或合并为一个主体",
        "one code is one organisation's: compare them, or make them one party",
    ),
    "party.person-of": Message(
        "个人 {party} 没有写所属单位", "person {party} lacks `of`", "补上 of:", "add of:"
    ),
    "party.identity-number": Message(
        "个人 {party} 不应有证件号",
        "person {party} must carry no identity number",
        "删去 uscc",
        "remove uscc",
    ),
    "entity.parent-cycle": Message(
        "主体 {entity} 的 parent 绕回自己",
        "entity {entity} is above itself",
        "更正 parent",
        "correct `parent`",
    ),
    "party.role": Message(
        "{party} 没有角色 {role}",
        "{party} lacks the role {role}",
        "在 parties.yaml 补上角色",
        "add the role in parties.yaml",
    ),
}

_STANDARD = {
    "standard.duplicate-code": Message(
        "代码 {code} 重复（第一次在第 {first} 行）",
        "code {code} is given twice (first in line {first})",
    ),
    "standard.code-cycle": Message("代码 {code} 的上级绕回自己", "code {code} is above itself"),
    "standard.attributes-twice": Message(
        "实体 {key} 有表，属性取自表的契约",
        "entity {key} has a table; its attributes come from the contract",
        "删去 attributes",
        "remove attributes",
    ),
    "standard.no-purposes": Message(
        "没有 standards/codes/purposes.csv，用途无从核对",
        "standards/codes/purposes.csv is missing; purposes cannot be checked",
        "建立这个代码集",
        "write that code list",
    ),
    "standard.not-an-aggregate": Message(
        "指标 {indicator} 的公式不是聚合",
        "the formula of indicator {indicator} is no aggregate",
        "用 sum、count、avg 等聚合函数",
        "use an aggregate such as sum, count or avg",
    ),
}

_CONTRACT = {
    "contract.id-differs": Message(
        "id 是 {value}，文件名是 {file}",
        "id is {value} but the file is {file}",
        "改成同名",
        "make them equal",
    ),
    "contract.kept-only": Message(
        "{key} 只保留并原样导出",
        "{key} is kept and exported, not acted on",
        "此内容写在 {instead}",
        "it is said in {instead}",
    ),
    "contract.duplicate-column": Message(
        "列 {column_name} 写了两次（第一次在第 {first} 行）",
        "column {column_name} is given twice (first in line {first})",
    ),
    "contract.relationship": Message(
        "关系两端的列数不同：{left} 与 {right}", "a relationship of {left} columns to {right}"
    ),
    "contract.foreign-classification": Message(
        "classification 的 {value} 不是 GB/T 43697 级别，不作下限",
        "classification {value} is no GB/T 43697 grade and sets no floor",
        _NEAR_ZH,
        _NEAR_EN,
    ),
    "contract.unknown-metric": Message(
        "不认识的质量度量 {value}", "unknown quality metric {value}", _NEAR_ZH, _NEAR_EN
    ),
    "contract.one-operator": Message(
        "规则“{name}”应恰好有一个 mustBe… 比较，现有：{given}",
        "rule {name} wants exactly one mustBe… operator; given: {given}",
    ),
    "contract.unknown-sla": Message(
        "不认识的服务水平 {value}，只保留并原样导出",
        "service level {value} is not known: kept and exported, not measured",
        _NEAR_ZH,
        _NEAR_EN,
    ),
    "contract.latency-of-nothing": Message(
        "latency 没有写 element，无从测量",
        "this latency names no element, so that nothing is measured",
        "写 element: 表.列（日期或时刻列）",
        "write element: TABLE.COLUMN, a column of days or moments",
    ),
    "contract.latency-type": Message(
        "列 {column_name} 的类型是 {type}，以 {unit} 计的 latency 需要 {wanted}",
        "column {column_name} is {type}; a latency in {unit} is measured on {wanted}",
        "改 element，或改单位（h 需要时刻，d 可用日期）",
        "name another element, or another unit (h wants moments, d takes days)",
    ),
    "contract.unknown-zone": Message(
        "不认识的时区 {value}（defaultTimezone）",
        "time zone {value} is not known (defaultTimezone)",
        "用 IANA 名称，如 Asia/Shanghai",
        "use an IANA name, as Asia/Shanghai",
    ),
    "contract.rule-of-no-column": Message(
        "度量 {metric} 属于一列，这里没有列",
        "metric {metric} is of a column, and there is none here",
        "写在该列（properties 之下）的 quality 里",
        "write it under `quality` of the column it is about",
    ),
    "contract.rule-lacks": Message(
        "度量 {metric} 没有写 {key}，无从测量",
        "metric {metric} names no {key}: nothing is measured",
        "在 arguments 中补上",
        "add it under `arguments`",
    ),
    "contract.not-an-indicator": Message(
        "{value} 不是 GB/T 36344 指标代码",
        "{value} is not a GB/T 36344 indicator code",
        "写成四位并加引号，如 '0301'",
        "four digits in quotes, such as '0301'",
    ),
    "contract.misplaced-property": Message(
        "自定义属性 {key} 应写在：{where}", "custom property {key} belongs on: {where}"
    ),
    "contract.near-miss": Message(
        "自定义属性 {key} 是否应为 {nearest}？",
        "custom property {key}: is {nearest} meant?",
        "改名，或不理会",
        "rename it, or leave it as your own",
    ),
    "contract.unknown-column": Message(
        "契约中的列 {value} 不在 SQL 的结果里",
        "the SQL makes no column {value}",
        _NEAR_ZH,
        _NEAR_EN,
    ),
    "contract.unlisted-column": Message(
        "SQL 产生的列 {value} 没有写进契约",
        "the SQL makes column {value}, which the contract does not list",
    ),
    "contract.open-conditions": Message(
        "{key} 为 {value} 时应写 {wanted}",
        "{key} {value} wants {wanted}",
        "补上依据或条件",
        "add the basis or the conditions",
    ),
    "contract.table-twice": Message(
        "表 {table} 已由 {other} 定义", "table {table} is defined by {other} already"
    ),
    "source.no-contract": Message(
        "原始表 {table} 没有契约，各列按文本读取",
        "raw table {table} has no contract; all its columns are text",
        "在 contracts/ 写一个契约",
        "write a contract for it",
    ),
}

_RIGHTS = {
    "rights.needs-consent": Message(
        "{claim}：来源 {source} 的 {rights} 须其他方同意",
        "{claim}: {rights} from source {source} needs the other parties' consent",
        "在 evidence 附上同意书，用 with 写明各方",
        "add the consent to evidence and name the parties under with",
    ),
    "rights.source-unruled": Message(
        "{claim}：尚无适用的来源与权利对照表，未核对",
        "{claim}: no source→rights matrix is in force; not checked",
    ),
    "rights.wider-than-parent": Message(
        "授权 {grant} 的 {key} {value} 超出 {parent}",
        "grant {grant}: {key} {value} is wider than in {parent}",
        "下级只能收窄",
        "a child may only narrow",
    ),
    "rights.not-onward": Message(
        "授权 {parent} 不许再授权，{grant} 不能由此产生",
        "grant {parent} is not onward; {grant} cannot come from it",
        "在上级写 onward: true",
        "write onward: true on the parent",
    ),
    "rights.grant-cycle": Message("授权 {grant} 的上级绕回自己", "grant {grant} is above itself"),
    "rights.grant-no-operate": Message(
        "{grant}：主张 {claim} 没有经营权，不能授权运营",
        "{grant}: claim {claim} has no right to operate",
    ),
}

_PRODUCT = {
    "policy.not-executable": Message(
        "条款 {term} 不能执行，已拒绝整条政策",
        "term {term} has no executable meaning; the policy is refused",
        _NEAR_ZH,
        _NEAR_EN,
    ),
    "policy.wrong-value": Message(
        "条款 {term} 的值 {value} 不合格式：{wanted}",
        "term {term}: {value} has not the form {wanted}",
    ),
    "policy.permit-and-forbid": Message(
        "{action} 既允许又禁止", "{action} is both permitted and forbidden", "留一处", "keep one"
    ),
    "policy.count-below-plan": Message(
        "使用条件 {policy} 限 {count}，产品 {product} 的方案 {plan} "
        "给第 {units} 个单位定了价，{price} 之后的却用不到",
        "policy {policy} allows {count}; plan {plan} of {product} "
        "prices unit {units}, but those beyond {price} cannot be reached",
        "调整 count 或方案",
        "change count or the plan",
    ),
    "product.unknown-parameter": Message(
        "查询用了参数 ${value}，parameters 没有声明",
        "the query uses ${value}, which parameters does not declare",
        _NEAR_ZH,
        _NEAR_EN,
    ),
    "product.unused-parameter": Message(
        "参数 {value} 没有在查询里使用", "parameter {value} is not used by the query"
    ),
    "product.table-no-contract": Message(
        "产品 {product} 的表 {table} 没有契约，不能出售",
        "product {product}: table {table} has no contract and cannot be sold",
        "为它写 contracts/{table}.odcs.yaml",
        "write contracts/{table}.odcs.yaml",
    ),
    "product.misplaced-key": Message(
        "形态 {form} 的产品不用 {key}", "a {form} product has no {key}"
    ),
    "price.no-price": Message(
        "方案 {plan} 没有任何价格",
        "plan {plan} has no price",
        "写 free、once、fee、per、revenue_share、negotiated 或 bundle",
        "give free, once, fee, per, revenue_share, negotiated or bundle",
    ),
    "price.trial-unbounded": Message(
        "免费方案 {plan} 有 for 却没有 limit，或反之",
        "free plan {plan} has `for` without `limit`, or the reverse",
    ),
    "price.bundle-split": Message(
        "方案 {plan} 的分摊合计 {total}，不是 100%",
        "plan {plan}: the split sums to {total}, not 100%",
    ),
    "price.bundle-products": Message(
        "方案 {plan} 的分摊与产品不一致：{value}", "plan {plan}: split and products differ: {value}"
    ),
    "price.over-ceiling": Message(
        "方案 {plan} 的 {key} {value} 高于 {ceiling} 的政府指导价 {limit}",
        "plan {plan}: {key} {value} exceeds the ceiling {limit} of {ceiling}",
        "降价，或取得新的批复",
        "lower it, or obtain a new approval",
    ),
    "price.next-cycle": Message(
        "方案 {plan} 的 next 绕回自己", "plan {plan}: `next` comes back to itself"
    ),
    "share.one-rest": Message(
        "产品 {product} 的分成应恰好有一个 rest，现有 {count} 个",
        "shares of {product} want exactly one rest; there are {count}",
    ),
    "share.over-100": Message(
        "产品 {product} 的分成比率合计 {total}，超过 100%",
        "shares of {product} sum to {total}, more than 100%",
    ),
    "share.rest-party": Message(
        "产品 {product} 的 rest 没有写由谁取得",
        "the rest of {product} names nobody",
        "写 party，或 rest: {{by, among}}",
        "name a party, or rest: {{by, among}}",
    ),
    "share.no-party": Message(
        "产品 {product} 的分成没有写主体", "a share of {product} names no party"
    ),
    "deal.field-not-offered": Message(
        "合约 {deal} 的字段 {value} 不在产品 {product} 的 offer 里",
        "deal {deal}: field {value} is not offered by {product}",
        _NEAR_ZH,
        _NEAR_EN,
    ),
    "deal.purpose-not-permitted": Message(
        "合约 {deal} 的用途 {value} 不在使用条件 {policy} 之内",
        "deal {deal}: policy {policy} does not permit purpose {value}",
        "允许的用途：{nearest}",
        "permitted: {nearest}",
    ),
    "deal.not-a-recipient": Message(
        "合约 {deal} 的买方 {value} 不在使用条件 {policy} 的 recipients 里",
        "deal {deal}: policy {policy} does not admit the recipient {value}",
        "允许的接收方：{nearest}",
        "admitted: {nearest}",
    ),
    "deal.level-too-low": Message(
        "合约 {deal} 的保障等级 {value} 低于使用条件要求的 {wanted}",
        "deal {deal}: level {value} is below the policy's {wanted}",
    ),
    "deal.delivery-unclear": Message(
        "产品 {product} 有几种交付方式，合约 {deal} 没有选定",
        "product {product} has several deliveries; deal {deal} names none",
        "写 delivery: {nearest}",
        "write delivery: {nearest}",
    ),
    "deal.delivery-not-offered": Message(
        "产品 {product} 没有交付方式 {value}",
        "product {product} has no delivery {value}",
        _NEAR_ZH,
        _NEAR_EN,
    ),
    "deal.no-price": Message(
        "方案 {plan} 是议价方案，合约 {deal} 没有写 price",
        "plan {plan} is negotiated; deal {deal} has no price",
        "在合约里写 price:",
        "write price: in the deal",
    ),
    "deal.below-floor": Message(
        "合约 {deal} 的 price 至多保证 {value}，低于方案 {plan} 的底价 {floor}",
        "deal {deal}: its price assures no more than {value}; the floor of plan {plan} is {floor}",
        "提高 once、fee 或 minimum",
        "raise once, fee or minimum",
    ),
    "deal.unknown-mask": Message(
        "合约 {deal} 给字段 {field} 的遮蔽方式 {value} 不认识",
        "deal {deal}: {value}, the mask of {field}, is not known",
        _NEAR_ZH,
        _NEAR_EN,
    ),
    "deal.price-not-negotiated": Message(
        "方案 {plan} 不是议价方案，合约 {deal} 不能另写 price",
        "plan {plan} is not negotiated; deal {deal} cannot set a price",
    ),
    "deal.mask-field": Message(
        "合约 {deal} 的 mask 字段 {value} 不在其 fields 里",
        "deal {deal}: masked field {value} is not among its fields",
        _NEAR_ZH,
        _NEAR_EN,
    ),
    "deal.after-retirement": Message(
        "合约 {deal} 的期限超过产品 {product} 的停售日 {day}",
        "deal {deal} outlives product {product}, retired on {day}",
    ),
    "deal.outlives-grant": Message(
        "合约 {deal} 的 {key} {value} 超出授权 {grant}",
        "deal {deal}: {key} {value} exceeds grant {grant}",
    ),
    "deal.amends-other": Message(
        "合约 {deal} 变更的 {other} 属于另一产品或买方",
        "deal {deal} amends {other}, of another product or buyer",
    ),
    "deal.policy-wider": Message(
        "合约 {deal} 的使用条件 {policy} 比产品的宽：{value}",
        "deal {deal}: policy {policy} is wider than the product's: {value}",
    ),
    "deal.own-product": Message(
        "合约 {deal} 的买方就是供方 {party}", "deal {deal}: the consumer {party} is the provider"
    ),
}

_BOOKS = {
    "chart.unmapped": Message(
        "科目 {account} 不属于 chart 的任何角色",
        "account {account} belongs to no role of the chart",
        "在 books/policy.yaml 的 chart 里补上",
        "map it under chart in books/policy.yaml",
    ),
    "chart.unknown-role": Message(
        "chart 中没有角色 {role}", "the chart knows no role {role}", _NEAR_ZH, _NEAR_EN
    ),
    "chart.no-account": Message(
        "角色 {role} 没有科目，{asset} 的分录不能写成凭证",
        "the role {role} has no account: an entry of {asset} cannot be written as a voucher",
        "在 chart 下写 {role}: 科目编码",
        "write {role}: ACCOUNT under chart",
    ),
    "chart.account-twice": Message(
        "科目 {account} 同属 {left} 与 {right}",
        "account {account} belongs to {left} and to {right}",
    ),
    "chart.missing": Message(
        "有凭证，却没有 books/policy.yaml",
        "there are vouchers but no books/policy.yaml",
        "写上 chart",
        "write the chart",
    ),
    "books.which-entity": Message(
        "有几个会计主体，books/{value} 不知属于谁，没有读取",
        "there are several entities; whose books/{value} is cannot be told, and it is not read",
        "放进 {known} 之一",
        "put it into one of {known}",
    ),
    "voucher.text-amount": Message(
        "{key} 的 {value} 不是数字金额",
        "{key}: {value} is not an amount in digits",
        "写成 1023500.00，不带千分位、货币符号和“万”",
        "write 1023500.00 without separators, symbols or 万",
    ),
    "voucher.too-many-decimals": Message(
        "{key} 的 {value} 多于两位小数",
        "{key}: {value} has more than two decimals",
        "写到分",
        "write it to the fen",
    ),
    "voucher.both-sides": Message(
        "凭证 {number} 的一行同时有借方和贷方",
        "a line of voucher {number} has both debit and credit",
        "拆成两行",
        "make two lines of it",
    ),
    "voucher.no-amount": Message(
        "凭证 {number} 的一行没有金额", "a line of voucher {number} has no amount"
    ),
    "voucher.unbalanced": Message(
        "凭证 {number} 借贷不平，差 {difference}",
        "voucher {number} is off balance by {difference}",
        "核对其 {lines} 行",
        "compare its {lines} lines",
    ),
    "voucher.two-currencies": Message(
        "凭证 {number} 有两种币种：{currencies}",
        "voucher {number} has two currencies: {currencies}",
        "每张凭证一种币种",
        "one currency a voucher",
    ),
    "voucher.two-dates": Message(
        "凭证 {number} 有两个日期：{dates}", "voucher {number} has two dates: {dates}"
    ),
    "voucher.duplicate-number": Message(
        "凭证号 {number} 在本会计年度已用于 {other}",
        "voucher number {number} is used at {other} in this fiscal year",
    ),
    "voucher.no-evidence": Message(
        "凭证 {number} 的项目行（{project}）没有附件",
        "a project line ({project}) of voucher {number} has no evidence",
        "在 evidence 列写附件路径",
        "name a file in the evidence column",
    ),
    "voucher.project-unclaimed": Message(
        "项目代码 {value} 不属于任何资产",
        "project code {value} belongs to no asset",
        _NEAR_ZH,
        _NEAR_EN,
    ),
    "voucher.booked-otherwise": Message(
        "凭证 {number} 已记 {asset} 截至 {day} 应记的，但金额不同",
        "voucher {number} has booked what {asset} asks for on {day}, but at another amount",
        "核对后再录入建议凭证，以免重复入账",
        "compare them before entering the proposal, so that nothing is booked twice",
    ),
    "voucher.beancount-directive": Message(
        "{value} 不是认识的 Beancount 指令或分录",
        "{value} is no Beancount directive or posting that is read",
        '最接近的：{nearest}；交易写成 日期 * "摘要" 及其分录',
        'nearest: {nearest}; a transaction is DATE * "summary" and its postings',
    ),
    "voucher.beancount-not-applied": Message(
        "{value} 没有执行：只取交易中写明的分录",
        "{value} is not applied: only the postings written in transactions are read",
        "把它带来的分录写成交易，或在 Beancount 中展开后导出",
        "write the postings that it makes as transactions, or export with them in place",
    ),
    "asset.judged-role": Message(
        "{asset} 的判断人 {party} 没有角色 finance",
        "{asset}: {party}, who judged, lacks the role finance",
        "改由财务人员判断，或补上角色",
        "let finance judge, or add the role",
    ),
    "asset.judged-person": Message(
        "{asset} 的判断人 {party} 不是个人", "{asset}: {party}, who judged, is not a person"
    ),
    "asset.purchased": Message(
        "资产 {asset} 是外购的，不写 {key}",
        "asset {asset} is purchased: it has no {key}",
        "删去 {key}，以 vouchers 列出凭证；自行研发的写 route: self_developed",
        "remove {key} and list its vouchers; what was developed is route: self_developed",
    ),
    "asset.not-judged": Message(
        "{asset} 的确认没有写 judged",
        "{asset}: nobody answers for its recognition",
        "补上 judged: {{by, date}}",
        "add judged: {{by, date}}",
    ),
    "asset.phases": Message(
        "{asset} 的开发阶段 {development} 早于研究阶段 {research}",
        "{asset}: development {development} begins before research {research}",
    ),
    "appraisal.value-differs": Message(
        "写的价值是 {value}，按 inputs 计算是 {computed}",
        "the value is {value}; its inputs give {computed}",
        "核对 inputs 或请评估机构更正",
        "compare the inputs, or ask the appraiser",
    ),
    "appraisal.not-recomputed": Message(
        "{method} 的价值没有按 inputs 重新计算，只保留评估机构写的数",
        "the value by {method} is not recomputed from its inputs: it is the appraiser's own",
        "可重算的方法：income 的 direct、share、increment",
        "recomputed are the income forms direct, share and increment",
    ),
    "appraisal.inputs": Message(
        "inputs 不全或不合格式：{reason}", "the inputs are incomplete or ill-formed: {reason}"
    ),
    "financing.appraisal-other-asset": Message(
        "评估 {appraisal} 的对象是 {other}，不是 {asset}",
        "appraisal {appraisal} is of {other}, not of {asset}",
    ),
    "financing.over-ltv": Message(
        "{amount} 超过评估值 {value} 的 {ltv}",
        "{amount} is more than {ltv} of the appraised {value}",
    ),
    "financing.usage-measure": Message(
        "约束 {covenant} 的 {value} 不是每期用量",
        "covenant {covenant}: {value} is not usage in a period",
        "写成 call per month；单位 {units}，期间 {periods}",
        "write call per month; units {units}, periods {periods}",
    ),
    "financing.covenant": Message(
        "约束 {covenant} 应有一个度量和一个界限",
        "covenant {covenant} wants one measure and one bound",
    ),
}

MESSAGES = _FORMAT | _REF | _PROJECT | _STANDARD | _CONTRACT | _RIGHTS | _PRODUCT | _BOOKS
