"""Codes of the portal's pages."""

from sanhua.kernel.messages import Message

MESSAGES = {
    "page.not-shown": Message(
        "门户页面目前只在本机地址上显示",
        "the portal is shown on a loopback address only",
        "登录功能做好之前，请在运行 sanhua serve 的机器上以 127.0.0.1 打开，或用 ssh 转发端口",
        "until sign-in exists, open it as 127.0.0.1 on the machine that runs sanhua serve, or "
        "forward the port with ssh",
    ),
    "page.not-found": Message(
        "没有页面 {path}", "there is no page {path}", "从首页开始", "start from the first page"
    ),
    "page.method": Message(
        "页面只读，不接受 {method}",
        "pages are only read: {method} is not accepted",
        "用 GET",
        "use GET",
    ),
    "page.bad-parameter": Message(
        "参数 {name} 的值 {value} 不是从 0 起的整数",
        "parameter {name}: {value} is no whole number from 0 on",
        "用页面上的链接翻页",
        "turn the pages with their links",
    ),
    "page.crowded": Message(
        "同时打开的页面太多（{count}）",
        "too many pages are being opened at once ({count})",
        "稍后刷新",
        "reload in a moment",
    ),
    "page.defect": Message(
        "程序自身的错误，编号 {incident}",
        "a mistake of the program itself, incident {incident}",
        "详情在 sanhua serve 的 stderr 中；请把编号告诉维护者",
        "the details are in the stderr of sanhua serve; tell the maintainers the incident",
    ),
}
