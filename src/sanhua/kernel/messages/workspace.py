"""Codes of the verbs: run, explain, prove, verify, approve, init."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "prune.negative": Message(
        "--days {days} 小于 0", "--days {days} is below 0", "写 0 或更大的天数", "write 0 or more"
    ),
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
    "run.no-access": Message(
        "无法读写 {path}：{reason}",
        "cannot read or write {path}: {reason}",
        "检查权限，或换一个位置",
        "check its permissions, or choose another place",
    ),
    "run.no-file": Message(
        "没有文件或文件夹 {path}", "no file or folder {path}", "检查路径", "check the path"
    ),
    "run.system": Message(
        "系统错误：{reason}",
        "the system failed: {reason}",
        "排除后再次执行同一命令；已提交的内容完好",
        "give the same command again when it is mended; what was committed is intact",
    ),
    "run.defect": Message(
        "程序自身的错误（{at}）：{kind} {reason}",
        "a mistake of the program itself ({at}): {kind} {reason}",
        "已提交的内容完好；请把这一行和命令报告给维护者",
        "what was committed is intact; please report this line and the command",
    ),
    "cli.usage": Message(
        "命令写法不对：{reason}", "the command is not right: {reason}", "见 --help", "see --help"
    ),
    "collect.no-files": Message(
        "数据源 {source} 的 {pattern} 没有匹配到文件",
        "source {source}: no file matches {pattern}",
        "检查路径；${{NAME}} 取自环境变量",
        "check the path; ${{NAME}} comes from the environment",
    ),
    "collect.no-rows": Message(
        "{table} 没有一行可用（拒收 {rejected} 行）",
        "{table} has no usable row ({rejected} rejected)",
        "检查文件是否已完整送达，表头与合同是否相符",
        "check that the files arrived whole and that their headings match the contract",
    ),
    "collect.unreadable": Message(
        "无法读取 {path}：{reason}",
        "cannot read {path}: {reason}",
        "检查权限",
        "check its permissions",
    ),
    "explain.no-such-node": Message(
        "没有编号为 {node} 的东西",
        "nothing here is called {node}",
        "最接近的：{nearest}。编号形如 product:…、table:…；sanhua run 的末尾列出可展开的数字",
        "nearest: {nearest}. Ids look like product:…, table:…; `sanhua run` ends with figures to "
        "open",
    ),
    "explain.no-such-figure": Message(
        "还没有数字 {node}",
        "there is no figure {node} yet",
        "最接近的：{nearest}。报表的数字由 sanhua report disclosure 算出，其余由 sanhua run",
        "nearest: {nearest}. `sanhua report disclosure` makes the figures of the balance sheet and "
        "its notes, `sanhua run` the others",
    ),
    "prove.no-folder": Message(
        "没有文件夹 {path}，未写出证据包",
        "no folder {path}; no bundle was written",
        "先建立该文件夹，或用 -o 换一个位置",
        "make the folder, or choose another place with -o",
    ),
    "prove.own-bundle": Message(
        "所存内容与封印不符，未写出证据包：{reason}",
        "what is kept fails its seals, no bundle was written: {reason}",
        "执行 sanhua verify 查看全部不符之处",
        "`sanhua verify` lists every disagreement",
    ),
    "verify.broken": Message(
        "{fault}",
        "{fault}",
        "不要依赖它：索取新的证据包，或从未被改动的备份恢复 state/",
        "do not rely on it: ask for a new bundle, or restore state/ from an untouched backup",
    ),
    "verify.no-bundle": Message("没有文件 {path}", "no file {path}", "检查路径", "check the path"),
    "verify.key": Message(
        "{path} 不是 Ed25519 公钥",
        "{path} is not an Ed25519 public key",
        "给出 PEM 或 32 字节的公钥",
        "give the public key as PEM or as 32 bytes",
    ),
    "report.later-facts": Message(
        "默认期间 {period} 是最后有凭证的一期；其后还有 {count} 项事实没有包含，"
        "最后一项是 {asset} 的 {day}",
        "{period} is the latest period with vouchers; {count} facts after it are left out, the "
        "last that of {asset} on {day}",
        "写 --period {last}",
        "say --period {last}",
    ),
    "report.not-begun": Message(
        "期间 {period} 从 {starts} 开始，今天是 {today}",
        "the period {period} begins on {starts}; today is {today}",
        "写一个已经开始的期间",
        "name a period that has begun",
    ),
    "approve.no-such-person": Message(
        "parties.yaml 中没有名为 {person} 的人（person: true）",
        "parties.yaml has no person {person} (person: true)",
        "在 parties.yaml 中登记此人，或换一个 --as",
        "enter the person in parties.yaml, or give another --as",
    ),
    "approve.maker-is-checker": Message(
        "{person} 是 {node} 的制作人或判断人，不能自己批准",
        "{person} made or judged {node} and cannot approve it",
        "请另一人批准",
        "a second person must approve",
    ),
    "approve.other-entity": Message(
        "{node} 属于 {entity}，{person} 是 {of} 的人，不能批准",
        "{node} belongs to {entity}; {person} is of {of} and cannot answer for it",
        "由 {entity} 的人员批准",
        "someone of {entity} approves",
    ),
    "approve.role": Message(
        "{person} 的角色是 {held}，批准 {node} 需要 {wanted}",
        "{person} holds {held}; approving {node} takes one of {wanted}",
        "请有此角色的人批准",
        "someone who holds the role must approve",
    ),
    "approve.no-declared-key": Message(
        "parties.yaml 没有声明批准人的 public_key，{path} 是谁的密钥无从核对",
        "parties.yaml declares no public_key of whoever approves: whose key {path} is cannot be "
        "told",
        "先声明 public_key，或不用 --key",
        "declare public_key first, or approve without --key",
    ),
    "approve.voided": Message(
        "{person} 于 {at} 以 {role} 作出的批准已作废：{node} 此后改过",
        "the approval of {person} as {role} of {at} is void: {node} was changed since",
        "核对后重新批准：sanhua approve {node}",
        "look at it again: sanhua approve {node}",
    ),
    "approve.unsound": Message(
        "{person} 于 {at} 以 {role} 作出的批准不算数：签名与其内容不符",
        "the approval of {person} as {role} of {at} does not count: its signature is not over "
        "what it says",
        "重新批准，并查明原因：sanhua verify",
        "approve again, and find out why: sanhua verify",
    ),
    "approve.not-current": Message(
        "{node} 的文件在上次运行后改过",
        "the file of {node} was edited after the last run",
        "先执行 sanhua run，再批准",
        "run `sanhua run`, then approve",
    ),
    "approve.key": Message(
        "{path} 不是未加密的 Ed25519 私钥",
        "{path} is not an Ed25519 private key without a password",
        "给出 PEM 格式的私钥",
        "give the private key as PEM",
    ),
    "approve.public-key": Message(
        "parties.yaml 声明的公钥 {path} 不是 PEM 公钥",
        "the public key {path} that parties.yaml declares is not a PEM public key",
        "更正 public_key",
        "mend public_key",
    ),
    "approve.other-key": Message(
        "{path} 与声明的公钥 {declared} 不是一对",
        "{path} does not belong to the declared public key {declared}",
    ),
    "demo.not-served": Message(
        "网关没有启动（退出码 {status}）",
        "the gateway did not start (exit code {status})",
        "原因写在标准错误",
        "standard error says why",
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
