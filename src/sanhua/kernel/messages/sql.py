"""Codes of the canonical SQL."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "sql.no-lineage": Message(
        "看不出 {part} 取自哪些列，血缘与分级无从继承",
        "it cannot be told which columns {part} comes from, so neither lineage nor grades follow",
        "逐列写出，并给每个表达式起别名（AS）",
        "name the columns one by one and give each expression an alias (AS)",
    ),
    "sql.syntax": Message(
        "SQL 语法错误：{reason} {near}",
        "SQL syntax: {reason} {near}",
        "改正此处；方言是 DuckDB 的子集",
        "mend it here; the dialect is a subset of DuckDB's",
    ),
    "sql.too-long": Message(
        "SQL 有 {chars} 个字符，上限 {most}", "the SQL has {chars} characters, at most {most}"
    ),
    "sql.too-deep": Message(
        "SQL 嵌套过深（上限 {most}）",
        "the SQL is nested too deeply (at most {most})",
        "用 WITH 拆成几步，或拆成几个 sql 文件",
        "split it with WITH, or into several sql files",
    ),
    "sql.not-one-select": Message(
        "需要恰好一个 SELECT，实为 {found}",
        "one SELECT is wanted, found {found}",
        "一个文件一个 SELECT，文件名即表名",
        "one SELECT a file; the file's name is the table",
    ),
    "sql.not-one-expression": Message(
        "需要一个表达式（不含子查询）：{text}",
        "one expression without a subquery is wanted: {text}",
    ),
    "sql.not-allowed": Message(
        "{what} 不在允许的 SQL 子集内",
        "{what} is outside the allowed subset of SQL",
        "最接近的允许函数：{nearest}。读文件、时钟、随机数和改变状态的语句一律不允许",
        "nearest allowed function: {nearest}. Files, clock, randomness and changes never are",
    ),
    "sql.unordered": Message(
        "{what} 没有 ORDER BY，每次运行的结果可能不同",
        "{what} has no ORDER BY: each run may answer differently",
        "写明次序，直到没有并列",
        "say the order, down to no ties",
    ),
    "sql.column-twice": Message(
        "结果有两列都叫 {name}",
        "two columns of the result are called {name}",
        "用 AS 给其中一列另起名称；大小写不作区分",
        "give one of them another name with AS; case does not count",
    ),
    "sql.ties": Message(
        "{what} 在并列者中任取其一，每次运行的结果可能不同",
        "{what} takes one of several equals: each run may answer differently",
        "改用 row_number() OVER (… ORDER BY …)，次序写到没有并列；确知没有并列时不必理会",
        "use row_number() OVER (… ORDER BY …) down to no ties; leave it where there are none",
    ),
    "sql.inexact": Message(
        "{what} 按不定的次序累加二进制浮点数，末几位每次运行可能不同",
        "{what} adds binary floating point numbers in no fixed order: the last digits may differ "
        "each run",
        "求和、平均前用 CAST(… AS DECIMAL(p,s))",
        "cast to DECIMAL(p,s) before adding",
    ),
    "sql.unknown-table": Message(
        "没有名为 {table} 的数据源、代码集或 sql 文件",
        "no source, code list or sql file is called {table}",
        "最接近的：{nearest}",
        "nearest: {nearest}",
    ),
    "sql.unknown-column": Message(
        "{tables} 中没有列 {name}",
        "{tables} has no column {name}",
        "最接近的：{nearest}",
        "nearest: {nearest}",
    ),
    "sql.ambiguous-column": Message(
        "列 {name} 在 {tables} 中都有",
        "column {name} stands in each of {tables}",
        "写明表名：表.{name}",
        "write table.{name}",
    ),
    "sql.cycle": Message(
        "sql 文件互相引用：{cycle}",
        "the sql files read each other: {cycle}",
        "去掉其中一处引用",
        "take one of the references away",
    ),
}
