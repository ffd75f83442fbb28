"""Codes of the standards: elements, code lists, model, glossary, binding, 一数一源."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "standard.other-representation": Message(
        "数据元 {element} 与 {other} 同名“{name}”、定义相同，而 {key} 不同：{value}，对方 {wanted}",
        "data elements {element} and {other} share the name “{name}” and the definition, but their "
        "{key} differs: {value}, the other's {wanted}",
        "合为一个数据元，或改名并说明区别",
        "make them one element, or rename one and say how they differ",
    ),
    "standard.unknown-form": Message(
        "数据元 {element} 的格式 {value} 不是可检查的写法",
        "the format {value} of data element {element} is no notation that can be checked",
        "写作 a..20、n8、an3、n..10,2、d8 或 YYYYMMDD",
        "write a..20, n8, an3, n..10,2, d8 or YYYYMMDD",
    ),
    "standard.unknown-status": Message(
        "状态 {value} 不在名单中",
        "status {value} is not on the list",
        "可用：{nearest}",
        "known: {nearest}",
    ),
    "standard.version-form": Message(
        "版本 {value} 不是数字加点",
        "version {value} is not numbers with points between",
        "写作 1.0",
        "write 1.0",
    ),
    "standard.mapping-name": Message(
        "映射表 {codes} 的名称不是“甲_to_乙”，或甲、乙不是代码集",
        "mapping {codes} is not named x_to_y, or x and y are no code lists",
        "按两个代码集命名文件：甲_to_乙.csv",
        "name the file after the two lists: x_to_y.csv",
    ),
    "standard.maps-unknown": Message(
        "映射表 {mapping} 中有 {codes} 没有的代码：{values}",
        "mapping {mapping} names codes that {codes} lacks: {values}",
        "更正代码，或补进代码集",
        "correct them, or add them to the list",
    ),
    "standard.other-unit": Message(
        "列 {column} 的单位 {unit} 与数据元 {element} 的 {wanted} 不符",
        "column {column} is in {unit}, its data element {element} in {wanted}",
        "换算成数据元的单位，或绑定另一个数据元",
        "convert it to the element's unit, or bind another element",
    ),
    "standard.other-codes": Message(
        "列 {column} 准许的取值 {values} 不在数据元 {element} 的代码集 {codes} 中",
        "column {column} admits {values}, which code list {codes} of its element {element} lacks",
        "补进代码集，或收窄该列的 validValues",
        "add them to the list, or narrow the column's validValues",
    ),
    "standard.retired-bound": Message(
        "列 {column} 仍绑定已废止的数据元 {element}",
        "column {column} is still bound to data element {element}, which is retired",
        "改绑接替它的数据元",
        "bind its successor",
    ),
    "standard.two-authorities": Message(
        "一数两源：{column} 与 {other} 都声明为数据元 {element} 的权威列",
        "two sources for one datum: {column} and {other} both declare themselves authoritative for "
        "{element}",
        "只留一处 authoritative: true",
        "leave authoritative: true in one place",
    ),
    "standard.not-the-authority": Message(
        "列 {column} 声明为权威列，但由 {supplier} 提供，数据元 {element} 的权威来源是 {authority}",
        "column {column} declares itself authoritative but comes from {supplier}; the authority of "
        "{element} is {authority}",
        "改由权威来源提供，或改数据元的 authority",
        "take it from the authority, or change the element's authority",
    ),
    "standard.collected-twice": Message(
        "重复采集：数据元 {element} 由 {supplier} 在 {column} 提供，又见于 {other}，"
        "权威来源是 {authority}",
        "collected twice: {element} comes from {supplier} in {column} and also in {other}; its "
        "authority is {authority}",
        "取权威来源的值，或以 authoritative: true 标明哪一列作数",
        "take the authority's value, or mark the column that counts with authoritative: true",
    ),
    "standard.no-authority": Message(
        "数据元 {element} 来自多个系统（{systems}），没有权威来源",
        "data element {element} comes from several systems ({systems}) and has no authority",
        "在数据元中写 authority",
        "name its authority",
    ),
    "standard.team-no-party": Message(
        "team 中的 {role} {value} 不在 parties.yaml",
        "{role} {value} of the team is not in parties.yaml",
        "补进 parties.yaml，或改 username；最接近的是 {nearest}",
        "add it, or correct the username; nearest: {nearest}",
    ),
    "standard.no-owner": Message(
        "数据资源 {resource} 没有责任人",
        "resource {resource} has no owner",
        "在契约的 team 中写 role: owner，或在 model.yaml 写 owner",
        "name one in the contract's team (role: owner) or in model.yaml (owner)",
    ),
    "standard.no-steward": Message(
        "数据资源 {resource} 没有数据管家",
        "resource {resource} has no data steward",
        "在契约的 team 中写 role: data steward，或在 model.yaml 写 steward",
        "name one in the contract's team (role: data steward) or in model.yaml (steward)",
    ),
    "standard.too-long": Message(
        "工作表 {sheet} 第 {row} 行有 {size} 个字，单元格最多 {limit}",
        "sheet {sheet}, row {row}: a text of {size} characters; a cell holds {limit}",
        "缩短这段文字",
        "shorten the text",
    ),
    "standard.no-sheet": Message(
        "工作簿 {path} 中没有可读的工作表",
        "workbook {path} has no sheet to read",
        "工作表的名称是：{known}，或代码集的名称",
        "sheets are named {known}, or as a code list",
    ),
    "standard.no-such-sheet": Message(
        "代码集 {codes} 的工作表 {sheet} 不在工作簿 {path} 中",
        "code list {codes} has no sheet {sheet} in workbook {path}",
        "补上这张工作表，或删去代码集表中的这一行",
        "add the sheet, or remove the list's row",
    ),
    "standard.comments-lost": Message(
        "{path} 中有注释，重写会丢失它们",
        "{path} has comments inside, which rewriting would lose",
        "把注释移到文件开头或 note，或用 --replace 放弃它们",
        "move them to the head of the file or into `note`, or give them up with --replace",
    ),
    "standard.taken-out": Message(
        "{path} 中有 {count} 项不在工作簿里，已删去：{names}",
        "{count} entries of {path} are not in the workbook and are taken out: {names}",
        "若是导出之后他人所加，从版本库恢复后重新导出再填",
        "if somebody added them after the export, restore the file and fill in a new export",
    ),
    "standard.list-in-workbook": Message(
        "代码集 {codes} 保存在 {path}，内容与导入的不同",
        "code list {codes} is kept in {path} and differs from what is imported",
        "在该文件中修改，或先改存为 csv",
        "change it there, or keep it as csv first",
    ),
    "standard.not-the-same": Message(
        "写出的 {path} 读回后与导入的内容不同，没有写入",
        "{path} as it would be written does not read back as what was imported; nothing is written",
        "请报告这个缺陷，附上工作簿",
        "please report this defect with the workbook",
    ),
    "standard.role": Message(
        "{person} 的角色是 {held}，对标要由 {wanted} 决定",
        "{person} holds {held}; bindings are decided by {wanted}",
        "由有此角色的人决定，或在 parties.yaml 补上角色",
        "let somebody with the role decide, or add the role in parties.yaml",
    ),
    "standard.bound-already": Message(
        "列 {column_name} 已绑定数据元 {element}",
        "column {column_name} is bound to data element {element} already",
        "要改绑，请编辑契约",
        "edit the contract to bind another",
    ),
    "standard.no-such-column": Message(
        "没有契约列 {column_name}，最接近的是 {nearest}",
        "no contract has a column {column_name}; nearest: {nearest}",
        "写作 表.列",
        "write table.column",
    ),
    "standard.no-such-indicator": Message(
        "没有指标 {indicator}，最接近的是 {nearest}",
        "there is no indicator {indicator}; nearest: {nearest}",
    ),
}
