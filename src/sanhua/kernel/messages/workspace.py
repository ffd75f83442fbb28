"""Codes of the verbs: run, explain, prove, verify, approve, init."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "run.unknown-actor": Message(
        "parties.yaml 中没有 {actor}",
        "parties.yaml has no {actor}",
        "可用：{known}",
        "known: {known}",
    ),
    "run.busy": Message(
        "{folder} 正由另一个进程运行，已等 {seconds} 秒",
        "another process is at work in {folder}; waited {seconds} s",
        "等它结束后重试",
        "try again when it has finished",
    ),
    "run.nothing-yet": Message(
        "{folder} 还没有运行过",
        "nothing was run in {folder} yet",
        "先执行 sanhua run",
        "run `sanhua run` first",
    ),
    "run.does-not-compile": Message(
        "项目有 {count} 个错误，未运行任何步骤",
        "the project has {count} errors; no step was run",
        "逐个改正下列错误；sanhua check 只检查不运行",
        "mend the errors listed; `sanhua check` only checks",
    ),
    "run.unknown-target": Message(
        "没有名为 {name} 的表、资源或产品",
        "no table, resource or product is called {name}",
        "最接近的：{nearest}",
        "nearest: {nearest}",
    ),
    "run.disk-full": Message(
        "磁盘已满，{path} 未写入；已提交的内容完好",
        "the disk is full, {path} was not written; what was committed is intact",
        "腾出空间后再次执行同一命令",
        "free some space and give the same command again",
    ),
    "run.no-access": Message("无法读写 {path}：{reason}", "cannot read or write {path}: {reason}"),
    "run.system": Message("系统错误：{reason}", "the system failed: {reason}"),
    "collect.no-files": Message(
        "数据源 {source} 的 {pattern} 没有匹配到文件",
        "source {source}: no file matches {pattern}",
        "检查路径；${{NAME}} 取自环境变量",
        "check the path; ${{NAME}} comes from the environment",
    ),
    "collect.not-built": Message(
        "数据源 {source} 用的 {key} 在本版本中尚不支持",
        "source {source} uses {key}, which this version does not read",
        "先导出为文件并改用 files",
        "export it to files and use `files`",
    ),
    "collect.unreadable": Message("无法读取 {path}：{reason}", "cannot read {path}: {reason}"),
    "explain.no-such-node": Message(
        "没有编号为 {node} 的东西",
        "nothing here is called {node}",
        "编号形如 product:…、table:…、figure:…；sanhua run 的末尾列出可展开的数字",
        "ids look like product:…, table:…, figure:…; `sanhua run` ends with figures to open",
    ),
    "prove.own-bundle": Message(
        "所存内容与封印不符，未写出证据包：{reason}",
        "what is kept fails its seals, no bundle was written: {reason}",
        "执行 sanhua verify 查看全部不符之处",
        "`sanhua verify` lists every disagreement",
    ),
    "verify.broken": Message("{fault}", "{fault}"),
    "verify.no-bundle": Message("没有文件 {path}", "no file {path}"),
    "approve.no-such-person": Message(
        "parties.yaml 中没有名为 {person} 的人（person: true）",
        "parties.yaml has no person {person} (person: true)",
    ),
    "approve.maker-is-checker": Message(
        "{person} 是 {node} 的制作人或判断人，不能自己批准",
        "{person} made or judged {node} and cannot approve it",
        "请另一人批准",
        "a second person must approve",
    ),
    "approve.role": Message(
        "{person} 的角色是 {held}，批准 {node} 需要 {wanted}",
        "{person} holds {held}; approving {node} takes one of {wanted}",
    ),
    "approve.not-current": Message(
        "{node} 的文件在上次运行后改过",
        "the file of {node} was edited after the last run",
        "先执行 sanhua run，再批准",
        "run `sanhua run`, then approve",
    ),
    "approve.key": Message("{path} 不是 Ed25519 私钥", "{path} is not an Ed25519 private key"),
    "approve.other-key": Message(
        "{path} 与声明的公钥 {declared} 不是一对",
        "{path} does not belong to the declared public key {declared}",
    ),
    "init.not-empty": Message(
        "{folder} 已有 {name}，未写入任何文件",
        "{folder} holds {name} already; nothing was written",
        "换一个空文件夹",
        "choose an empty folder",
    ),
    "init.no-template": Message(
        "没有模板 {template}", "no template {template}", "可用：{known}", "known: {known}"
    ),
    "report.no-figures": Message(
        "主体 {entity} 没有凭证也没有资产，无可披露",
        "{entity} has neither vouchers nor assets: nothing to disclose",
    ),
    "report.unknown-entity": Message(
        "没有会计主体 {entity}", "no entity {entity}", "可用：{known}", "known: {known}"
    ),
}
