"""Codes of deals and calls: contract, signature, token, gateway, metering."""

from sanhua.kernel.messages import Message

MESSAGES = {
    # Resolving and signing
    "deal.unknown": Message(
        "没有合约 {deal}",
        "there is no deal {deal}",
        "先 sanhua run；已知：{known}",
        "run sanhua run first; known: {known}",
    ),
    "deal.cannot-bind": Message(
        "合约 {deal} 的条款 {term}（{value}）无法落实，因此不成立",
        "deal {deal}: the term {term} ({value}) cannot be bound, so the deal is refused",
        "可落实的：{can}",
        "what can be bound: {can}",
    ),
    "deal.key-not-sold": Message(
        "合约 {deal} 未包含查询键 {value}，调用无从查起",
        "deal {deal} leaves out the key column {value}, so no call could look anything up",
        "在 fields 中加入 {value}",
        "add {value} to fields",
    ),
    "deal.grant-not-ours": Message(
        "合约 {deal} 所依据的授权 {grant} 授予的是 {to}，不是提供方",
        "deal {deal}: the grant {grant} was given to {to}, not to the provider",
        "改用授予提供方的授权",
        "name a grant that the provider holds",
    ),
    "deal.not-listed": Message(
        "合约 {deal}：产品 {product} 没有挂牌",
        "deal {deal}: product {product} is listed nowhere",
        "在产品文件写 listings",
        "write listings in the product's file",
    ),
    "deal.provider-may-not": Message(
        "合约 {deal}：提供方依权利主张 {claim} 今日不得经营",
        "deal {deal}: under the claim {claim} the provider may not operate the data today",
        "续期或补充权利主张",
        "renew or complete the claim",
    ),
    "deal.changed-after-signing": Message(
        "合约 {deal} 已由 {parties} 签署，此后文件改动了：{keys}",
        "deal {deal} was signed by {parties}; its file has changed since: {keys}",
        "恢复原文；或另写一份带 amends: {deal} 的合约再签",
        "restore the file, or write another deal with amends: {deal} and sign that",
    ),
    "deal.signature-void": Message(
        "合约 {deal} 在一方签署后改动了 {keys}，{parties} 的签名失效",
        "deal {deal} changed ({keys}) after a signature; that of {parties} is void",
        "双方重新签署",
        "both sides sign again",
    ),
    "deal.edited-since-run": Message(
        "合约 {deal} 的文件在上次 run 之后改动过",
        "the file of deal {deal} was edited since the last run",
        "先 sanhua run，再签署",
        "run sanhua run, then sign",
    ),
    "deal.no-declared-key": Message(
        "{person} 及其机构在 parties.yaml 中没有公钥",
        "parties.yaml names no public key of {person} or their organisation",
        "写 public_key: keys/…pem，用 sanhua deal key 生成",
        "write public_key: keys/…pem and make the pair with sanhua deal key",
    ),
    "deal.not-a-party": Message(
        "{person} 不代表合约 {deal} 的任何一方（{sides}）",
        "{person} acts for neither side of deal {deal} ({sides})",
        "由一方的人员签署",
        "someone of one of the sides signs",
    ),
    "deal.not-signed": Message(
        "合约 {deal} 尚未由 {waiting} 签署",
        "deal {deal} is not signed by {waiting} yet",
        "sanhua deal sign {deal} --as 人员 --key 私钥",
        "sanhua deal sign {deal} --as PERSON --key FILE",
    ),
    "deal.end-in-the-past": Message(
        "合约不能自 {day} 起终止：今日是 {today}",
        "a deal cannot end from {day} on: today is {today}",
        "写今日或以后的日期",
        "name today or a later day",
    ),
    "token.unknown": Message(
        "没有令牌 {token}", "there is no token {token}", "sanhua deal list", "sanhua deal list"
    ),
    "key.not-declared": Message(
        "parties.yaml 没有写明 {party} 的公钥放在哪里",
        "parties.yaml does not say where the public key of {party} is",
        "写 public_key: keys/{party}.pem",
        "write public_key: keys/{party}.pem",
    ),
    "key.exists": Message(
        "{path} 已存在，不会覆盖",
        "{path} exists and is not overwritten",
        "换一个名字",
        "another name",
    ),
    "can.no-such-party": Message(
        "没有主体 {party}", "there is no party {party}", "见 parties.yaml", "see parties.yaml"
    ),
    "can.no-such-product": Message(
        "没有产品 {product}",
        "there is no product {product}",
        "先 sanhua run",
        "run sanhua run first",
    ),
    "can.no-deal": Message(
        "没有合约允许：什么都没有约定，就什么都不允许",
        "no deal allows it: what is not agreed is not allowed",
        "订立合约",
        "agree on a deal",
    ),
    # Calls
    "call.no-token": Message(
        "没有令牌", "no token", "Authorization: Bearer …", "Authorization: Bearer …"
    ),
    "call.unknown-token": Message(
        "令牌无效", "the token is not known", "向提供方索取", "ask the provider for one"
    ),
    "call.revoked-token": Message("令牌已撤销", "the token was revoked"),
    "call.not-signed": Message(
        "合约 {deal} 的现行条款未经双方签署", "the terms of {deal} are not signed by both sides"
    ),
    "call.not-served": Message(
        "合约 {deal} 的数据尚未就绪",
        "the data of {deal} is not ready",
        "稍后再试；提供方需 sanhua run",
        "try later; the provider runs sanhua run",
    ),
    "call.not-refreshed": Message(
        "合约与令牌的现况暂时无法读取，暂不服务",
        "deals and tokens cannot be read just now; not serving",
        "稍后再试；提供方见 serve 的 stderr",
        "try later; the provider sees why on the stderr of serve",
    ),
    "call.provider-may-not": Message(
        "提供方今日无权经营这些数据", "today the provider has no right to operate this data"
    ),
    "call.before-term": Message("合约尚未开始", "the deal has not begun"),
    "call.after-term": Message("合约已结束", "the deal has ended"),
    "call.purpose": Message("用途 {purpose} 不在合约之内", "the purpose {purpose} is not agreed"),
    "call.purpose-missing": Message(
        "须写明用途", "name the purpose", "purpose= {purposes}", "purpose= one of {purposes}"
    ),
    "call.field": Message("字段 {fields} 不全在合约之内", "not all fields of {fields} are agreed"),
    "call.limit": Message(
        "{window} 内的 {unit} 已达上限 {limit}",
        "the limit of {limit} {unit} in a {window} is used up",
    ),
    "call.rate": Message(
        "每秒至多 {qps} 次", "at most {qps} calls a second", "稍后再试", "try later"
    ),
    "call.clock-set-back": Message(
        "时钟比已计量的时刻早 {seconds} 秒，暂不服务",
        "the clock is {seconds} s before the last metered moment; not serving",
        "校正时钟",
        "set the clock right",
    ),
    "call.crowded": Message(
        "计量积压，暂不服务", "the meter is behind; not serving", "稍后再试", "try later"
    ),
    "call.method": Message("不支持 {method}", "{method} is not supported", "用 GET", "use GET"),
    "call.no-such-product": Message(
        "令牌不对应产品 {product}", "the token does not open the product {product}"
    ),
    "call.not-acceptable": Message(
        "不支持格式 {value}", "the form {value} is not supported", "可用：{known}", "known: {known}"
    ),
    "call.bad-parameter": Message(
        "参数 {name} 不对：{value}", "the parameter {name} is wrong: {value}"
    ),
    # Serving and metering
    "serve.port": Message(
        "无法监听 {host}:{port}：{reason}",
        "cannot listen on {host}:{port}: {reason}",
        "换一个端口 --port",
        "choose another --port",
    ),
    "serve.running": Message(
        "{folder} 已在服务中", "{folder} is being served already", "先停止它", "stop it first"
    ),
    "serve.no-worker": Message(
        "工作进程未能启动",
        "no worker could start",
        "见 stderr 上的原因",
        "see the reason on stderr",
    ),
    "store.meter-full": Message(
        "计量无法写入 {file}：{reason}；未写下的调用不予答复",
        "usage cannot be written to {file}: {reason}; what is not metered is not answered",
        "腾出磁盘空间；恢复后自动继续",
        "free disk space; it goes on by itself",
    ),
    "store.meter-failed": Message(
        "计量未能写下：{reason}；未写下的调用不予答复",
        "usage could not be written: {reason}; what is not metered is not answered",
        "见 serve 的 stderr；能写时自动继续",
        "see the stderr of serve; it goes on by itself when it can write",
    ),
    "store.leases": Message(
        "共享计数器 {file} 无法使用：{reason}；有限量的合约暂不服务",
        "the shared counters {file} cannot be used: {reason}; deals with limits are not served",
        "重新启动 serve：计数器由计量重新得出",
        "start serve again: they are counted anew from the meter",
    ),
    "store.meter-aside": Message(
        "已损坏的计量段 {files} 存放在 state/meter，其中可证明的批次已另行封存",
        "damaged meter segments stand aside in state/meter: {files}; what they prove is sealed",
        "查明缺失的用量，再把这些文件移到别处保存",
        "find out which usage is lost, then keep these files somewhere else",
    ),
    "store.meter-broken": Message(
        "计量段 {file} 在字节 {at} 处与其封印不符",
        "the meter segment {file} does not match its seal at byte {at}",
        "从备份恢复该文件",
        "restore the file from a backup",
    ),
    "engine.keyed-not-written": Message(
        "服务文件 {file} 未能写成：{reason}", "the keyed file {file} was not written: {reason}"
    ),
    "engine.keyed-differs": Message(
        "服务文件 {file} 不是写下的那个",
        "the keyed file {file} is not the one that was written",
        "删除 .sanhua/serving 后 sanhua run",
        "delete .sanhua/serving and run sanhua run",
    ),
    "engine.keyed-unreadable": Message(
        "服务文件 {file} 无法读取：{reason}",
        "the keyed file {file} cannot be read: {reason}",
        "删除 .sanhua/serving 后 sanhua run",
        "delete .sanhua/serving and run sanhua run",
    ),
    "engine.no-such-column": Message(
        "表 {table} 没有列 {field}", "table {table} has no column {field}"
    ),
    "engine.unknown-mask": Message(
        "字段 {field} 的遮蔽 {mask} 无法识别", "field {field}: the mask {mask} is not known"
    ),
    "run.clock-offset": Message(
        "SANHUA_CLOCK_OFFSET_S 不是整数秒：{value}",
        "SANHUA_CLOCK_OFFSET_S is no whole number of seconds: {value}",
    ),
}
