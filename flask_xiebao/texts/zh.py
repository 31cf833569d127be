"""Simplified Chinese."""

TEXTS = {
    "language": "zh-CN",
    # an entry's QR code
    "qr.label": "用手机扫码投保",
    # the page that sends a browser to the link that a script fetched
    "navigate.title": "正在打开…",
    "navigate.open": "没有自动打开？请点这里",
    # the page with a QR code for the phone
    "handoff.title": "用手机继续",
    "handoff.how": "请用手机微信或相机扫描二维码，无需再次登录。",
    "handoff.code": "二维码：用手机扫码继续",
    "handoff.minutes": "二维码 {count} 分钟内有效。",
    "handoff.seconds": "二维码 {count} 秒内有效。",
    "handoff.refresh": "换一个新的二维码",
    "handoff.private": "二维码代表您本人，请勿转发给他人。",
    "handoff.direct": "我正在用平板或手机，直接打开",
    # why somebody is not let through, by reason
    "notice.login_required.title": "请先登录",
    "notice.login_required.text": "登录后即可继续投保或查看保单。",
    "notice.login_required.elsewhere": "请先在网站上登录，再重新打开这个链接。",
    "notice.another_member.title": "这个链接属于另一位会员",
    "notice.another_member.text": (
        "您登录的账号与链接不一致。请先退出当前账号，用链接所属的账号登录，再重新打开这个链接。"
    ),
    "notice.not_allowed.title": "您无法打开这个链接",
    "notice.not_allowed.text": "您的账号目前没有权限使用这项服务。如有疑问，请联系本站客服。",
    "notice.invalid_link.title": "链接无效",
    "notice.invalid_link.text": "链接可能不完整，或者已被修改。请从网站上重新打开。",
    "notice.disabled.title": "保险服务暂停使用",
    "notice.disabled.text": "目前无法打开保险页面，请稍后再试。",
    "notice.expired.title": "链接已过期",
    "notice.expired.text": (
        "为了保护您的账号，这个链接只在一段时间内有效。请登录后继续，或者重新获取链接。"
    ),
    "notice.expired.elsewhere": (
        "为了保护您的账号，这个链接只在一段时间内有效。请先在网站上登录，再重新打开，或者重新获取链接。"
    ),
    "notice.login": "去登录",
    "notice.start": "返回网站首页",
    # the simulator of the gateway
    "simulator.title": "携保网关模拟器（不出售任何保险）",
    "simulator.heading": "携保网关模拟器",
    "simulator.what": (
        "这里不是携保，不出售任何保险，也不收款；只检查请求是否符合接口文档，并像携保一样通知商家。"
    ),
    "simulator.accepted": "已接受：{page}",
    "simulator.refused": "已拒绝：{page}",
    "simulator.received": "收到的参数（sign 只显示首尾两位）",
    "simulator.parameter": "参数",
    "simulator.value": "值",
    "simulator.meaning": "说明",
    "simulator.platform": "{meaning}：{value} = {platform}",
    "simulator.nothing": "没有参数",
    "simulator.abandoned": "您放弃了投保，没有产生订单。",
    "simulator.buy": "购买",
    "simulator.paid": "支付成功",
    "simulator.failed": "支付失败",
    "simulator.abandon": "放弃",
    "simulator.manner": "怎样通知商家",
    "simulator.times": "每条通知发送",
    "simulator.times.1": "一次",
    "simulator.times.2": "两次",
    "simulator.times.3": "三次",
    "simulator.backwards": "倒序发送",
    "simulator.late": "先不发送，等“再次通知”",
    "simulator.forged": "每条通知之前，先发一条签名错误的",
    "simulator.no_url": "模拟器没有设置 notify_url，所以不通知商家。",
    "simulator.order": "订单",
    "simulator.state": "状态",
    "simulator.state.unpaid": "未支付",
    "simulator.state.issued": "已出单，保障有效",
    "simulator.state.surrendered": "已退保",
    "simulator.number": "投保单号",
    "simulator.policy": "保单号",
    "simulator.product": "产品",
    "simulator.dates": "保障期间",
    "simulator.price": "保费",
    "simulator.pay": "支付",
    "simulator.surrender": "退保",
    "simulator.again": "再次通知",
    "simulator.messages": "发给商家的通知",
    "simulator.kind": "通知",
    "simulator.kind.1": "投保",
    "simulator.kind.2": "支付",
    "simulator.kind.3": "出单",
    "simulator.kind.4": "退保",
    "simulator.kind.9": "电子保单",
    "simulator.forged_one": "签名错误",
    "simulator.step_failed": "失败",
    "simulator.sent": "发送次数（含重试）",
    "simulator.count": "{count} 次",
    "simulator.answer": "商家的响应",
    "simulator.not_sent": "尚未发送",
    "simulator.unreachable": "连不上（{why}）",
    "simulator.no_order": (
        "链接没有问题，但模拟器里没有投保单号 {number} 的订单：这里只有在模拟器上买过的。"
    ),
    "simulator.back": "返回商家",
    "simulator.file": "这不是真正的保单。模拟保单号：{policy}\n",
    # what the document's parameters are
    "meaning.partnerId": "渠道账号，由携保为每个渠道分配",
    "meaning.subPartnerId": "渠道子账号，当子账号投保时必传",
    "meaning.partnerUniqKey": "渠道会员唯一标识，即渠道自己的会员的 ID",
    "meaning.platform": "平台类型",
    "meaning.paySuccess": "支付成功后跳转的网址，base64 编码",
    "meaning.sign": "md5(apiKey + partnerId)，32 位小写",
    "meaning.unknown": "文档里没有这个参数",
    # in lists
    "list.comma": "、",
    "list.platform": "{code}（{platform}）",
    # what is wrong with a URL
    "problem.page": "网关没有这个页面（{value}）：路径只能是 {pages}。",
    "problem.address": "网址有误：要以 https:// 或 http:// 开头，非 ASCII 字符要做百分号编码。",
    "problem.missing": "缺少 {parameter}（{meaning}）：文档 {section} 要求必传。",
    "problem.spaces": (
        "不认识参数「{parameter}」：应写作 {value}，前后不能有空格，大小写要和文档一致。"
    ),
    "problem.misspelt": (
        "不认识参数「{parameter}」：应写作 {value}，大小写要和文档一致，"
        "网址里的 & 也不能写成 &amp;。"
    ),
    "problem.unknown": (
        "不认识参数「{parameter}」：文档 {section} 里没有，请去掉；"
        "如果是携保告诉您的，请登记在 XIEBAO_EXTRA（模拟器则是 also_known）。"
    ),
    "problem.repeated": "{parameter} 出现了 {value} 次：只能出现一次。",
    "problem.escapes": "{parameter} 的转义有误：请按 UTF-8 做 URL 编码（百分号编码）。",
    "problem.empty": "{parameter} 是空的：请给出值（{meaning}）。",
    "problem.partner": "partnerId 不是 {value}：请用携保分配的渠道账号。",
    "problem.sign": (
        "sign 不对：应为 md5(apiKey + partnerId) 的 32 位小写十六进制，"
        "请核对 apiKey 是不是这个环境的。"
    ),
    "problem.sign_shape": (
        "sign 不对：应为 md5(apiKey + partnerId) 的 32 位小写十六进制，现在的形式不对。"
    ),
    "problem.sign_example": (
        "sign 不对：应为 md5(apiKey + partnerId) 的 32 位小写十六进制；"
        "文档 2.1 的示例是 base64 加 partnerId，那是笔误，请勿照抄。"
    ),
    "problem.platform": "platform 不对（{value}）：文档 {section} 只接受 {platforms}。",
    "problem.no_pc": "platform 不对（{value}）：文档 {section} 只接受 {platforms}，目前不支持 PC。",
    "problem.pay_success_plus": "paySuccess 里有空格：base64 的 + 要写成 %2B。",
    "problem.pay_success_url_safe": (
        "paySuccess 用了 URL 安全的 base64：请用标准的，即 + 和 /，不是 - 和 _。"
    ),
    "problem.pay_success_star": (
        "paySuccess 不是标准 base64：文档 2.3 示例里的 * 只是占位，请换成真正的值。"
    ),
    "problem.pay_success_base64": (
        "paySuccess 不是标准 base64：请对网址做 base64 编码，并保留末尾的 =。"
    ),
    "problem.pay_success_url": (
        "paySuccess 解码后不是完整的网址：应以 http:// 或 https:// 开头，"
        "有主机名，没有空白和控制字符，按 UTF-8 编码。"
    ),
}
