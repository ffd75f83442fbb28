"""Codes of reading raw files, the engine and the lake."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "lake.differs": Message(
        "表 {table} 的快照与其清单不符：{fault}",
        "the snapshot of table {table} is not what its manifest says: {fault}",
        "删除该快照的文件夹后 sanhua run 重建，或从备份恢复",
        "delete the snapshot's folder and run sanhua run, or restore a backup",
    ),
    "engine.too-many-partitions": Message(
        "表 {table} 按 {field} 分区得 {count} 个，超过 {most}",
        "table {table} by {field} has {count} partitions, more than {most}",
        "按更粗的列分区，例如日或月",
        "partition by a coarser column, such as the day or month",
    ),
    "build.not-divided": Message(
        "{table} 的列 {field} 标为分区列，但其 SQL 不能逐值重算"
        "（窗口、集合运算、同表读两次等），整表重建",
        "column {field} of {table} is marked as partitioned, but its SQL cannot be computed value "
        "by value (windows, set operations, a table read twice …): it is built whole",
    ),
    "collect.set-aside": Message(
        "{file} 整个文件不能读入，已记入拒收，其余文件照常：{reason}",
        "{file} cannot be read at all and stands among the rejects; the others were read: {reason}",
        "改正后以同名重新送达，或另送更正文件",
        "mend it and deliver it again under its name",
    ),
    "collect.no-such-file": Message("没有文件 {file}", "no file {file}"),
    "collect.empty": Message(
        "{file} 是空的", "{file} is empty", "检查是否已完整送达", "check that it arrived whole"
    ),
    "collect.unknown-format": Message(
        "{file} 的格式 {format} 不能读",
        "{file}: format {format} cannot be read",
        "在数据源写明 read: {{format: …}}，可用 {known}",
        "say read: {{format: …}} in the source; known: {known}",
    ),
    "collect.broken-archive": Message(
        "{file} 不是完好的压缩或工作簿文件：{reason}",
        "{file} is not a sound archive or workbook: {reason}",
        "重新取得该文件",
        "fetch the file again",
    ),
    "collect.unpacks-too-large": Message(
        "{file} 解开后已超过 {bytes} 字节，疑似压缩炸弹，未读入",
        "{file} unpacks to more than {bytes} bytes, as a zip bomb does; not read",
    ),
    "collect.no-member": Message(
        "{file} 中没有 {member}",
        "{file} has no member {member}",
        "最接近的：{nearest}",
        "nearest: {nearest}",
    ),
    "collect.wrong-encoding": Message(
        "{file} 第 {offset} 字节 {byte} 不是 {encoding}",
        "{file}: byte {byte} at offset {offset} is not {encoding}",
        "在数据源写明 read: {{encoding: gb18030}} 等实际编码",
        "say the true encoding in the source: read: {{encoding: …}}",
    ),
    "collect.unknown-encoding": Message(
        "{file}：没有编码 {encoding}", "{file}: no encoding {encoding}"
    ),
    "collect.not-text": Message(
        "{file} 含 NUL 字节，不是文本文件",
        "{file} holds NUL bytes: it is not a text file",
        "若是 UTF-16，用 read: {{encoding: utf-16-le}} 写明；否则重新导出",
        "if it is UTF-16, say read: {{encoding: utf-16-le}}; otherwise export it again",
    ),
    "collect.mixed-line-ends": Message(
        "{file} 混用换行符，引号又不成对，分不出行：{reason}",
        "{file} mixes line ends and its quotes do not match, so that its rows are not known: "
        "{reason}",
        "改正该行的引号，或统一换行符后重新导出",
        "mend the quotes of that line, or export it again with one kind of line end",
    ),
    "collect.heading-trimmed": Message(
        "{file} 的表头“{heading}”前后有空白，已按去掉空白后的名称读取",
        "{file}: blanks around heading {heading} were taken off",
        "无需处理",
        "nothing to do",
    ),
    "collect.sheets-unread": Message(
        "{file} 只读了工作表 {sheet}；未读：{others}",
        "{file}: only sheet {sheet} was read; unread: {others}",
        "在数据源写明 read: {{sheet: …}}，每个工作表一个数据源",
        "name it with read: {{sheet: …}}, a source for each sheet",
    ),
    "collect.duplicate-heading": Message(
        "{file} 的表头 {heading} 出现在第 {columns} 列",
        "{file}: heading {heading} stands in columns {columns}",
        "改表头，或用 read: {{header: false}}",
        "rename one, or say read: {{header: false}}",
    ),
    "collect.missing-heading": Message(
        "{file} 没有表头 {heading}（列 {field}）；有 {found}",
        "{file} has no heading {heading} (column {field}); it has {found}",
        "最接近的：{nearest}。文件中的表头写在 physicalName",
        "nearest: {nearest}. The heading in the file is the column's physicalName",
    ),
    "collect.no-sheet": Message(
        "{file} 没有工作表 {sheet}", "{file} has no sheet {sheet}", "有：{known}", "it has {known}"
    ),
    "collect.bad-json": Message(
        "{file} 不是合法的 JSON：{reason}",
        "{file} is not JSON: {reason}",
        "改正文件，或用 read: {{format: …}} 写明实际格式",
        "mend the file, or say its true form with read: {{format: …}}",
    ),
    "collect.no-records": Message(
        "{file} 中 {records} 处没有记录（{step}）",
        "{file}: no records at {records} ({step})",
        "records 从 $ 写起，如 $.data",
        "write records from $, as $.data",
    ),
    "collect.cannot-read": Message(
        "{file} 读不进来：{reason}",
        "{file} cannot be read: {reason}",
        "重新取得该文件，或用 read: 写明其格式",
        "fetch the file again, or say its form with read:",
    ),
    "collect.unknown-type": Message(
        "列 {field} 的类型 {type} 不认识", "column {field}: unknown type {type}"
    ),
    "collect.unknown-pattern": Message(
        "日期格式 {pattern} 中的 {letters} 不认识",
        "{letters} in date pattern {pattern} is not known",
        "可用：{known}",
        "known: {known}",
    ),
    "engine.bad-pattern": Message(
        "正则表达式 {pattern} 不能编译：{reason}",
        "the regular expression {pattern} does not compile: {reason}",
        "引擎用 RE2 语法，没有前后向断言与反向引用；反斜杠在双引号中要写两个",
        "the engine takes RE2 syntax, without lookaround and backreferences; in double quotes a "
        "backslash is written twice",
    ),
    "engine.cannot-bind": Message(
        "SQL 不能绑定：{reason}",
        "the SQL does not bind: {reason}",
        "核对列名和类型，必要时用 TRY_CAST",
        "check the names and types of the columns; cast with TRY_CAST where needed",
    ),
    "engine.cannot-run": Message(
        "SQL 运行失败：{reason}",
        "the SQL failed: {reason}",
        "类型转换用 TRY_CAST，除法先防零",
        "use TRY_CAST for casts and guard divisions",
    ),
    "engine.column-twice": Message(
        "{table} 有两列都叫 {field}", "{table} has two columns called {field}"
    ),
    "engine.not-one-value": Message(
        "规则应得一个值：{expression}",
        "a rule gives one value: {expression}",
        "写成一列一行，如 SELECT count(*) FROM …",
        "one column and one row, as SELECT count(*) FROM …",
    ),
    "engine.too-many-rows": Message("结果超过 {most} 行", "more than {most} rows"),
    "engine.out-of-memory": Message("内存不足：{reason}", "out of memory: {reason}"),
    "engine.out-of-time": Message("超过时间上限，已停止", "stopped at the time limit"),
    "lake.disk-full": Message(
        "磁盘已满，快照未写入；已有内容完好",
        "the disk is full; the snapshot was not written and what was there is intact",
        "腾出空间后再次执行 sanhua run",
        "free some space and run again",
    ),
    "lake.missing": Message(
        "数据湖缺少 {path}",
        "the lake lacks {path}",
        "sanhua run 会重建",
        "`sanhua run` rebuilds it",
    ),
    "lake.manifest-differs": Message(
        "清单 {path} 与其哈希不符", "manifest {path} does not match its hash"
    ),
}
