"""Store, ledger, key and verification codes."""

from sanhua.kernel.messages import Message

_FROM_BACKUP = (
    "从未被改动的备份恢复 state/，并查明是谁改的",
    "restore state/ from an untouched backup, and find out who changed it",
)

MESSAGES = {
    "store.seal": Message(
        "{node} 的版本 {version} 与其封印不符",
        "version {version} of {node} does not match its seal",
        "sanhua verify 列出全部不符；从备份恢复",
        "sanhua verify lists all that differs; restore a backup",
    ),
    "keys.missing": Message(
        "私钥 {file} 不见了，而已有证据日志由它签名",
        "the private key {file} is gone, and there is a log that it signed",
        "从备份恢复 state/keys",
        "restore state/keys from a backup",
    ),
    "keys.mask-missing": Message(
        "遮蔽密钥 {file} 不见了，而 {deal} 的令牌化字段由它得出",
        "the mask key {file} is gone, and the tokenised fields of {deal} were made with it",
        "从备份恢复 state/keys；换新密钥会改变全部令牌值",
        "restore state/keys from a backup; with a new key every token would be another",
    ),
    "store.unknown-url": Message(
        "不支持数据库 {scheme}",
        "database {scheme} is not supported",
        "写成 sqlite:///路径 或 postgresql+psycopg://用户@主机/数据库",
        "write sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE",
    ),
    "store.bad-url": Message(
        "{scheme} 的地址写法不对",
        "the {scheme} URL cannot be read",
        "写成 postgresql+psycopg://用户:${{变量}}@主机:端口/数据库；密码中的特殊字符由变量带入",
        "write postgresql+psycopg://USER:${{NAME}}@HOST:PORT/DATABASE; a password with special "
        "characters comes in by the variable",
    ),
    "store.no-driver": Message(
        "未安装 PostgreSQL 驱动",
        "the PostgreSQL driver is not installed",
        "执行 pip install 'sanhua[postgres]'",
        "run pip install 'sanhua[postgres]'",
    ),
    "store.cannot-reach": Message(
        "连接不上数据库 {database}：{reason}",
        "database {database} cannot be reached: {reason}",
        "检查地址、账号与服务器，再执行同一命令；已提交的内容完好",
        "check the address, the role and the server, then give the same command again; what was "
        "committed is intact",
    ),
    "store.no-privilege": Message(
        "账号无权使用数据库 {database}：{reason}",
        "the role may not do this in database {database}: {reason}",
        "由管理员把数据库的所有权或所需权限授予该账号",
        "let its administrator make the role the owner, or grant what it needs",
    ),
    "store.not-utf8": Message(
        "数据库 {database} 的编码不是 UTF-8",
        "database {database} is not encoded in UTF-8",
        "以 ENCODING 'UTF8' 新建一个数据库",
        "make one with ENCODING 'UTF8'",
    ),
    "store.moved-on": Message(
        "数据库 {database} 的另一个事务改动了同一处，本次未作任何改动",
        "another transaction changed the same in database {database}; nothing was changed here",
        "再执行同一命令",
        "give the same command again",
    ),
    "store.value-refused": Message(
        "数据库不接受这个值：{reason}", "the database cannot hold this value: {reason}"
    ),
    "store.nul": Message(
        "名称 {name} 含有空字符（NUL）",
        "the name {name} has a NUL character in it",
        "去掉该字符",
        "take the character out",
    ),
    "store.target-not-empty": Message(
        "数据库 {target} 不是空的：已有 {name}",
        "database {target} is not empty: it has {name}",
        "给出一个空数据库；已有的内容不会被改动",
        "name an empty database; what is in this one is left alone",
    ),
    "store.not-sound": Message(
        "{place}有 {count} 处不符，未搬动任何内容；第一处：{fault}",
        "{count} faults in {place}; nothing was moved. The first: {fault}",
        "执行 sanhua verify 查看全部",
        "run `sanhua verify` to see them all",
    ),
    "store.newer-schema": Message(
        "数据库结构版本 {have} 比本程序所知的 {known} 新",
        "the database has schema {have}, this program knows {known}",
        "用更新的 sanhua 打开",
        "open it with a newer sanhua",
    ),
    "store.no-such-record": Message("没有记录 {node}", "there is no record {node}"),
    "store.no-such-event": Message("日志中没有第 {seq} 个事件", "the log has no event {seq}"),
    "store.erased": Message("{node} 的内容已删除", "the content of {node} was erased"),
    "store.same-id-other-body": Message(
        "{node} 已经记下，内容不同",
        "{node} was kept before with another content",
        "更正另记一条，不要重用标识；凭证恢复原样，再以 reverses 红字冲回并重记",
        "put it right with a further act under a new id; restore a voucher as it was, then reverse "
        "it (`reverses`) and book it anew",
    ),
    "store.same-id-other-kind": Message(
        "{node} 已是 {before}，不能又是 {now}", "{node} is a {before} already and cannot be a {now}"
    ),
    "store.not-erasable": Message(
        "{node}（{kind}）是账簿或日志的依据，不能删除",
        "{node} ({kind}) is what the ledger or the log stands on and cannot be erased",
        "用红字冲销更正账目",
        "put the books right with a reversing entry",
    ),
    "store.holds-closed": Message(
        "{node}（{kind}）收回了 {closed}，删除它会使之重新有效",
        "{node} ({kind}) took {closed} back, which would be open again without it",
    ),
    "store.wipe-waits": Message(
        "内容已删除，但 {seconds} 秒内仍有读者，文件尚未清净",
        "the content is erased, but others were reading for {seconds} s; the files still hold it",
        "稍后再执行同一删除",
        "run the same erasure again later",
    ),
    "store.clock-back": Message(
        "主机时钟 {host} 早于最后一个事件 {last} 五分钟以上",
        "the host's clock {host} is more than five minutes before the last event {last}",
        "校准主机时钟后再试",
        "set the host's clock right and try again",
    ),
    "store.busy": Message(
        "{file} 正被另一进程写入，等了 {seconds} 秒",
        "{file} is being written by another process; waited {seconds} s",
        "稍后再试",
        "try again later",
    ),
    "store.disk-full": Message(
        "磁盘已满，{file} 未作任何改动",
        "the disk is full; nothing in {file} was changed",
        "腾出空间后再试",
        "make room and try again",
    ),
    "store.read-only": Message(
        "{file} 只读",
        "{file} is read-only",
        "检查文件与文件夹的写权限",
        "check the rights of the file and its folder",
    ),
    "store.cannot-open": Message(
        "无法读写 {file}：{reason}", "{file} cannot be read or written: {reason}"
    ),
    "store.corrupt": Message(
        "{file} 已损坏：{reason}", "{file} is corrupt: {reason}", *_FROM_BACKUP
    ),
    "store.log-gap": Message(
        "证据日志缺少第 {level} 层第 {position} 个哈希",
        "the evidence log lacks hash {position} of level {level}",
        *_FROM_BACKUP,
    ),
    "store.no-key": Message(
        "没有签名密钥，不能签署检查点", "there is no signing key to sign a checkpoint with"
    ),
    "store.behind-published": Message(
        "证据日志只有 {size} 个事件，而已公布的检查点有 {published} 个：这是恢复的旧备份",
        "the log has {size} events, the published checkpoint {published}: a restored backup",
        "恢复更新的备份；确实要从旧备份继续，请另立日志（新的 state/ 与密钥）",
        "restore a newer backup; to go on from the old one, begin another log (new state/ and key)",
    ),
    "store.not-published": Message(
        "前 {size} 个事件与已公布的检查点不符",
        "the first {size} events are not those of the published checkpoint",
        *_FROM_BACKUP,
    ),
    "store.published-unreadable": Message(
        "{file} 不是检查点",
        "{file} is not a checkpoint",
        "从备份恢复该文件",
        "restore the file from a backup",
    ),
    "store.after-checkpoint": Message(
        "{node} 记于检查点（{size} 个事件）之后",
        "{node} was kept after the checkpoint over {size} events",
        "再出具一次",
        "prove it again",
    ),
    "keys.readable-by-others": Message(
        "私钥 {file} 他人可读",
        "private key {file} can be read by others",
        "执行 chmod 600 {file}",
        "run chmod 600 {file}",
    ),
    "keys.public-differs": Message(
        "公钥 {file} 不是签署证据日志的私钥的公钥",
        "public key {file} is not that of the private key which signs the log",
        "查明是谁换的；删去它，下一条命令写回真的",
        "find out who exchanged it; delete it, and the next command writes the true one",
    ),
    "keys.not-ed25519": Message(
        "{file} 不是 Ed25519 私钥（PEM）", "{file} is not an Ed25519 private key (PEM)"
    ),
    "ledger.no-such-book": Message("没有账簿 {book}", "there is no book {book}"),
    "ledger.period-closed": Message(
        "分录 {entry} 的日期 {on} 落在已结账期间 {close}",
        "entry {entry} is effective on {on}, which lies in the closed period {close}",
        "记入未结账的期间",
        "post it into an open period",
    ),
    "ledger.empty-period": Message("{node} 的期间为空", "the period of {node} is empty"),
    "verify.pages": Message(
        "数据库页损坏：{reason}", "database pages are broken: {reason}", *_FROM_BACKUP
    ),
    "verify.unreadable": Message(
        "{part} 无法读完：{reason}", "{part} cannot be read through: {reason}", *_FROM_BACKUP
    ),
    "verify.event-gap": Message(
        "证据日志第 {expected} 个事件缺失（其后是 {seq}）",
        "event {expected} is missing from the log (next is {seq})",
    ),
    "verify.event-row": Message(
        "第 {seq} 个事件的列与其原文不符", "the columns of event {seq} differ from its leaf"
    ),
    "verify.event-time": Message(
        "第 {seq} 个事件的时间 {at} 早于前一个 {before}",
        "event {seq} is dated {at}, before the one ahead of it {before}",
    ),
    "verify.merkle": Message(
        "第 {leaf} 个事件处第 {level} 层的树哈希不符",
        "the tree hash of level {level} at event {leaf} is wrong",
    ),
    "verify.checkpoint": Message(
        "前 {size} 个事件与当时签署的检查点不符",
        "the first {size} events are not those that the checkpoint signed",
    ),
    "verify.truncated": Message(
        "日志只有 {size} 个事件，而检查点签署了 {published} 个",
        "the log has {size} events, but a checkpoint signed {published}",
    ),
    "verify.note": Message(
        "检查点 {size} 无效：{reason}", "checkpoint {size} is not valid: {reason}"
    ),
    "verify.checkpoint-chain": Message(
        "检查点 {size} 与其前一个不相接：其间有检查点被删改",
        "checkpoint {size} does not follow the one before it: one was taken away or changed",
    ),
    "verify.checkpoint-gone": Message(
        "已公布的检查点（{size} 个事件）不在数据库中",
        "the published checkpoint over {size} events is not in the database",
    ),
    "verify.against-key": Message(
        "不是本日志所签的检查点：{reason}", "not a checkpoint of this log: {reason}"
    ),
    "verify.against-behind": Message(
        "本日志只有 {size} 个事件，而交出的检查点有 {published} 个：这是恢复的旧备份",
        "this log has {size} events, the checkpoint handed out {published}: a restored backup",
    ),
    "verify.against-forked": Message(
        "前 {size} 个事件不是交出的检查点所签的：日志从旧备份分了叉，或被改写",
        "the first {size} events are not those of the checkpoint handed out: the log was forked "
        "from a backup, or rewritten",
    ),
    "verify.trigger": Message(
        "触发器 {name} 缺失、停用、被改或多出：数据库不再拒绝改写",
        "trigger {name} is missing, switched off, changed or one too many: the database no longer "
        "refuses changes",
        *_FROM_BACKUP,
    ),
    "verify.view": Message(
        "视图 {name} 缺失或被改：它显示的不是记录所载",
        "view {name} is missing or changed: it does not show what the records say",
        *_FROM_BACKUP,
    ),
    "verify.table": Message("表 {name} 缺失或被改", "table {name} is missing or changed"),
    "verify.index": Message("索引 {name} 缺失或被改", "index {name} is missing or changed"),
    "verify.meta": Message(
        "meta 表的行 {name} 缺失、被改或多出", "row {name} of meta is missing, changed or extra"
    ),
    "verify.version-gap": Message(
        "{node} 的版本 {version} 不连续", "version {version} of {node} is out of order"
    ),
    "verify.no-event": Message(
        "{node} 的版本 {version} 没有事件", "version {version} of {node} has no event"
    ),
    "verify.no-record": Message(
        "第 {seq} 个事件所说的 {node} 版本 {version} 不存在",
        "event {seq} tells of version {version} of {node}, which is not there",
    ),
    "verify.missing-body": Message(
        "{node} 版本 {version} 的内容缺失，而没有删除记录",
        "the content of version {version} of {node} is missing without an erasure",
    ),
    "verify.seal": Message(
        "{node} 版本 {version} 的内容与封印不符",
        "the content of version {version} of {node} does not match its seal",
    ),
    "verify.record-row": Message(
        "{node} 版本 {version} 的列与其内容不符",
        "the columns of version {version} of {node} differ from its content",
    ),
    "verify.unbalanced": Message("分录 {node} 借贷不平", "entry {node} does not balance"),
    "verify.edge-missing": Message("{node} 缺少边 {row}", "{node} lacks the edge {row}"),
    "verify.edge-extra": Message("{node} 多出边 {row}", "{node} has an edge too many: {row}"),
    "verify.edge-changed": Message(
        "{node} 的边 {row} 应为 {wanted}", "{node} has the edge {row} instead of {wanted}"
    ),
    "verify.entry-line-missing": Message(
        "{node} 缺少分录行 {row}", "{node} lacks the ledger line {row}"
    ),
    "verify.entry-line-extra": Message(
        "{node} 多出分录行 {row}", "{node} has a ledger line too many: {row}"
    ),
    "verify.entry-line-changed": Message(
        "{node} 的分录行 {row} 应为 {wanted}",
        "{node} has the ledger line {row} instead of {wanted}",
    ),
}
