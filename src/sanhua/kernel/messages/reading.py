"""Codes of raw files by format: archives, workbooks, JSON, fixed width."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "collect.too-many-columns": Message(
        "{file} 超过 {most} 列，未读入",
        "{file} has more than {most} columns; not read",
        "拆成几个文件，或把列转成行后再交来",
        "split it into several files, or turn the columns into rows",
    ),
    "collect.value-too-long": Message(
        "{file} 有一条记录超过 {most} 个字符，未读入",
        "{file}: a record is longer than {most} characters; not read",
        "用 read: {{records: …}} 指到一条条记录所在的路径，或改用 NDJSON",
        "point at the records with read: {{records: …}}, or hand it over as NDJSON",
    ),
    "collect.which-member": Message(
        "{file} 里不止一个文件：{members}",
        "{file} does not hold exactly one file: {members}",
        "在数据源写明 files: {file}!成员名，可用通配符；多张表写 tables",
        "name it in the source as files: {file}!member, or with a glob; several tables with tables",
    ),
    "collect.unsafe-member": Message(
        "{file} 的成员 {member} 不读：它是链接、名称重复、绝对路径或指到包外（{reason}）",
        "{file}: member {member} is not read: a link, a name given twice, absolute or leaving the "
        "archive ({reason})",
        "重新打包，只放普通文件和相对路径",
        "pack it again with plain files under relative names",
    ),
    "collect.encrypted": Message(
        "{file} 的 {member} 有密码保护，读不了",
        "{file}: {member} is protected by a password and cannot be read",
        "解除密码后再交来",
        "hand it over without the password",
    ),
    "collect.nested-archive": Message(
        "{file} 的成员 {member} 又是压缩包，不再往里读",
        "{file}: member {member} is an archive itself and is not opened",
        "先解开一层",
        "unpack one layer first",
    ),
    "collect.no-widths": Message(
        "{file} 是定长文件，却没有写各字段的位置",
        "{file} is of fixed width, but where its fields stand is not said",
        "写 read: {{format: fixed, widths: [8, 6, 10]}}，或 columns: {{code: 1-8, name: 9-14}}",
        "say read: {{format: fixed, widths: [8, 6, 10]}} or columns: {{code: 1-8, name: 9-14}}",
    ),
    "collect.no-encoding": Message(
        "{file} 的宽度按字节算，却没有写编码",
        "{file}: its widths count bytes, but its encoding is not said",
        "加上 read: {{encoding: gb18030}} 等实际编码",
        "add the true encoding: read: {{encoding: gb18030}}",
    ),
    "collect.title-rows": Message(
        "{file} 表头之上的 {rows} 行作为标题，未当作数据：{text}",
        "{file}: {rows} rows above the headings are titles and no data: {text}",
        "若它们是数据，写 read: {{skip: 0, header: false}} 或用 range 指明单元格",
        "if they are data, say read: {{header: false}}, or name the cells with range",
    ),
    "collect.headings-joined": Message(
        "{file} 的表头占 {rows} 行，已按“上级/下级”合成列名",
        "{file}: the headings take {rows} rows and were joined as upper/lower",
        "行数不对时写 read: {{header: 1}}",
        "if that is not so, say read: {{header: 1}}",
    ),
    "collect.merged-filled": Message(
        "{file} 有 {cells} 个合并单元格，已填入其首格的值",
        "{file}: {cells} cells merged with ones above were given their value",
        "无需处理；若值不应重复，先取消合并",
        "nothing to do; if the value should not repeat, unmerge the cells first",
    ),
    "collect.link-outside": Message(
        "{file} 是指到 {folder} 之外的链接，未读",
        "{file} is a link that leads out of {folder}; not read",
        "把文件本身放进来，或在 files 里写明它的路径",
        "put the file itself there, or name its path in files",
    ),
    "source.no-feed": Message(
        "{pattern} 处没有 GTFS 压缩包，数据源 {source} 有哪些表还不知道",
        "no GTFS zip at {pattern}: which tables source {source} has is not known",
        "放入压缩包，或在 tables 里逐一写明",
        "put the zip there, or list its tables under tables",
    ),
    "format.not-a-width": Message(
        "宽度是正整数，不是 {value}",
        "a width is a whole number above 0, not {value}",
        "例如 widths: [8, 6, 10]",
        "for example widths: [8, 6, 10]",
    ),
    "format.not-positions": Message(
        "字段的位置写作 起-止，从 1 数起，不是 {value}",
        "a field's place is written first-last, counted from 1, not {value}",
        "例如 columns: {{code: 1-8}}",
        "for example columns: {{code: 1-8}}",
    ),
}
