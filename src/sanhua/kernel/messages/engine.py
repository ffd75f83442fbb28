"""Codes of reading raw files, the engine and the lake."""

from sanhua.kernel.messages import Message

_MEND = (
    "核对这些行；要拒收而不修正时用 read: {{mend: false}}",
    "look at them; to have such rows rejected instead say read: {{mend: false}}",
)

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
    "collect.heading-trimmed": Message(
        "{file} 的表头“{heading}”前后有空白，已按去掉空白后的名称读取",
        "{file}: blanks around heading {heading} were taken off",
        "无需处理",
        "nothing to do",
    ),
    "collect.heading-again": Message(
        "{file} 第 {column} 列的表头 {heading} 已经出现过，该列名为 {named}",
        "{file}: heading {heading} of column {column} stands there already; the column is {named}",
        "需要原名时改表头，或用合同的 physicalName 指明",
        "rename one in the file to have it under its own name",
    ),
    "collect.headings-joined": Message(
        "{file} 第 {line} 行起有 {rows} 行表头，已逐列合并",
        "{file}: {rows} rows of headings from line {line} on were joined column by column",
        "不是这样时用 read: {{header: 1}} 写明表头的行数",
        "if they are not, say how many there are: read: {{header: 1}}",
    ),
    "collect.headings-differ": Message(
        "{file} 有 {headings} 个表头、{columns} 列，已从左对齐，核对各列的名称",
        "{file} has {headings} headings over {columns} columns, taken from the left: see that each "
        "names its own column",
        "改表头，或用 read: {{header: false, skip: …}} 跳过表头",
        "mend the headings, or leave them out with read: {{header: false, skip: …}}",
    ),
    "collect.no-headings": Message(
        "{file} 看来没有表头，列名为 column1 … column{columns}",
        "{file} seems to have no headings; its columns are column1 … column{columns}",
        "有表头时用 read: {{header: true}} 写明",
        "if it has, say read: {{header: true}}",
    ),
    "collect.above-the-table": Message(
        "{file} 第 {first}–{last} 行在表格之上，未作为数据：{text}",
        "{file}: lines {first}–{last} stand above the table and are no data: {text}",
        "不是这样时用 read: {{skip: …}} 写明表格之前的行数",
        "if they are, say read: {{skip: …}} with the lines before the table",
    ),
    "collect.blank-rows": Message(
        "{file} 有 {rows} 行只有分隔符，不算作行：第 {lines} 行",
        "{file}: {rows} rows hold nothing but delimiters and are no rows: lines {lines}",
    ),
    "collect.read-as": Message(
        "{file} 按分隔符 {delimiter}、引号 {quote}、转义 {escape} 读取",
        "{file} was read with delimiter {delimiter}, quote {quote}, escape {escape}",
        "不是这样时用 read: {{delimiter: …, quote: …, escape: …}} 写明",
        "if that is wrong, say read: {{delimiter: …, quote: …, escape: …}}",
    ),
    "collect.encoding-guessed": Message(
        "{file} 不是 UTF-8 也不是 GB18030，按 {encoding} 读取",
        "{file} is neither UTF-8 nor GB18030 and was read as {encoding}",
        "核对非英文字符；不对时用 read: {{encoding: …}} 写明",
        "look at its letters beyond English; if they are wrong, say read: {{encoding: …}}",
    ),
    "collect.controls-decoded": Message(
        "{file} 是 UTF-8，但含有不可见的控制字符（U+0080–U+009F）："
        "{encoding} 曾被当作 Latin-1 转存，已还原",
        "{file} is UTF-8 but holds invisible controls (U+0080–U+009F), as {encoding} does that was "
        "once taken for Latin-1; they were put right",
        "要保留原样时用 read: {{encoding: utf-8}} 写明",
        "to keep them as they stand, say read: {{encoding: utf-8}}",
    ),
    "collect.mended-quotes": Message(
        "{file} 有 {rows} 行引号不成对，其文字一字未改，只有一种读法合于各列：第 {lines} 行",
        "{file}: {rows} rows have quotes that do not match; as they stand only one reading fits: "
        "lines {lines}",
        _MEND[0],
        _MEND[1],
    ),
    "collect.mended-other-delimiter": Message(
        "{file} 有 {rows} 行用了别的分隔符，已按其读取：第 {lines} 行",
        "{file}: {rows} rows are parted by another delimiter and were read so: lines {lines}",
        _MEND[0],
        _MEND[1],
    ),
    "collect.mended-delimiter-too-many": Message(
        "{file} 有 {rows} 行多一个分隔符，只有去掉一处空格合于各列，已去掉：第 {lines} 行",
        "{file}: {rows} rows have a delimiter too many; the one empty cell whose removal fits the "
        "columns was taken out: lines {lines}",
        _MEND[0],
        _MEND[1],
    ),
    "collect.mended-delimiter-missing": Message(
        "{file} 有 {rows} 行少一个分隔符，只有一处补上后合于各列，已补上：第 {lines} 行",
        "{file}: {rows} rows lack a delimiter; it was set in the one place where the cells fit the "
        "columns: lines {lines}",
        _MEND[0],
        _MEND[1],
    ),
    "collect.mended-delimiter-in-a-cell": Message(
        "{file} 有 {rows} 行的分隔符是单元格文字的一部分，已按此读取：第 {lines} 行",
        "{file}: {rows} rows hold a delimiter inside a cell and were read so: lines {lines}",
        _MEND[0],
        _MEND[1],
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
